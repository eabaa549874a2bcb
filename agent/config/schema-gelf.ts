/** Every key of the GELF collector. */
import * as z from 'zod';
import { address, count, duration, size } from './fields.ts';
import { attributes, serverTls } from './schema-common.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const listen = z
  .strictObject({
    udp: address().optional().meta({ description: 'Datagrams, chunked and compressed or not.', fallback: 'none' }),
    tcp: address().optional().meta({ description: 'Connections, a NUL behind each message.', fallback: 'none' }),
    tls: address().optional().meta({ description: 'The same over TLS. Needs `tls`.', fallback: 'none' }),
  })
  .meta({ description: 'Where to listen: one of these or several.', example: '{ udp: "127.0.0.1:12201" }' });

export const gelfSchema = z
  .strictObject({
    type: z.literal('gelf').describe("Takes Graylog's GELF."),
    listen,
    tls: serverTls.optional().meta({
      description: 'For `listen.tls`. The files are read again when they change.',
      fallback: 'no TLS',
    }),
    max_message: size({ min: KiB, max: 2 * MiB })
      .prefault('1MiB')
      .describe('Of one message, expanded. A longer one stays as it came, in parts over TCP, and says so.'),
    when_full: z
      .enum(['block', 'drop_newest'])
      .prefault('block')
      .describe(
        'While the spool takes nothing: `block` stops reading, so that connections wait and the kernel drops UDP, counted; `drop_newest` goes on reading and drops what comes, counted.',
      ),
    receive_buffer: size({ min: 64 * KiB, max: 1024 * MiB })
      .prefault('4MiB')
      .describe('What the kernel is asked to keep of datagrams that nobody has read yet.'),
    connections_max: count({ min: 1, max: 65_536 })
      .prefault('1024')
      .describe('Connections at one time, for each listener.'),
    connections_per_peer_max: count({ min: 1, max: 65_536 }).prefault('256').describe('The same for one address.'),
    idle_timeout: duration({ min: 1000, max: 30 * 86_400_000 })
      .optional()
      .meta({
        description: 'A connection that is silent for so long is closed.',
        fallback: 'it may be silent for ever',
      }),
    attributes: attributes.prefault({}).meta({ description: 'Added to all its records.', entry: 'text' }),
    resource: attributes
      .prefault({})
      .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
  })
  .describe(
    "Takes Graylog's GELF over UDP and TCP as [events](events.md#gelf-gelf). Nothing is acknowledged, so what is lost on the way here nobody knows.",
  );
