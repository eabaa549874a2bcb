/** Every key of the collectors that follow files: logs of any kind, and those of containers. */
import * as z from 'zod';
import { containerLineBytesMax } from '../../collectors/containers/shape.ts';
import { limits } from '../../spool/nouns.ts';
import { count, duration, flag, glob, size } from './fields.ts';
import { attributes } from './schema-common.ts';
import { lineKeys } from './schema-lines.ts';

const dayMs = 86_400_000;

export const fileSchema = z
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

export const containersSchema = fileSchema
  .omit({ encoding: true })
  .extend({
    type: z.literal('containers').describe("Follows the logs of this node's containers."),
    include: z
      .array(glob())
      .min(1)
      .prefault(['/var/log/pods/*/*/*.log', '/var/lib/docker/containers/*/*-json.log'])
      .describe(
        "Patterns of the files to follow. `/var/log/containers/*.log` works too: its links also tell the container's id. Names that rotation gives are not to be included.",
      ),
    max_line: size({ min: 1024, max: containerLineBytesMax })
      .prefault('1MiB')
      .describe(
        'Of a line that the runtime cut into parts: longer ones are carried in pieces, marked (`tailspool.unterminated`).',
      ),
    partial_timeout: duration({ min: 100, max: dayMs })
      .prefault('5s')
      .describe('What came so far of a line whose last part has not come is taken after this time, marked.'),
  })
  .describe(
    'Follows the logs of containers as kubelet (CRI) and Docker (json-file) keep them: parts of lines are put together, time and stream stand in the line, whose it is in the path ([containers](containers.md)).',
  );
