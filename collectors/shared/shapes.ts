/** Which shape the lines of a source are given by its configuration. */
import { EncodedLines } from './encoded-lines.ts';
import { LineGroups } from './line-groups.ts';
import type { MultilineOptions } from './multiline.ts';
import type { Shape } from './shape.ts';

export interface LineOptions {
  readonly encoding: string | undefined;
  readonly multiline: MultilineOptions | undefined;
  readonly maxLineBytes: number;
}

/** undefined: lines are taken as they stand. */
export function shapeOf({ encoding, multiline, maxLineBytes }: LineOptions): Shape | undefined {
  if (multiline) return new LineGroups(multiline, encoding, maxLineBytes);
  return encoding === undefined ? undefined : new EncodedLines(encoding, maxLineBytes);
}
