/**
 * Content fingerprints. Two kinds decide whether a file is the one that was read: the **head** (CRC-32 of up to the first
 * 1,024 bytes, its length stored with it, growing with small files) and **points** (CRC-32 of the up to 256 bytes before an
 * offset). The newest point is the cursor's mark; a thinned history of earlier ones finds a place to go on when a file went back.
 */
import { crc32 } from 'node:zlib';

export const windowBytes = 256;
export const headBytesMax = 1024;
/** Points kept of one source. */
export const pointsMax = 24;

/** Reads into a buffer at a position, like `OpenFile.read`; may be short. */
export type ReadAt = (into: Uint8Array, position: number) => number;

/** The first `length` bytes. Length 0 says nothing about a file. */
export interface Head {
  readonly length: number;
  readonly crc: number;
}

/** The up to 256 bytes before `offset`. */
export interface Point {
  readonly offset: number;
  readonly crc: number;
}

export const noHead: Head = { length: 0, crc: 0 };

const scratch = Buffer.alloc(headBytesMax);

/** Bytes of the window before an offset. */
export function windowOf(offset: number): number {
  return Math.min(windowBytes, offset);
}

/** CRC of the window before `offset`, or undefined where the file ends before it. */
export function fingerprintAt(read: ReadAt, offset: number): number | undefined {
  const length = windowOf(offset);
  return readWhole(read, scratch.subarray(0, length), offset - length) ? crc32(scratch.subarray(0, length)) : undefined;
}

/** The head of `length` bytes (at most 1,024), or undefined where the file is shorter. */
export function headOf(read: ReadAt, length: number): Head | undefined {
  const bytes = scratch.subarray(0, Math.min(length, headBytesMax));
  return readWhole(read, bytes, 0) ? { length: bytes.length, crc: crc32(bytes) } : undefined;
}

/** True where both files hold the same bytes in the window before `offset` and in the head up to it. */
export function sameAt(one: ReadAt, other: ReadAt, offset: number): boolean {
  const point = fingerprintAt(one, offset);
  if (point === undefined || point !== fingerprintAt(other, offset)) return false;
  const length = Math.min(offset, headBytesMax);
  return headOf(one, length)?.crc === headOf(other, length)?.crc;
}

/**
 * Adds a point and thins: the distance between two points may grow with their distance to the newest (one for each power
 * of two, from 4 KiB), and the oldest go above `pointsMax`.
 */
export function withPoint(points: readonly Point[], point: Point): Point[] {
  const kept: Point[] = [point];
  let lastBucket = -1;
  for (let at = points.length - 1; at >= 0; at--) {
    const earlier = points[at]!;
    if (earlier.offset >= point.offset) continue;
    const bucket = Math.floor(Math.log2((point.offset - earlier.offset) / 4096 + 1) * 2);
    // Of one bucket the oldest stays: the newest would be pushed out by its successor before it could grow old.
    if (bucket === lastBucket) kept[kept.length - 1] = earlier;
    else kept.push(earlier);
    lastBucket = bucket;
  }
  return kept.slice(0, pointsMax).reverse();
}

/** Any number of points, thinned as if they had been added one by one. */
export function thinned(points: readonly Point[]): readonly Point[] {
  return points.reduce<readonly Point[]>(withPoint, []);
}

/** The newest of `points` (oldest first) that a file still matches; undefined where none does. */
export function newestMatch(points: readonly Point[], read: ReadAt, sizeBytes: number): Point | undefined {
  for (let at = points.length - 1; at >= 0; at--) {
    const point = points[at]!;
    if (point.offset > 0 && point.offset <= sizeBytes && fingerprintAt(read, point.offset) === point.crc) return point;
  }
  return undefined;
}

/** Fills `into` from `position`; false at the end of the file. */
export function readWhole(read: ReadAt, into: Uint8Array, position: number): boolean {
  for (let filled = 0; filled < into.length; ) {
    const got = read(into.subarray(filled), position + filled);
    if (got === 0) return false;
    filled += got;
  }
  return true;
}
