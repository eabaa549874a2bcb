/**
 * Opening a spool: makes its newest segment safe, finds the newest table, and reads from there on what counts (`recovery-plan.ts`
 * decides, `recovery-segment.ts` does it): a tail is copied to `damaged/` and cut, rot stays where it is and is reported. A newer version with a sound checksum is
 * no damage: refuse to start.
 */
import type { CursorRead } from './cursor-file.ts';
import { closing, readCursor } from './cursor-file.ts';
import type { Damaged } from './damaged.ts';
import type { Table } from './format-table.ts';
import type { Folders } from './layout.ts';
import { cursorName, segmentName } from './layout.ts';
import { Ledger } from './ledger.ts';
import { syncNewest } from './newest-safe.ts';
import type { BlockHash, Id, Position, ShipperCursor } from './nouns.ts';
import type { Clock, Codec, Files, Log } from './ports.ts';
import type { Check } from './read-patiently.ts';
import { isRefusal, readPatiently } from './read-patiently.ts';
import type { Reading } from './recovery-segment.ts';
import { anythingCounts, cutTail, NewerVersion, replay, survey } from './recovery-segment.ts';
import type { ScannedBlock } from './scan.ts';
import { firstBlock } from './scan.ts';
import { readTable } from './segment-table.ts';
import type { Segment } from './segments.ts';
import { listSegments } from './segments.ts';
import { Slices } from './slices.ts';
import { CutRecords } from './tail-told.ts';

export interface Recovered {
  /** undefined where nothing readable names the spool. */
  readonly spool: Id | undefined;
  readonly segments: Segment[];
  readonly appended: Ledger;
  readonly durable: Ledger;
  readonly last: { readonly end: Position; readonly hash: BlockHash; readonly epoch: Id } | undefined;
  /** No position from here on was ever used. */
  readonly next: Position;
  readonly cursors: ReadonlyMap<string, CursorRead>;
  /** Cursors of the newest table, for shippers whose file is lost. */
  readonly tableCursors: ReadonlyMap<string, ShipperCursor>;
  /** What had to be done, for people. */
  readonly notes: readonly string[];
}

export interface RecoveryPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly log: Log;
}

/** Reads the spool in `folders`, sets aside what cannot be kept, and tells how to go on. */
export function recover(ports: RecoveryPorts, folders: Folders, damaged: Damaged): Promise<Recovered> {
  return readPatiently(ports, (files, check) => recoverOnce({ ...ports, files }, folders, damaged, check));
}

async function recoverOnce(ports: RecoveryPorts, folders: Folders, damaged: Damaged, check: Check): Promise<Recovered> {
  const notes: string[] = [];
  const { files } = ports;
  const cursors = readCursors(files, folders);
  const segments = openSegments(files, folders);
  const state = new State(cursors, segments);
  check();
  while (segments.at(-1)?.unopened) notes.push(await setAside(segments.pop()!, folders, damaged));
  const synced = await syncNewest(ports, folders, segments.filter(isOpen), notes);
  const cut = new CutRecords();
  const reading: Reading = { files, folders, damaged, slices: new Slices(ports.clock), check, notes, cut };
  const vouched = await findNewest(reading, segments, state, synced);
  const base = findTable(ports, folders, segments);
  check();
  if (base.lost.length > 0) notes.push(`the table of ${base.lost.join(', ')} is damaged; read from an older one`);

  const appended = new Ledger();
  if (base.table) appended.load(base.table);
  const newest = segments.at(-1);
  for (const segment of segments.slice(base.index)) {
    if (segment.unopened) {
      notes.push(`${segmentName(segment.start)} cannot be opened (${segment.unopened.message}); it stays where it is`);
      continue;
    }
    const proof = segment === newest ? { vouched, synced } : { vouched: segment.end, synced: true };
    await replay(reading, segment, proof, (block) => {
      appended.recover(block.header, block.end - block.position);
      state.see(block);
    });
  }
  const told = cut.tell(appended);
  if (told) notes.push(told);
  const tableCursors = (base.table?.shippers ?? []).flatMap(({ name, cursor }) =>
    cursor ? [[name, cursor] as const] : [],
  );
  return {
    ...{ spool: state.spool ?? cursorSpool(cursors), segments, appended, durable: appended.copy() },
    ...{ last: state.last ?? lastOfCursors(cursors), next: state.next },
    ...{ cursors, tableCursors: new Map(tableCursors), notes },
  };
}

/**
 * Up to where the newest segment of which anything counts is known to have been durable. A newer one of which nothing does (its
 * first blocks never became durable) is set aside whole; then the one before it may have an unsynced tail too, for a repair
 * begins a new segment without syncing the old one to its end.
 */
async function findNewest(reading: Reading, segments: Segment[], state: State, synced: boolean): Promise<Position> {
  for (let segment = segments.at(-1); segment; segment = segments.at(-1)) {
    const proof = { vouched: state.floor(segment, await survey(reading, segment)), synced };
    if (anythingCounts(reading, segment, proof)) return proof.vouched;
    if (segment.bytes > 0) await replay(reading, segment, proof, () => {});
    else reading.notes.push(await cutTail(reading, segment, { position: segment.start, why: 'it is empty' }));
    segments.pop();
  }
  return 0;
}

class State {
  spool: Id | undefined;
  last: Recovered['last'];
  next: Position;
  readonly #cursors: readonly Position[];
  #vouched: Position = 0;

  constructor(cursors: ReadonlyMap<string, CursorRead>, segments: readonly Segment[]) {
    this.#cursors = [...cursors.values()].flatMap((read) =>
      read.kind === 'cursor' ? [read.record.cursor.position] : [],
    );
    // An empty file's name is used too.
    const ends = segments.map(({ start, end, bytes, unopened }) => (unopened ? end : start + Math.max(1, bytes)));
    this.next = Math.max(0, ...ends, ...this.#cursors);
  }

  /** The highest position that cursors, the segment's own blocks or later ones prove to have been durable. */
  floor(segment: Segment, vouched: Position): Position {
    this.#vouched = Math.max(this.#vouched, vouched);
    return Math.max(vouched, Math.min(segment.end, Math.max(segment.start, this.#vouched, ...this.#cursors)));
  }

  see(block: ScannedBlock): void {
    this.spool = block.header.spool;
    this.last = { end: block.end, hash: block.hash, epoch: block.header.epoch };
  }
}

function readCursors(files: Files, folders: Folders): Map<string, CursorRead> {
  const cursors = new Map<string, CursorRead>();
  for (const entry of files.list(folders.cursors)) {
    if (entry.kind !== 'file' || entry.name.endsWith('.new')) continue;
    const path = `${folders.cursors}/${entry.name}`;
    const read = readCursor(files, path);
    if (read.kind === 'newer') throw new NewerVersion(path, read.version);
    cursors.set(entry.name, read);
  }
  return cursors;
}

/** The cursor file of a shipper, among those read. */
export function cursorOf(cursors: ReadonlyMap<string, CursorRead>, shipper: string): CursorRead {
  return cursors.get(cursorName(shipper)) ?? { kind: 'none' };
}

function cursorSpool(cursors: ReadonlyMap<string, CursorRead>): Id | undefined {
  for (const read of cursors.values()) if (read.kind === 'cursor') return read.record.spool;
  return undefined;
}

/** Where no block is left, the furthest cursor is the end of what was. */
function lastOfCursors(cursors: ReadonlyMap<string, CursorRead>): Recovered['last'] {
  let furthest: ShipperCursor | undefined;
  for (const read of cursors.values()) {
    if (read.kind !== 'cursor' || read.record.cursor.forked) continue;
    if (!furthest || read.record.cursor.position > furthest.position) furthest = read.record.cursor;
  }
  return furthest && { end: furthest.position, hash: furthest.hash, epoch: furthest.epoch };
}

/** The segment files, each as long as the next one's first header says. */
function openSegments(files: Files, folders: Folders): Segment[] {
  const segments: Segment[] = [];
  for (const start of listSegments(files, folders.segments)) {
    const segment = openSegment(files, `${folders.segments}/${segmentName(start)}`, start, segments);
    const before = segments.at(-1);
    if (before?.unopened) before.end = Math.min(before.end, start);
    segments.push(segment);
  }
  // Empty ones were left by a repair that was cut short (unless the next one says that something stood there); the newest is
  // planNewest's to look at.
  const isEmpty = (segment: Segment) => segment.end === segment.start && isOpen(segment);
  const empty = segments.filter((segment) => isEmpty(segment) && segment !== segments.at(-1));
  for (const { start } of empty) {
    try {
      files.unlink(`${folders.segments}/${segmentName(start)}`);
    } catch {
      // A disk that refuses: the file holds nothing, and is passed over.
    }
  }
  return segments.filter((segment) => !empty.includes(segment));
}

/** Those before it end where its first header says: a repair may have left more than one behind that it could not cut. */
function openSegment(files: Files, path: string, start: Position, before: readonly Segment[]): Segment {
  try {
    using file = closing(files.open(path, 'read'));
    const bytes = file.value.stat().sizeBytes;
    const first = firstBlock(file.value, start, start + bytes);
    if (first.kind === 'newer') throw new NewerVersion(path, first.version);
    if (first.kind === 'block') endAt(before, Math.min(start, first.header.previousEnd));
    return { start, end: start + bytes, bytes, verified: undefined };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const end = start + unknownBytes;
    return { start, end, bytes: 0, verified: undefined, unopened: error as Error };
  }
}

/** The last of these segments with anything before `end` ends there, also where its file is shorter; those behind it hold nothing. */
function endAt(segments: readonly Segment[], end: Position): void {
  for (const segment of segments.toReversed()) {
    segment.end = Math.max(segment.start, end);
    if (segment.start < end) return;
  }
}

function isOpen({ unopened }: Segment): boolean {
  return unopened === undefined;
}

/**
 * The newest segment, which cannot be opened: what was read since its table is read again. Where it cannot be moved the disk does
 * not answer at all, and is waited for.
 */
async function setAside({ start, unopened }: Segment, folders: Folders, damaged: Damaged): Promise<string> {
  const name = segmentName(start);
  const path = await damaged.take(`${folders.segments}/${name}`, `unopened-${start}`);
  return `${name} cannot be opened (${unopened?.message}) and was moved to ${path}; what it held is read again where its source still has it`;
}

interface Base {
  readonly index: number;
  readonly table: Table | undefined;
  /** Names of newer segments whose table does not verify. */
  readonly lost: readonly string[];
}

/** The newest segment whose table verifies; without any, everything is read from the oldest on. */
function findTable({ files, codec }: RecoveryPorts, folders: Folders, segments: readonly Segment[]): Base {
  const lost: string[] = [];
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]!;
    lost.push(segmentName(segment.start));
    if (segment.unopened) continue;
    using file = closing(files.open(`${folders.segments}/${segmentName(segment.start)}`, 'read'));
    const table = readTable(file.value, segment, codec);
    segment.verified = table === 'refused' ? undefined : table !== undefined;
    if (table && table !== 'refused') return { index, table, lost: lost.slice(0, -1) };
  }
  return { index: 0, table: undefined, lost };
}

/** A segment that nobody could measure is taken to be longer than any is: no position is used twice. */
const unknownBytes = 2 ** 40;
