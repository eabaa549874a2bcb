/** Every key of the GELF collector. */
import * as z from 'zod';
import { address, size } from './fields.ts';
import { serverTls } from './schema-common.ts';
import { addedKeys, idleKeys, mixedSocketKeys } from './schema-listening.ts';

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
    ...mixedSocketKeys,
    ...idleKeys,
    ...addedKeys,
  })
  .describe(
    "Takes Graylog's GELF over UDP and TCP as [events](events.md#gelf-gelf). Nothing is acknowledged, so what is lost on the way here nobody knows.",
  );
