/**
 * What becomes of a source's bytes where they are not spooled as they stand: lines in another encoding, groups of lines, the lines of a
 * container's log. A shape is pure: it is given what stands behind the cursor and says how much of that it takes and as which records; what it
 * leaves is given again, with more behind it. Any chunking of the same bytes gives the same records.
 */
import type { RecordFormat } from '../../spool/nouns.ts';
import type { Encoding } from './encodings.ts';

/** What a shape has to know of the records before the cursor; stands in the cursor's mark. */
export interface ShapeMemory {
  /** The last record's line goes on behind the cursor. */
  readonly unterminated: boolean;
  /** The shape's own, at most 52 bits. */
  readonly state: number;
}

/** What stands behind the cursor. */
export interface Fresh extends ShapeMemory {
  /** Up to a hole, or as far as was read. */
  readonly bytes: Uint8Array;
  /** Of the first of them in the source. */
  readonly offset: number;
  /** How the source begins; three bytes at most. */
  readonly start: Uint8Array;
  /** Nothing will be added to it for the time being: all of it is taken. */
  readonly ends: boolean;
  /** With `joinsRotation`: where the next file begins, which closes groups but no line. */
  readonly nextFileAt?: number;
}

export interface Shaped extends ShapeMemory {
  /** So many of the fresh bytes are done with; 0: more is needed, or there is nothing. */
  readonly taken: number;
  /** With their line feeds. */
  readonly records: readonly Uint8Array[];
  /** The rest ends within a line, and not behind one. */
  readonly openLine: boolean;
  readonly undecodable: number;
  readonly split: number;
  /** Lines that are not of the format; kept as they are. */
  readonly unparsed: number;
}

export interface Shape {
  readonly format: RecordFormat;
  /** A record may begin at the end of a file that was rotated and end in the next one. */
  readonly joinsRotation?: true;
  /** With `joinsRotation`: what still counts in the next file of what is remembered at the end of one. */
  overRotation?(state: number): number;
  /** The most that has to be at hand at once to go on. */
  readonly openBytesMax: number;
  /** A rest that ends behind a line is done with after this; one that ends within a line after `partial_timeout`. */
  readonly timeoutMs: number;
  cut(fresh: Fresh): Shaped;
  /** How the bytes of a source that begins so are read; undefined: they are UTF-8, or whatever they are. */
  encodingOf(start: Uint8Array): Encoding | undefined;
}

/** Counted since the collector began. */
export interface ShapeCounts {
  undecodable: number;
  split: number;
  unparsed: number;
}

export function noShapeCounts(): ShapeCounts {
  return { undecodable: 0, split: 0, unparsed: 0 };
}

/** For a collector's status; nothing where lines are taken as they stand. */
export function shapeGauges(shape: Shape | undefined, counts: ShapeCounts): Record<string, number> {
  if (!shape) return {};
  const { undecodable, split, unparsed } = counts;
  return { undecodable_sequences: undecodable, split_groups: split, unparsed_lines: unparsed };
}

/** More than this is not made at once: the rest comes with the next turn. */
export const shapedBytesTarget = 512 * 1024;

export const nothingTaken = { taken: 0, records: [], undecodable: 0, split: 0, unparsed: 0 } as const;

/** How many bytes at the source's beginning tell its encoding. */
export const startBytes = 3;
