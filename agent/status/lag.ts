/**
 * How old the oldest unread byte of a source is, in time rather than bytes. Files do not tell when a byte was written, so
 * this remembers how long the file was at each look: what lies beyond our offset stood there at the first look that saw the
 * file longer than that. The answer is a lower bound, exact to the distance of two looks; a few numbers a source.
 */
import type { UnixMs } from '../../spool/ports.ts';

/** The file had this size at this time. */
export interface SizeMark {
  readonly at: UnixMs;
  readonly size: number;
}

export const sizeMarksMax = 16;

/** The marks after a look: those already passed by are gone, and when there are too many, every second one. */
export function lookAt(marks: readonly SizeMark[], at: UnixMs, offset: number, size: number): readonly SizeMark[] {
  const ahead = marks.filter((mark) => mark.size > offset && mark.size <= size);
  if (size <= offset) return ahead;
  const grown = (ahead.at(-1)?.size ?? offset) < size;
  const kept = grown ? [...ahead, { at, size }] : ahead;
  return kept.length > sizeMarksMax ? kept.filter((_, index) => index % 2 === 0 || index === kept.length - 1) : kept;
}

/** Milliseconds that the oldest unread byte has waited, at least; 0 when all is read. */
export function lagMs(marks: readonly SizeMark[], at: UnixMs): number {
  const oldest = marks[0];
  return oldest === undefined ? 0 : Math.max(0, at - oldest.at);
}
