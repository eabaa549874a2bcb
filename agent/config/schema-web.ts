/** The keys of the collectors that take requests: what they have in common, and each one's own. */
import * as z from 'zod';
import { address, count, duration, flag, path, rate, size, text } from './fields.ts';
import { attributes, serverTls } from './schema-common.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const urlPath = z.string().regex(/^\/[\x21-\x7e]{0,255}$/, { error: 'a path begins with `/`' });

const common = {
  token_file: path().optional().meta({
    description: 'A file with bearer tokens, one a line; clients must show one. Read again when it changes.',
    fallback: 'no token is asked for (only on loopback, or with `insecure`)',
  }),
  basic: z
    .strictObject({
      user: text(256).describe('The name.'),
      password_file: path().describe('A file with the password. Read again when it changes.'),
    })
    .optional()
    .meta({
      description: 'A user and password that clients may show (basic authentication).',
      fallback: 'none',
    }),
  tls: serverTls.optional().meta({
    description: 'Serve HTTPS. The files are read again when they change.',
    fallback: 'plain HTTP (only on loopback, or with `insecure`)',
  }),
  insecure: flag()
    .prefault('false')
    .describe(
      '`true`: listen beyond loopback even without credentials or TLS. Anybody who reaches the port can then write, or listen in.',
    ),
  body_max: size({ min: KiB, max: 12 * MiB })
    .prefault('8MiB')
    .describe('The longest body, as sent and as expanded. A longer one is answered 413.'),
  memory_max: size({ min: MiB, max: 64 * 1024 * MiB })
    .prefault('64MiB')
    .describe(
      'For bodies in memory, over all requests; one client address gets at most half of it. Beyond it clients are asked to come back (503).',
    ),
  connections_max: count({ min: 1, max: 65_536 }).prefault('1024').describe('Connections at one time.'),
  connections_per_peer_max: count({ min: 1, max: 65_536 }).prefault('256').describe('The same for one address.'),
  idle_timeout: duration({ min: 1000, max: 3_600_000 })
    .prefault('60s')
    .describe('A client that sends nothing for so long is cut off.'),
  rate_limit: rate({ min: KiB, max: 1024 * 1024 * MiB })
    .optional()
    .meta({
      description: 'What each client address may send, expanded. Who sends faster is asked to come back (429).',
      fallback: 'no limit',
    }),
  attributes: attributes.prefault({}).meta({ description: 'Added to all its records.', entry: 'text' }),
  resource: attributes
    .prefault({})
    .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
};

export const httpCollectorSchema = z
  .strictObject({
    type: z.literal('http').describe('Takes what is sent by HTTP.'),
    listen: address().meta({ description: 'Where to listen.', example: '127.0.0.1:8080' }),
    path: urlPath.optional().meta({
      description: 'The only path that there is; others are answered 404.',
      fallback: 'every path is the same',
    }),
    format: z
      .enum(['auto', 'lines', 'ndjson', 'json'])
      .prefault('auto')
      .describe(
        'What bodies are. `auto`: as their content type says (`application/x-ndjson`, `application/json`, else lines).',
      ),
    records: z
      .enum(['event', 'body'])
      .prefault('event')
      .describe(
        'What JSON values are. `event`: an object that has only the fields of an [event](events.md) is one, anything else the body of one. `body`: each is the body of an event, whatever it holds.',
      ),
    idempotency_keys: count({ min: 100, max: 50_000 })
      .prefault('10000')
      .describe(
        'An idempotency key is known until so many newer ones came, or until it is older than `idempotency_keys_age`; over restarts and crashes.',
      ),
    idempotency_keys_age: duration({ min: 60_000, max: 7 * 86_400_000 })
      .prefault('1h')
      .describe(
        'How long an idempotency key is known, unless `idempotency_keys` newer ones came. Give it longer than your clients go on sending a request again.',
      ),
    ...common,
  })
  .describe(
    'Takes lines, NDJSON and JSON by HTTP. An answer leaves when all is durable; a request under an `Idempotency-Key` is taken once.',
  );

export const otlpSchema = z
  .strictObject({
    type: z.literal('otlp').describe('Takes logs by OTLP/HTTP.'),
    listen: address().meta({ description: 'Where to listen.', example: '127.0.0.1:4318' }),
    path: urlPath.prefault('/v1/logs').describe('The only path that there is; others are answered 404.'),
    ...common,
  })
  .describe('Takes logs of OpenTelemetry by HTTP, as protobuf or JSON. An answer leaves when all is durable.');
