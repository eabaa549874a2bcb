/** The keys of what reads programs: standard input and commands. */
import * as z from 'zod';
import { limits } from '../../spool/nouns.ts';
import { duration, path, size, text } from './fields.ts';
import { attributes } from './schema-common.ts';
import { lineKeys } from './schema-lines.ts';

const dayMs = 86_400_000;
const MiB = 1024 * 1024;

const lines = {
  max_line: size({ min: 1024, max: limits.maxLineBytesMax })
    .prefault('1MiB')
    .describe('Longer lines are carried in pieces and put together again by the mirror; nothing is lost.'),
  partial_timeout: duration({ min: 100, max: dayMs })
    .prefault('5s')
    .describe(
      'A last line without its line feed is taken after this time; what follows is marked as its continuation.',
    ),
  ...lineKeys,
  attributes: attributes.prefault({}).meta({ description: 'Added to all its records.', entry: 'text' }),
  resource: attributes
    .prefault({})
    .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
};

export const stdinSchema = z
  .strictObject({ type: z.literal('stdin').describe('Reads standard input.'), ...lines })
  .describe(
    'Reads what is piped into `tailspool run`. When it ends and nothing else is collected, the agent ends once everything is delivered.',
  );

export const execSchema = z
  .strictObject({
    type: z.literal('exec').describe('Runs a command.'),
    command: z.array(text()).min(1).max(256).optional().meta({
      description:
        'The program (an absolute path, or a name looked for in PATH) and its arguments. No shell sees them.',
      example: '[/usr/bin/vmstat, -n, "60"]',
      fallback: '`shell`',
    }),
    shell: text(65_536).optional().meta({
      description: 'A command line for `/bin/sh -c`, where pipes or variables are wanted.',
      example: '"ss -s; free -m"',
      fallback: '`command`',
    }),
    run: z
      .enum(['always', 'every', 'once'])
      .prefault('always')
      .describe(
        '`always`: when it ends it is started again, after a pause that grows up to `retry_max`. `every`: each `interval`, never twice at one time. `once`: when the agent starts.',
      ),
    interval: duration({ min: 100, max: 365 * dayMs })
      .prefault('60s')
      .describe('With `run: every`, from one beginning to the next.'),
    retry_max: duration({ min: 1000, max: dayMs })
      .prefault('60s')
      .describe('With `run: always`, the longest pause before it is started again.'),
    timeout: duration({ min: 100, max: 365 * dayMs })
      .optional()
      .meta({
        description: 'A run that takes longer is ended, with all that it started.',
        fallback: 'as long as it takes',
      }),
    output_max: size({ min: 1024, max: 1024 * 1024 * MiB })
      .optional()
      .meta({ description: 'A run that writes more is ended.', fallback: 'no limit' }),
    stderr: z
      .enum(['log', 'records', 'ignore'])
      .prefault('log')
      .describe(
        "What becomes of its standard error: warnings in the agent's own log (lines cut at 4 KiB), records with `log.iostream: stderr`, or nothing but a count.",
      ),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/), z.string().max(65_536))
      .optional()
      .meta({
        description: 'Its whole environment.',
        fallback: '`PATH`, `HOME`, `LANG`, `LC_ALL` and `TZ` of the agent, nothing else',
        entry: 'text',
      }),
    directory: path().optional().meta({ description: 'Where it runs.', fallback: "the agent's own" }),
    user: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$|^\d{1,10}$/, { error: 'is no name or number of a user' })
      .optional()
      .meta({
        description: 'Whom it runs as, by name or number, without any other groups; the agent has to be root for it.',
        fallback: 'the same as the agent',
      }),
    ...lines,
  })
  .describe('Takes what a command writes, line by line. Its exit codes are in status and metrics.');
