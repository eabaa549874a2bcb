/**
 * Opening a spool: makes its newest segment safe, reads what is there, decides what of it counts (`recovery-plan.ts`), and does
 * that: a tail is copied to `damaged/` and cut, rot stays where it is and is reported. A newer version with a sound checksum is
 * no damage: refuse to start.
 */
import { crc32 } from 'node:zlib';
import type { CursorRead } from './cursor-file.ts';
import { closing, readCursor } from './cursor-file.ts';
import type { Damaged } from './damaged.ts';
import type { Table } from './format-table.ts';
import type { Folders } from './layout.ts';
import { cursorName, segmentName } from './layout.ts';
import { Ledger } from './ledger.ts';
import { syncNewest } from './newest-safe.ts';
import type { BlockHash, Id, Position, ShipperCursor } from './nouns.ts';
import type { Clock, Codec, Files, Log, OpenFile } from './ports.ts';
import type { Check } from './read-patiently.ts';
import { readPatiently } from './read-patiently.ts';
import type { Plan, Tail } from './recovery-plan.ts';
import { planRecovery } from './recovery-plan.ts';
import type { ScanItem, ScannedBlock } from './scan.ts';
import { firstBlock, readFully, scan } from './scan.ts';
import { readTable } from './segment-table.ts';
import type { Segment } from './segments.ts';
import { listSegments } from './segments.ts';
import { tellTail } from './tail-told.ts';

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

/** Written by a newer tailspool: nothing was changed. The process exits with 3. */
export class NewerVersion extends Error {
  override readonly name = 'NewerVersion';

  constructor(path: string, version: number) {
    super(
      `${path} was written by a newer version of tailspool (format ${version}); start that version, or use another data_dir`,
    );
  }
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
  const synced = await syncNewest(ports, folders, segments, notes);
  const cut: ScanItem[] = [];
  const plans = await planNewest(ports, folders, segments, state, synced, damaged, notes, cut, check);
  const base = findTable(ports, folders, segments);
  check();
  if (base.lost.length > 0) notes.push(`the table of ${base.lost.join(', ')} is damaged; read from an older one`);

  const ledgers = [new Ledger(), new Ledger()] as const;
  if (base.table) for (const ledger of ledgers) ledger.load(base.table);
  for (const segment of segments.slice(base.index)) {
    const plan = plans.get(segment) ?? readSegment(ports, folders, segment, () => segment.end, true);
    check();
    for (const { position, end, why } of plan.rot) {
      const what = `${segmentName(segment.start)}: ${end - position} bytes at ${position} are damaged (${why})`;
      const path = `${folders.segments}/${segmentName(segment.start)}`;
      const kept = await damaged.keep(path, position - segment.start, end - position, `rot-${position}`);
      notes.push(`${what}; readers pass over them${kept.done ? `, and a copy is in ${kept.path}` : ''}`);
    }
    for (const block of plan.blocks) {
      for (const ledger of ledgers) ledger.apply(block.header, block.end - block.position, true);
      state.see(block);
    }
    check();
    if (plan.tail) notes.push(await cutTail(ports, folders, segment, plan.tail, damaged));
    cut.unshift(...(plan.tail?.items ?? []));
  }
  const told = tellTail(cut, ledgers[0]);
  if (told) notes.push(told);
  const tableCursors = (base.table?.shippers ?? []).flatMap(({ name, cursor }) =>
    cursor ? [[name, cursor] as const] : [],
  );
  return {
    spool: state.spool ?? cursorSpool(cursors),
    segments,
    appended: ledgers[0],
    durable: ledgers[1],
    last: state.last ?? lastOfCursors(cursors),
    next: state.next,
    cursors,
    tableCursors: new Map(tableCursors),
    notes,
  };
}

/**
 * Plans the newest segment of which anything counts. A newer one of which nothing does (its first blocks never became durable)
 * is set aside whole; then the one before it may have an unsynced tail too, for a repair begins a new segment without syncing
 * the old one to its end.
 */
async function planNewest(
  ports: RecoveryPorts,
  folders: Folders,
  segments: Segment[],
  state: State,
  synced: boolean,
  damaged: Damaged,
  notes: string[],
  cut: ScanItem[],
  check: Check,
): Promise<ReadonlyMap<Segment, Plan>> {
  for (let newest = segments.at(-1); newest; newest = segments.at(-1)) {
    const segment = newest;
    const plan = readSegment(ports, folders, segment, (items) => state.floor(segment, items), synced);
    check();
    if (plan.tail?.position !== segment.start && segment.bytes > 0) return new Map([[segment, plan]]);
    const tail = plan.tail ?? { position: segment.start, why: 'it is empty', items: [] };
    notes.push(await cutTail(ports, folders, segment, tail, damaged));
    cut.unshift(...tail.items);
    segments.pop();
  }
  return new Map();
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
    const ends = segments.map((segment) => segment.start + Math.max(1, segment.bytes));
    this.next = Math.max(0, ...ends, ...this.#cursors);
  }

  /** The highest position that cursors or later blocks prove to have been durable, as far as it concerns the segment. */
  floor(segment: Segment, items: readonly ScanItem[]): Position {
    for (const item of items) if (item.kind === 'block') this.#vouched = Math.max(this.#vouched, item.header.vouched);
    return Math.min(segment.end, Math.max(segment.start, this.#vouched, ...this.#cursors));
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
    const path = `${folders.segments}/${segmentName(start)}`;
    using file = closing(files.open(path, 'read'));
    const bytes = file.value.stat().sizeBytes;
    const first = firstBlock(file.value, start, start + bytes);
    if (first.kind === 'newer') throw new NewerVersion(path, first.version);
    const before = segments.at(-1);
    if (before && first.kind === 'block')
      before.end = Math.min(start, Math.max(before.start, first.header.previousEnd));
    segments.push({ start, end: start + bytes, bytes, verified: undefined });
  }
  // Empty ones were left by a repair that was cut short (unless the next one says that something stood there); the newest is
  // planNewest's to look at.
  const empty = segments.filter((segment) => segment.end === segment.start && segment !== segments.at(-1));
  for (const { start } of empty) {
    try {
      files.unlink(`${folders.segments}/${segmentName(start)}`);
    } catch {
      // A disk that refuses: the file holds nothing, and is passed over.
    }
  }
  return segments.filter((segment) => !empty.includes(segment));
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
    using file = closing(files.open(`${folders.segments}/${segmentName(segment.start)}`, 'read'));
    const table = readTable(file.value, segment, codec);
    segment.verified = table === 'refused' ? undefined : table !== undefined;
    if (table && table !== 'refused') return { index, table, lost };
    lost.push(segmentName(segment.start));
  }
  return { index: 0, table: undefined, lost };
}

function readSegment(
  { files }: RecoveryPorts,
  folders: Folders,
  segment: Segment,
  floor: (items: readonly ScanItem[]) => Position,
  synced: boolean,
): Plan {
  const path = `${folders.segments}/${segmentName(segment.start)}`;
  using opened = closing(files.open(path, 'read'));
  const file = opened.value;
  const items = [...scan({ file, start: segment.start, from: segment.start, end: segment.end, spool: undefined })];
  const newer = items.find((item) => item.kind === 'newer');
  if (newer) throw new NewerVersion(path, newer.version);
  return planRecovery(items, floor(items), (block) => frameIsSound(file, segment.start, block), synced);
}

function frameIsSound(file: OpenFile, start: Position, block: ScannedBlock): boolean {
  const frame = readFully(
    file,
    Buffer.allocUnsafeSlow(block.header.frameBytes),
    block.position - start + block.headerBytes,
  );
  return frame !== undefined && frame.length === block.header.frameBytes && crc32(frame) === block.header.frameCrc;
}

/** Copies the tail to `damaged/` and cuts it; where the copy cannot be made it stays, and is never read. */
async function cutTail(
  { files }: RecoveryPorts,
  folders: Folders,
  segment: Segment,
  tail: Tail,
  damaged: Damaged,
): Promise<string> {
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
