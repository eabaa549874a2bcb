/**
 * Reading one segment at the start, block by block: what counts is handed on, rot and the unsynced tail are kept in `damaged/`, and
 * the tail is cut. Nothing of it stays in memory, however many runs it holds.
 */
import { crc32 } from 'node:zlib';
import { closing } from './cursor-file.ts';
import type { Damaged } from './damaged.ts';
import type { Folders } from './layout.ts';
import { segmentName } from './layout.ts';
import type { Position } from './nouns.ts';
import type { Files, OpenFile } from './ports.ts';
import type { Check } from './read-patiently.ts';
import type { Proof, Tail, Verdict } from './recovery-plan.ts';
import { planRecovery } from './recovery-plan.ts';
import type { ScanItem, ScannedBlock } from './scan.ts';
import { glances, readFully, scan } from './scan.ts';
import type { Segment } from './segments.ts';
import type { Slices } from './slices.ts';
import type { CutRecords } from './tail-told.ts';

/** Written by a newer tailspool: nothing was changed. The process exits with 3. */
export class NewerVersion extends Error {
  override readonly name = 'NewerVersion';

  constructor(path: string, version: number) {
    super(
      `${path} was written by a newer version of tailspool (format ${version}); start that version, or use another data_dir`,
    );
  }
}

/** What reading the segments needs, and what it fills. */
export interface Reading {
  readonly files: Files;
  readonly folders: Folders;
  readonly damaged: Damaged;
  readonly slices: Slices;
  readonly check: Check;
  /** What had to be done, for people. */
  readonly notes: string[];
  readonly cut: CutRecords;
}

export type SegmentProof = Omit<Proof, 'sound'>;

/** The highest position that the segment's own blocks vouch for. Throws `NewerVersion` where one is of a newer version. */
export async function survey(reading: Reading, segment: Segment): Promise<Position> {
  using file = openSegment(reading, segment);
  let vouched = 0;
  const { start, end } = segment;
  for (const item of glances({ file: file.value, start, from: start, end })) {
    if (item.kind === 'newer') throw newer(reading, segment, item.version);
    if (item.kind === 'glance') vouched = Math.max(vouched, item.vouched);
    await reading.slices.rest();
  }
  reading.check();
  return vouched;
}

/** True where something of the segment counts. */
export function anythingCounts(reading: Reading, segment: Segment, proof: SegmentProof): boolean {
  using file = openSegment(reading, segment);
  const [first] = verdicts(reading, segment, file.value, proof);
  reading.check();
  return first !== undefined && !(first.kind === 'tail' && first.tail.position === segment.start);
}

/** Hands on what counts, in order; then sets aside what does not. */
export async function replay(
  reading: Reading,
  segment: Segment,
  proof: SegmentProof,
  take: (block: ScannedBlock) => void,
): Promise<void> {
  let tail: Tail | undefined;
  const rot: Extract<Verdict, { kind: 'rot' }>[] = [];
  {
    using file = openSegment(reading, segment);
    for (const verdict of verdicts(reading, segment, file.value, proof)) {
      if (verdict.kind === 'counts') take(verdict.block);
      else if (verdict.kind === 'cut') reading.cut.add(verdict.item);
      else if (verdict.kind === 'rot') rot.push(verdict);
      else tail = verdict.tail;
      await reading.slices.rest();
    }
  }
  reading.check();
  for (const one of rot) reading.notes.push(await keepRot(reading, segment, one));
  reading.check();
  if (tail) reading.notes.push(await cutTail(reading, segment, tail));
}

/** Copies the tail to `damaged/` and cuts it; where the copy cannot be made it stays, and is never read. Tells what it did. */
export async function cutTail({ files, folders, damaged }: Reading, segment: Segment, tail: Tail): Promise<string> {
  const path = `${folders.segments}/${segmentName(segment.start)}`;
  const bytes = segment.start + segment.bytes - tail.position;
  const what = `${segmentName(segment.start)}: ${bytes} bytes from ${tail.position} on were never synced, or are damaged since (${tail.why})`;
  const kept = await damaged.keep(path, tail.position - segment.start, bytes, `tail-${tail.position}`);
  segment.end = tail.position;
  if (!kept.done) return `${what}; they are ignored but could not be set aside: ${kept.why}`;
  try {
    if (tail.position === segment.start) {
      files.unlink(path);
      await files.syncDirectory(folders.segments);
    } else {
      using file = closing(files.open(path, 'write'));
      file.value.truncate(tail.position - segment.start);
      await file.value.datasync();
    }
    segment.bytes = tail.position - segment.start;
  } catch (error) {
    return `${what}; they are kept in ${kept.path} and ignored, but could not be cut: ${(error as Error).message}`;
  }
  return `${what}; they are kept in ${kept.path}`;
}

async function keepRot(
  { folders, damaged }: Reading,
  segment: Segment,
  { position, end, why }: Extract<Verdict, { kind: 'rot' }>,
): Promise<string> {
  const name = segmentName(segment.start);
  const what = `${name}: ${end - position} bytes at ${position} are damaged (${why})`;
  const path = `${folders.segments}/${name}`;
  const kept = await damaged.keep(path, position - segment.start, end - position, `rot-${position}`);
  return `${what}; readers pass over them${kept.done ? `, and a copy is in ${kept.path}` : ''}`;
}

function openSegment({ files, folders }: Reading, segment: Segment) {
  return closing(files.open(`${folders.segments}/${segmentName(segment.start)}`, 'read'));
}

function verdicts(reading: Reading, segment: Segment, file: OpenFile, proof: SegmentProof): Generator<Verdict> {
  const sound = (block: ScannedBlock) => frameIsSound(file, segment.start, block);
  return planRecovery(itemsOf(reading, segment, file), { ...proof, sound });
}

function* itemsOf(reading: Reading, segment: Segment, file: OpenFile): Generator<ScanItem> {
  const { start, end } = segment;
  for (const item of scan({ file, start, from: start, end, spool: undefined })) {
    if (item.kind === 'newer') throw newer(reading, segment, item.version);
    yield item;
  }
}

function newer({ folders }: Reading, segment: Segment, version: number): NewerVersion {
  return new NewerVersion(`${folders.segments}/${segmentName(segment.start)}`, version);
}

function frameIsSound(file: OpenFile, start: Position, block: ScannedBlock): boolean {
  const frame = readFully(
    file,
    Buffer.allocUnsafeSlow(block.header.frameBytes),
    block.position - start + block.headerBytes,
  );
  return frame !== undefined && frame.length === block.header.frameBytes && crc32(frame) === block.header.frameCrc;
}
