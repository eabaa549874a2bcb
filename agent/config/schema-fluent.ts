/** Every key of the Fluent Forward collector. */
import * as z from 'zod';
import { address, count, path, size } from './fields.ts';
import { serverTls } from './schema-common.ts';
import { acknowledgingKeys } from './schema-listening.ts';

const MiB = 1024 * 1024;

export const fluentSchema = z
  .strictObject({
    type: z.literal('fluent').describe('Receives what Fluentd, Fluent Bit and their libraries forward.'),
    listen: address().meta({
      description: 'Where to listen. On loopback only this host reaches it.',
      example: '127.0.0.1:24224',
    }),
    shared_key_file: path().optional().meta({
      description: 'A file with the key that clients must know (`shared_key` there). Read again when it changes.',
      fallback: 'no handshake: anybody who reaches it can write',
    }),
    tls: serverTls.optional().meta({
      description: 'Speak TLS. The files are read again when they change.',
      fallback: 'no TLS',
    }),
    max_message: size({ min: 1024, max: 8 * MiB })
      .prefault('8MiB')
      .describe('The longest message (chunk), as sent and as expanded. Who sends a longer one is cut off.'),
    memory_max: size({ min: 8 * MiB, max: 1024 * MiB })
      .prefault('64MiB')
      .describe('For messages that have begun to arrive, over all connections. Who goes beyond it is cut off.'),
    chunks_known: count({ min: 100, max: 50_000 })
      .prefault('10000')
      .describe(
        'How many of the newest chunks are known, over restarts and crashes: one that comes again is not taken again.',
      ),
    ...acknowledgingKeys,
  })
  .describe(
    'The server side of Fluent Forward (version 1): every mode, chunks acknowledged when they are durable, and taken once.',
  );
