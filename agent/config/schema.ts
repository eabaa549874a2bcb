/**
 * Every key of the configuration file: what it means, what it takes, its default. Checking, `docs/configuration.md` and the
 * did-you-mean hints all come from here. Rules between several keys stand in `rules.ts`; the result's types in `types.ts`.
 *
 * `prefault` is a default written as in the file; a key that is `optional` has no value unless given (`fallback` in its
 * meta says what happens then); any other key is required.
 */
import * as z from 'zod';
import { address, duration, path, size } from './fields.ts';
import { collectorSchema } from './schema-collectors.ts';
import { attributes, name, whenFull } from './schema-common.ts';
import { shipperSchema } from './schema-shippers.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;

const spoolSchema = z.strictObject({
  max_size: size({ min: 4 * MiB, max: 1024 * TiB })
    .optional()
    .meta({
      description: 'The most that the spool may take on disk. What happens then is `when_full`.',
      fallback: 'the smaller of 10 GiB and a quarter of the file system',
    }),
  when_full: whenFull
    .prefault('block')
    .describe(
      '`block`: reading stops until a shipper has caught up; files wait, nothing is lost. `drop_oldest`: the oldest records go, counted and declared to the receiver. Each shipper may have its own.',
    ),
  sync_interval: duration({ min: 1, max: 60_000 })
    .prefault('100ms')
    .describe(
      'The least time between two syncs to disk, but for those of 2 MiB and more of compressed log. Shorter: records are durable, and shipped, sooner; longer: fewer syncs and better compression.',
    ),
  retain_acked: size({ min: 0, max: 1024 * TiB })
    .prefault('0')
    .describe('How much acknowledged data stays on disk, to refill a receiver that lost what it had acknowledged.'),
  segment_size: size({ min: 256 * KiB, max: GiB })
    .optional()
    .meta({
      description:
        'Size of a segment file; shorter where the file system is small or has little free. At least four must fit in `max_size`.',
      fallback: '`64MiB`, or a quarter of `max_size` where that is less',
    }),
  min_free: size({ min: 0, max: 1024 * TiB })
    .optional()
    .meta({
      description: 'Reading stops when the file system has less than this free.',
      fallback: 'the smaller of 1 GiB and 5 % of the file system',
    }),
  damaged_max_size: size({ min: 0, max: TiB })
    .prefault('256MiB')
    .describe(
      'Cap for `damaged/`, where what could not be read is set aside. When it is reached, reading stops and health is red. `0`: nothing is set aside, and nothing stops.',
    ),
});

const adminSchema = z.strictObject({
  listen: address().optional().meta({
    description:
      'Where `/metrics`, `/livez`, `/healthz` and `/status.json` are served over HTTP. There is no password: keep it on loopback.',
    fallback: 'only on `data_dir/admin.sock`',
  }),
});

const logSchema = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .prefault('info')
    .describe("The least severe entries that the agent's own log shows."),
  format: z
    .enum(['auto', 'json', 'text'])
    .prefault('auto')
    .describe('`auto`: text on a terminal, one JSON object a line elsewhere. Goes to standard error.'),
});

export const configurationSchema = z.strictObject({
  data_dir: path().describe(
    'Where the spool, the cursors and the control socket live. Belongs to one agent. Must be on a local file system.',
  ),
  resource: attributes.prefault({}).meta({
    description:
      "Attributes of everything that this agent sends, named as in OpenTelemetry's semantic conventions. `host.name` is filled in.",
    entry: 'text',
  }),
  collectors: z.record(name, collectorSchema).meta({
    description: 'What is read, by name. At least one.',
    entry: 'a collector',
  }),
  spool: spoolSchema.prefault({}).describe('The queue on disk between collectors and shippers.'),
  shippers: z.record(name, shipperSchema).prefault({}).meta({
    description:
      'Where it goes, by name; each has its own place in the spool. Without any, the spool is a ring: the oldest goes at `max_size`.',
    entry: 'a shipper',
  }),
  admin: adminSchema.prefault({}).describe('The HTTP endpoint for metrics and health.'),
  log: logSchema.prefault({}).describe("The agent's own log."),
});

export type ConfigurationFile = z.output<typeof configurationSchema>;
