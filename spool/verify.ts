/**
 * Checks every byte of a spool on disk: headers, their chain, frames, records, tables, cursors. Tells what is wrong and what
 * there is; changes nothing. Works on a spool that is being written: see `Verdict.unfinished`.
 */

import { layoutOf } from './format-nesting.ts';
import { decodeTable } from './format-table.ts';
import {
  cursorsOf,
  type Expand,
  expander,
  type Found,
  type FoundBlock,
  type FoundSegment,
  inspect,
  type Place,
} from './inspect.ts';
import { type BlockHash, type Id, type Position, zeroHash } from './nouns.ts';
import type { Codec, Files } from './ports.ts';

export interface Finding {
  /** The segment's file name, or `cursors/<shipper>`. */
  readonly where: string;
  readonly position: Position | undefined;
  readonly bytes: number;
  readonly what: string;
}

export interface Verdict {
  readonly segments: number;
  readonly blocks: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly diskBytes: number;
  /** Damage found; also handed over one by one while it is found. */
  readonly findings: number;
  /** Where whole blocks end and something follows that is not one (yet): being written, or a torn tail. */
  readonly unfinished:
    | { readonly segment: string; readonly position: Position; readonly bytes: number; readonly why: string }
    | undefined;
}

interface Progress {
  segments: number;
  blocks: number;
  records: number;
  rawBytes: number;
  diskBytes: number;
  findings: number;
  spool: Id | undefined;
  /** The block before; undefined behind damage, where the chain cannot be followed. */
  last: { readonly end: Position; readonly hash: BlockHash } | undefined;
  recordsEnd: number | undefined;
  vouched: Position;
  tail: Extract<Found, { kind: 'damage' }> | undefined;
  /** Hashes of blocks at whose end a cursor stands. */
  readonly ends: Map<Position, BlockHash>;
}

/** Runs through everything from the oldest segment on. `tell` is called for each finding, in order. */
export function verifySpool(files: Files, codec: Codec, place: Place, tell: (finding: Finding) => void): Verdict {
  const cursors = cursorsOf(files, place);
  const progress: Progress = {
    ...{ segments: 0, blocks: 0, records: 0, rawBytes: 0, diskBytes: 0, findings: 0 },
    ...{ spool: undefined, last: undefined, recordsEnd: undefined, vouched: 0, tail: undefined, ends: new Map() },
  };
  const report = (finding: Finding) => {
    progress.findings++;
    tell(finding);
  };
  const wanted = new Set(cursors.map(({ cursor }) => cursor?.position));
  const expand = expander(codec);
  let ended: Position = 0;
  for (const found of inspect(files, place)) {
    if (progress.tail) report(damage(progress.tail));
    progress.tail = undefined;
    step(found, progress, report, codec, expand);
    if (found.kind === 'block') {
      ended = found.block.end;
      if (wanted.has(ended)) progress.ends.set(ended, found.block.hash);
    }
  }
  const { tail } = progress;
  const durable = Math.max(progress.vouched, ...cursors.map(({ cursor }) => cursor?.position ?? 0));
  if (tail && tail.position < durable) report(damage(tail));
  for (const { name, kind, cursor } of cursors) {
    const where = `cursors/${name}`;
    const say = (what: string) => report({ where, position: cursor?.position, bytes: 0, what });
    if (kind === 'damaged') say('the file is damaged: no cursor can be read from it');
    if (kind === 'newer') say('the file was written by a newer version');
    const hash = cursor && progress.ends.get(cursor.position);
    if (cursor && cursor.position > Math.max(ended, tail?.end ?? 0))
      say(`it stands at ${cursor.position}, behind the end of the spool`);
    else if (hash && cursor && !cursor.forked && hash !== cursor.hash && cursor.hash !== zeroHash)
      say('the block that ends where it stands is another than it says');
  }
  const { segments, blocks, records, rawBytes, diskBytes, findings } = progress;
  const unfinished =
    tail && tail.position >= durable
      ? { segment: tail.segment.name, position: tail.position, bytes: tail.end - tail.position, why: tail.why }
      : undefined;
  return { segments, blocks, records, rawBytes, diskBytes, findings, unfinished };
}

function step(
  found: Found,
  progress: Progress,
  report: (finding: Finding) => void,
  codec: Codec,
  expand: Expand,
): void {
  switch (found.kind) {
    case 'gone':
      progress.last = undefined;
      progress.recordsEnd = undefined;
      break;
    case 'segment':
      progress.segments++;
      progress.diskBytes += found.segment.fileBytes;
      if (found.segment.fileBytes === 0 && !found.segment.newest)
        report(at(found.segment, found.segment.start, 0, 'the file is empty'));
      break;
    case 'newer':
      report(at(found.segment, found.position, 0, `it was written by a newer version (format ${found.version})`));
      progress.last = undefined;
      progress.recordsEnd = undefined;
      break;
    case 'damage':
      // The last thing in the newest segment may be a block that is being written.
      if (found.segment.newest && found.end === found.segment.end) progress.tail = found;
      else report(damage(found));
      progress.last = undefined;
      progress.recordsEnd = undefined;
      break;
    case 'block': {
      const { block, segment } = found;
      for (const what of checkBlock(block, segment, progress, codec, expand))
        report(at(segment, block.position, block.end - block.position, what));
      progress.blocks++;
      progress.records += block.header.records;
      progress.rawBytes += block.header.rawBytes;
      progress.spool ??= block.header.spool;
      progress.last = { end: block.end, hash: block.hash };
      progress.recordsEnd = block.header.recordsBefore + block.header.records;
      progress.vouched = Math.max(progress.vouched, block.header.vouched);
      break;
    }
    default:
      found satisfies never;
  }
}

/** All that is wrong with one block. */
function* checkBlock(
  block: FoundBlock,
  segment: FoundSegment,
  progress: Progress,
  codec: Codec,
  expand: Expand,
): Generator<string> {
  const { header } = block;
  const { last, spool, recordsEnd } = progress;
  if (spool !== undefined && header.spool !== spool) yield `it belongs to another spool (${header.spool})`;
  if (header.vouched > block.position) yield 'it vouches for what comes after it';
  if (header.previousEnd > block.position) yield 'it says that the block before it ends behind it';
  if (last && header.previousEnd < last.end) yield 'it does not follow the block before it';
  if (last && header.previousEnd > last.end) yield `${header.previousEnd - last.end} bytes before it are missing`;
  if (last && header.previousEnd === last.end && header.previous !== last.hash)
    yield 'the block before it is another than it says';
  if (recordsEnd !== undefined && header.recordsBefore !== recordsEnd) yield 'its count of records does not follow';
  if (block.position === segment.start) {
    if (!header.table || !header.opening) yield 'the segment does not begin with a table';
    else if (!decodeTable(header.table, codec)) yield 'its table does not decode';
  }
  const bytes = block.bytes();
  if (!bytes) return yield 'its records cannot be read';
  const raw = expand(header, bytes.frame);
  if (typeof raw === 'string') return yield raw;
  yield* checkRecords(bytes.header, raw, codec);
}

/** Every record ends with an LF, so the counts can be checked. */
function* checkRecords(header: Uint8Array, raw: Uint8Array, codec: Codec): Generator<string> {
  const result = layoutOf(header, codec);
  if (result.kind === 'damaged') return yield `its nested header is damaged: ${result.why}`;
  for (const { source, from, upto, records } of result.layout.slices) {
    let count = 0;
    for (let lf = raw.indexOf(0x0a, from); lf >= 0 && lf < upto; lf = raw.indexOf(0x0a, lf + 1)) count++;
    if (raw[upto - 1] !== 0x0a) yield `the records of source ${source} do not end with a line feed`;
    else if (count !== records) yield `it holds ${count} records of source ${source}, its header says ${records}`;
  }
}

function damage(found: Extract<Found, { kind: 'damage' }>): Finding {
  return at(found.segment, found.position, found.end - found.position, found.why);
}

function at(segment: FoundSegment, position: Position, bytes: number, what: string): Finding {
  return { where: segment.name, position, bytes, what };
}
