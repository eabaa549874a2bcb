/** What a collector of lines can be told of them: their encoding, and which of them belong together. */
import * as z from 'zod';
import { groupBytesMax } from '../../collectors/shared/line-groups.ts';
import { traceSetNames } from '../../collectors/shared/traces.ts';
import { count, duration, encoding, pattern, size } from './fields.ts';

const multilineSchema = z.strictObject({
  start: pattern().optional().meta({
    description:
      'A line that matches begins a record. Without `continue`, all other lines go on with the one before them.',
    example: "'^\\d{4}-\\d\\d-\\d\\d '",
  }),
  continue: pattern().optional().meta({
    description: 'A line that matches goes on with the record before it.',
    example: "'^\\s'",
  }),
  traces: z.array(z.enum(traceSetNames)).prefault([]).meta({
    description:
      'Stack traces of these languages are one record each; other lines are as `start` and `continue` say, or records of their own.',
    example: '[java, python]',
  }),
  timeout: duration({ min: 10, max: 3_600_000 })
    .prefault('1s')
    .describe('A record that another line might go on with is done when none has come for so long.'),
  max_lines: count({ min: 2, max: 100_000 })
    .prefault('1000')
    .describe(
      'A record of more lines is split, marked (`tailspool.split`, `tailspool.continues`) and counted (`split_groups`).',
    ),
  max_bytes: size({ min: 1024, max: groupBytesMax })
    .prefault('512KiB')
    .describe(
      'The same for bytes of the source; a single line that is longer goes in pieces (`tailspool.unterminated`).',
    ),
});

/** The keys that each collector of lines has. */
export const lineKeys = {
  encoding: encoding().optional().meta({
    description:
      'The encoding of the lines, by any name of the WHATWG Encoding standard (`latin1` is windows-1252 there); records become UTF-8, and what does not decode U+FFFD, counted (`undecodable_sequences`). In UTF-16 a byte order mark at the beginning decides the order.',
    fallback: 'bytes are taken as they stand',
  }),
  multiline: multilineSchema.optional().meta({
    description:
      'Lines that belong together are one record of format `json`, and so are all others of this collector. Patterns are regular expressions of JavaScript that see the first 1,024 characters of a line, without its line end; those that could take more than linear time are refused.',
    fallback: 'each line is a record',
  }),
} as const;

export type LineKeys = z.output<z.ZodObject<typeof lineKeys>>;

/** In the words of the rooms. */
export function resolveLines({ encoding: name, multiline }: LineKeys) {
  if (multiline === undefined) return { encoding: name, multiline };
  const { start, continue: goesOn, traces, timeout, max_lines, max_bytes } = multiline;
  const groups = { start, continue: goesOn, traces, timeoutMs: timeout, linesMax: max_lines, bytesMax: max_bytes };
  return { encoding: name, multiline: groups };
}
