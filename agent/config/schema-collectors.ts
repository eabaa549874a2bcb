/** Every key of every type of collector. */
import * as z from 'zod';
import { address, count, duration, flag, path, size } from './fields.ts';
import { serverTls } from './schema-common.ts';
import { execSchema, stdinSchema } from './schema-exec.ts';
import { containersSchema, fileSchema } from './schema-file.ts';
import { fluentSchema } from './schema-fluent.ts';
import { gelfSchema } from './schema-gelf.ts';
import { journaldSchema } from './schema-journald.ts';
import { relpSchema } from './schema-relp.ts';
import { tcpSchema, udpSchema, unixgramSchema, unixSchema } from './schema-sockets.ts';
import { syslogSchema } from './schema-syslog.ts';
import { httpCollectorSchema, otlpSchema } from './schema-web.ts';

const MiB = 1024 * 1024;

const blocksSchema = z
  .strictObject({
    type: z.literal('blocks').describe('Receives what other agents ship.'),
    listen: address().meta({ description: 'Where to listen.', example: '0.0.0.0:8600' }),
    token_file: path().optional().meta({
      description: 'A file with the bearer token that agents must show. Read again when it changes.',
      fallback: 'no token is asked for (only on loopback, or with `insecure`)',
    }),
    tls: serverTls.optional().meta({
      description: 'Serve HTTPS. The files are read again when they change.',
      fallback: 'plain HTTP (only on loopback, or with `insecure`)',
    }),
    insecure: flag()
      .prefault('false')
      .describe(
        '`true`: listen beyond loopback even without token or TLS. Anybody who reaches the port can then write, or listen in.',
      ),
    memory_max: size({ min: 32 * MiB, max: 64 * 1024 * MiB })
      .prefault('128MiB')
      .describe('For requests being received, over all agents. Beyond it they are asked to come back (503).'),
    connections_max: count({ min: 1, max: 65_536 }).prefault('4096').describe('Connections at one time.'),
    idle_timeout: duration({ min: 1000, max: 3_600_000 })
      .prefault('60s')
      .describe('An agent that sends nothing for so long is cut off.'),
  })
  .describe('The receiver: takes blocks from other agents over HTTP, each exactly once.');

export const collectorSchema = z.discriminatedUnion('type', [
  fileSchema,
  containersSchema,
  blocksSchema,
  journaldSchema,
  syslogSchema,
  httpCollectorSchema,
  otlpSchema,
  stdinSchema,
  execSchema,
  relpSchema,
  tcpSchema,
  unixSchema,
  udpSchema,
  unixgramSchema,
  fluentSchema,
  gelfSchema,
]);
