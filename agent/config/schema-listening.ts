/** Keys that collectors which listen have in common. */
import * as z from 'zod';
import { count, duration, size } from './fields.ts';
import { attributes } from './schema-common.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Of collectors that take from several sockets, datagrams among them. */
export const mixedSocketKeys = {
  when_full: z
    .enum(['block', 'drop_newest'])
    .prefault('block')
    .describe(
      'While the spool takes nothing: `block` stops reading, so that connections wait and the kernel drops UDP, counted; `drop_newest` goes on reading and drops what comes, counted.',
    ),
  receive_buffer: size({ min: 64 * KiB, max: 1024 * MiB })
    .prefault('16MiB')
    .describe(
      'What the kernel is asked to keep of UDP datagrams that nobody has read yet; it counts some 800 bytes for a short one. Where it gives less, status says so and what to do.',
    ),
  connections_max: count({ min: 1, max: 65_536 })
    .prefault('1024')
    .describe('Connections at one time, for each listener.'),
  connections_per_peer_max: count({ min: 1, max: 65_536 }).prefault('256').describe('The same for one address.'),
};

export const idleKeys = {
  idle_timeout: duration({ min: 1000, max: 30 * 86_400_000 })
    .optional()
    .meta({
      description: 'A connection that is silent for so long is closed.',
      fallback: 'it may be silent for ever',
    }),
};

/** What is added to all records of those that take from several sockets. */
export const addedKeys = {
  attributes: attributes.prefault({}).meta({ description: 'Added to all its records.', entry: 'text' }),
  resource: attributes
    .prefault({})
    .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
};

/** Of collectors whose clients wait for acknowledgements. */
export const acknowledgingKeys = {
  connections_max: count({ min: 1, max: 65_536 }).prefault('1024').describe('Connections at one time.'),
  connections_per_peer_max: count({ min: 1, max: 65_536 })
    .prefault('64')
    .describe('Connections at one time from one address.'),
  attributes: attributes.prefault({}).meta({ description: 'Added to every record of this collector.', entry: 'text' }),
  resource: attributes
    .prefault({})
    .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
};
