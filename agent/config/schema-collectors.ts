/** Every key of every type of collector. */
import * as z from 'zod';
import { limits } from '../../spool/nouns.ts';
import { address, count, duration, flag, glob, path, size } from './fields.ts';
import { attributes, serverTls } from './schema-common.ts';
import { execSchema, stdinSchema } from './schema-exec.ts';
import { fluentSchema } from './schema-fluent.ts';
import { journaldSchema } from './schema-journald.ts';
import { lineKeys } from './schema-lines.ts';
import { relpSchema } from './schema-relp.ts';
import { tcpSchema, udpSchema, unixgramSchema, unixSchema } from './schema-sockets.ts';
import { syslogSchema } from './schema-syslog.ts';
import { httpCollectorSchema } from './schema-web.ts';

const dayMs = 86_400_000;
const MiB = 1024 * 1024;

const fileSchema = z
  .strictObject({
    type: z.literal('file').describe('Follows files.'),
    include: z.array(glob()).min(1).meta({
      description:
        'Patterns of the files to follow. `*` stays within a folder, `**` goes through folders, but not through links to folders. A file that is being read is followed under any name that rotation gives it.',
      example: '[/var/log/nginx/*.log]',
    }),
    exclude: z
      .array(glob())
      .prefault([])
      .describe(
        'Patterns of names that begin no source. A file that is being read is followed under any name that rotation gives it, excluded or not.',
      ),
    rotated: z
      .array(glob())
      .prefault([])
      .describe('Where rotated generations go when that is another folder. Siblings of a file are always looked at.'),
    start_at: z
      .enum(['beginning', 'end'])
      .prefault('beginning')
      .describe(
        '`end`: what stands in the files when this collector first runs in this data_dir is passed over (and counted). Files that appear later are always read from their beginning.',
      ),
    max_line: size({ min: 1024, max: limits.maxLineBytesMax })
      .prefault('1MiB')
      .describe('Longer lines are carried in pieces and put together again by the mirror; nothing is lost.'),
    partial_timeout: duration({ min: 100, max: dayMs })
      .prefault('5s')
      .describe(
        'A last line without its line feed is taken after this time; what follows is marked as its continuation.',
      ),
    ...lineKeys,
    scan_interval: duration({ min: 100, max: 3_600_000 })
      .prefault('10s')
      .describe(
        'Least time between two full looks at the folders. Changes are normally noticed at once; this finds what notices missed.',
      ),
    network_fs: flag()
      .prefault('false')
      .describe(
        '`true`: also read files on network and FUSE mounts. Otherwise they are refused, since a hung mount could hang reading.',
      ),
    deleted_file_limit: duration({ min: 1000, max: 365 * dayMs })
      .optional()
      .meta({
        description:
          'How long a deleted file may be held open while it is not read to its end. What is cut off is counted as dropped (`deleted_limit`).',
        fallback: 'as long as it takes',
      }),
    forget_after: duration({ min: 60_000, max: 3650 * dayMs })
      .prefault('30d')
      .describe(
        'The place in a file is forgotten when the file was absent for so long from a folder that could be read.',
      ),
    open_files_max: count({ min: 1, max: 1_000_000 }).optional().meta({
      description: 'Files open at one time; above it they take turns.',
      fallback: "what the process's limit on open files leaves",
    }),
    sources_max: count({ min: 1, max: 50_000 })
      .prefault('30000')
      .describe('Places in files that are remembered; above it the oldest absent ones are forgotten, counted.'),
    attributes: attributes
      .prefault({})
      .meta({ description: 'Added to every source of this collector.', entry: 'text' }),
    resource: attributes
      .prefault({})
      .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
  })
  .describe('Follows files through rotation of every kind, restarts and crashes; each line is collected once.');

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
  blocksSchema,
  journaldSchema,
  syslogSchema,
  httpCollectorSchema,
  stdinSchema,
  execSchema,
  relpSchema,
  tcpSchema,
  unixSchema,
  udpSchema,
  unixgramSchema,
  fluentSchema,
]);
