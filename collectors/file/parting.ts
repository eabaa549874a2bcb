/**
 * Where a file that went back in a power cut parts from what was read of it. The points kept of a source only say between which
 * two of them; the place itself is found by comparing the file with what the spool still holds of that source. Reading goes on
 * at the start of the line in which they part: lines that begin alike (with the same date) are two lines, and half of one
 * would be in no file.
 */
import { crc32 } from 'node:zlib';
import type { Recalled } from '../../spool/nouns.ts';
import type { Encoding } from '../shared/encodings.ts';
import { startBytes } from '../shared/shape.ts';
import type { Candidate } from './candidates.ts';
import type { Context } from './context.ts';
import { type Point, windowBytes, windowOf } from './fingerprint.ts';
import type { Generation } from './generation.ts';

/** Reads like `OpenFile.readLater`; may be short. */
export type ReadLater = (into: Uint8Array, position: number) => Promise<number>;

/** Where a file goes on that went back, and the points of what was read that it still has, this place as the last. */
export interface Parting {
  readonly generation: Generation;
  readonly at: number;
  readonly points: readonly Point[];
}

export interface CommonLines {
  readonly end: number;
  /** It is the end of what they have in common, but for the start of one line; else only as far as is known. */
  readonly exact: boolean;
}

const lineFeed = 10;
const scratchBytes = 64 * 1024;

/** Notes at each file that went back where it parts from its generation, and says so. */
export async function findPartings(
  known: readonly Generation[],
  files: readonly Candidate[],
  context: Context,
): Promise<void> {
  for (const generation of known) {
    const { finished, source, offset, seen } = generation;
    if (!context.powerCut || seen || source === 0 || offset === 0) continue;
    // One that was read to its end concerns us only where its renaming went back, too.
    for (const file of files)
      if (file.compression === undefined && (file.current || !finished)) await findParting(generation, file, context);
  }
}

async function findParting(generation: Generation, file: Candidate, context: Context): Promise<void> {
  const { kind, at: point } = file.compareWith(generation, context);
  if (kind !== 'went_back' && kind !== 'truncated') return;
  const read: ReadLater = (into, position) => file.readLater(into, position);
  const { shape } = context.tools;
  // What a shape made of the bytes is not them: there it goes on at the newest kept point.
  const recalled = shape ? nothing() : context.tools.intake.recall(generation.source, point);
  const common = await commonLines(recalled, read, point);
  const { exact } = common;
  const start = Buffer.alloc(startBytes);
  const encoding = shape?.encodingOf(start.subarray(0, await read(start, 0)));
  const end = await lineStart(read, common.end, context.tools.maxLineBytes, encoding);
  const torn = await isTorn(read, end, generation.offset);
  if (common.end === 0) {
    // Nothing in common: it was truncated, unless that cannot be seen.
    const lost = 'has lost its beginning, and may have more of what was read behind it; it is read from its beginning';
    const where = torn ? lost : 'may have gone back, and the spool holds no more of it; it is read from its beginning';
    if (torn || !exact) tell(generation, { exact: false, where }, context);
    return;
  }
  if (kind === 'truncated' && startsAnew(generation, file)) {
    tell(
      generation,
      { exact: false, where: 'may have gone back or been written anew; it is read from its beginning' },
      context,
    );
    return;
  }
  const crc = await crcBefore(read, end);
  if (crc === undefined) return; // it is getting shorter right now
  generation.finished = false;
  const kept = generation.points.filter(({ offset }) => offset < end);
  file.parted = { generation, at: end, points: [...kept, { offset: end, crc }] };
  const where = torn
    ? `has lost a part, and may have more of what was read behind it; it is read on at byte ${end}`
    : `went back to an earlier state; it is read on at byte ${end}`;
  tell(generation, { exact: exact && !torn, where }, context);
}

/** Where the line begins that a place is within: a last line without an end was read up to there once. */
async function lineStart(
  read: ReadLater,
  place: number,
  lineBytesMax: number,
  encoding: Encoding | undefined,
): Promise<number> {
  const scratch = Buffer.alloc(Math.min(scratchBytes, place));
  for (let upto = place; upto > 0 && place - upto <= lineBytesMax; ) {
    const from = Math.max(0, upto - scratch.length);
    const got = await read(scratch.subarray(0, upto - from), from);
    if (got < upto - from) return place; // short, or it is getting shorter right now
    const lines = scratch.subarray(0, got);
    const lineEnd = encoding ? encoding.lastLineEnd(lines, from) : lines.lastIndexOf(lineFeed) + 1;
    if (lineEnd > 0) return from + lineEnd;
    if (from === 0) return 0;
    upto = from;
  }
  return place;
}

async function* nothing(): AsyncGenerator<Recalled> {}

/** Pages that never reached the disk read as NUL bytes, and something stands behind them. */
async function isTorn(read: ReadLater, from: number, upto: number): Promise<boolean> {
  const scratch = Buffer.alloc(Math.min(scratchBytes, Math.max(0, upto - from)));
  let inHole = false;
  for (let at = from; at < upto; ) {
    const got = await read(scratch.subarray(0, Math.min(scratch.length, upto - at)), at);
    if (got === 0) return false;
    for (const byte of scratch.subarray(0, got)) {
      if (inHole && byte !== 0) return true;
      inHole ||= byte === 0;
    }
    at += got;
  }
  return false;
}

/** Within its first kilobyte: that it begins with the same lines may also mean that somebody began it anew with them. */
function startsAnew({ head }: Generation, { content }: Candidate): boolean {
  return content.sizeBytes >= head.length && content.headOf(head.length)?.crc !== head.crc;
}

function tell(generation: Generation, found: { exact: boolean; where: string }, { log }: Context): void {
  const subject = generation.path;
  const message = `after a power cut ${subject} ${found.where}${found.exact ? '' : ', so lines may come twice'}.`;
  log.write({ severity: found.exact ? 'info' : 'warn', event: 'file.went_back', subject, message });
}

/**
 * The whole lines that a file has in common with what is recalled of it, from a place on up to which they are known to be the
 * same. Behind a hole in what is recalled a whole window has to be the same, else they end before the hole.
 */
export async function commonLines(
  recalled: AsyncIterable<Recalled>,
  read: ReadLater,
  from: number,
): Promise<CommonLines> {
  let [at, lineEnd, end, sure, told] = [from, from, from, true, false];
  let sameSinceHole = 0;
  for await (const stretch of recalled) {
    const bytes = stretch.bytes.subarray(Math.max(0, at - stretch.from));
    const start = Math.max(at, stretch.from);
    if (start > at) [sure, sameSinceHole] = [false, 0];
    const same = await commonBytes(bytes, read, start);
    sameSinceHole += same;
    sure ||= sameSinceHole >= windowBytes;
    const lastEnd = bytes.subarray(0, same).lastIndexOf(lineFeed) + 1;
    if (lastEnd > 0) lineEnd = start + lastEnd;
    if (sure) end = lineEnd;
    told = true;
    if (same < bytes.length) break;
    at = start + bytes.length;
  }
  return { end, exact: told && sure };
}

/** How many of the bytes the file has, too, from a position on. */
async function commonBytes(bytes: Uint8Array, read: ReadLater, position: number): Promise<number> {
  const scratch = Buffer.allocUnsafe(Math.min(scratchBytes, bytes.length));
  for (let at = 0; at < bytes.length; ) {
    const wanted = Math.min(scratch.length, bytes.length - at);
    const got = await read(scratch.subarray(0, wanted), position + at);
    if (got === 0) return at;
    const piece = bytes.subarray(at, at + got);
    if (!scratch.subarray(0, got).equals(piece)) return at + firstDifference(scratch, piece);
    at += got;
  }
  return bytes.length;
}

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  let at = 0;
  while (at < other.length && one[at] === other[at]) at++;
  return at;
}

async function crcBefore(read: ReadLater, offset: number): Promise<number | undefined> {
  const bytes = Buffer.alloc(windowOf(offset));
  const from = offset - bytes.length;
  for (let filled = 0; filled < bytes.length; ) {
    const got = await read(bytes.subarray(filled), from + filled);
    if (got === 0) return undefined;
    filled += got;
  }
  return crc32(bytes);
}
