/** Looks things up in the segment files: the block that ends at a position, the time of the first records behind one. */
import { closing, opened } from './cursor-file.ts';
import type { BlockHash, Epoch, Id, Position } from './nouns.ts';
import type { Files, UnixMs } from './ports.ts';
import { firstBlock, scan } from './scan.ts';
import type { Segment, Segments } from './segments.ts';

export interface LookupHost {
  readonly files: Files;
  readonly spool: Id;
  readonly segments: Segments;
}

export interface BlockEnd {
  readonly epoch: Epoch;
  readonly hash: BlockHash;
}

/** The disk refuses to read what had to be known: to be tried again. */
class Unreadable extends Error {
  readonly code = 'EIO';
}

/**
 * The block that ends at `position`, or the one before the unused positions that end there; undefined where it is not kept.
 * Throws with code EIO (or why the file cannot be opened) where that cannot be told at the moment.
 */
export function blockEndingAt(host: LookupHost, position: Position): BlockEnd | undefined {
  const segment = host.segments.list.find(({ start, end }) => start < position && position <= end);
  return segment ? blockEnding(host, segment, position) : blockBeforeHole(host, position);
}

/** When the first records at or behind `position` were collected, as far as the disk tells. */
export function timeAt(host: LookupHost, position: Position): UnixMs | undefined {
  const { segments, files } = host;
  const segment = segments.at(position);
  if (!segment) return undefined;
  using file = opened(files, segments.path(segment));
  if (!file) return undefined;
  const from = Math.max(position, segment.start);
  for (const item of scan({ file: file.value, start: segment.start, from, end: segment.end, spool: host.spool }))
    if (item.kind === 'block' && item.header.records > 0) return item.header.runs[0]?.time ?? item.header.time;
  return undefined;
}

function blockEnding(host: LookupHost, segment: Segment, position: Position): BlockEnd | undefined {
  using file = closing(host.files.open(host.segments.path(segment), 'read'));
  const stretch = { file: file.value, start: segment.start, from: segment.start, end: position, spool: host.spool };
  let epoch: Epoch | undefined;
  for (const item of scan(stretch)) {
    if (item.kind === 'damage' && item.refused) throw new Unreadable(`${host.segments.path(segment)}: ${item.why}`);
    if (item.kind !== 'block') continue;
    epoch = item.header.opening ?? epoch;
    if (item.end !== position) continue;
    const { header } = item;
    return {
      epoch: epoch?.id === header.epoch ? epoch : { id: header.epoch, start: segment.start, parent: undefined },
      hash: item.hash,
    };
  }
  return undefined;
}

/** Positions between a repaired segment and its successor were never used: who has passed them stands at the block before. */
function blockBeforeHole(host: LookupHost, position: Position): BlockEnd | undefined {
  const segment = host.segments.list.find(({ start }) => start === position);
  if (!segment) return undefined;
  using file = closing(host.files.open(host.segments.path(segment), 'read'));
  const first = firstBlock(file.value, segment.start, segment.end);
  if (first.kind === 'damage' && first.refused) throw new Unreadable(`${host.segments.path(segment)}: ${first.why}`);
  const opening = first.kind === 'block' ? first.header.opening : undefined;
  if (first.kind !== 'block' || !opening) return undefined;
  if (opening.start < position) return { epoch: opening, hash: first.header.previous };
  const { parent } = opening;
  return parent && { epoch: { id: parent.id, start: 0, parent: undefined }, hash: parent.hash };
}
