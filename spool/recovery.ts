/**
 * Opening a spool: reads what is there, decides what of it counts, and sets aside the rest. Deciding is pure
 * (`planRecovery`); `recover` reads, and does what the plan says.
 *
 * Cases, for the newest segment (every older one was synced to its end before its successor began):
 * - damage below a later whole block's `vouched`, or below a shipper's cursor, was durable once: it is **rot**. It stays where
 *   it is, readers pass over it;
 * - the first damage, wrong frame or broken chain from there on begins the unsynced **tail**: all of it is copied to
 *   `damaged/` and cut. Its cursors do not count, so its records are read again;
 * - a newer version with a sound checksum is no damage: refuse to start.
 */
import { crc32 } from 'node:zlib';
import type { CursorRead } from './cursor-file.ts';
import { closing, readCursor } from './cursor-file.ts';
import type { Damaged } from './damaged.ts';
import type { Table } from './format-table.ts';
import { decodeTable } from './format-table.ts';
import type { Folders } from './layout.ts';
import { cursorName, segmentName, syncFolder, withParents } from './layout.ts';
import { Ledger } from './ledger.ts';
import type { BlockHash, Id, Position, ShipperCursor } from './nouns.ts';
import type { Clock, Codec, Files, Log, OpenFile } from './ports.ts';
import type { ScanItem, ScannedBlock } from './scan.ts';
import { firstBlock, readFully, scan } from './scan.ts';
import type { Segment } from './segments.ts';
import { listSegments } from './segments.ts';

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

/** What of a scanned segment counts. */
export interface Plan {
  readonly blocks: readonly ScannedBlock[];
  readonly rot: readonly { readonly position: Position; readonly end: Position; readonly why: string }[];
  /** Everything from here to the end of the file is cut. */
  readonly tail: { readonly position: Position; readonly why: string } | undefined;
}

export interface RecoveryPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly log: Log;
}

/**
 * Decides what counts of the newest segment. `floor` is the highest position known from elsewhere to have been durable;
 * `sound` tells whether a block's frame is what its header says (asked only from the floor on); without `synced` nothing
 * counts that is not proven to have been durable before.
 */
export function planRecovery(
  items: readonly ScanItem[],
  floor: Position,
  sound: (block: ScannedBlock) => boolean,
  synced = true,
): Plan {
  const vouched = items.reduce(
    (most, item) => (item.kind === 'block' ? Math.max(most, item.header.vouched) : most),
    floor,
  );
  const blocks: ScannedBlock[] = [];
  const rot: Plan['rot'][number][] = [];
  let last: ScannedBlock | undefined;
  for (const item of items) {
    if (item.kind === 'newer') return { blocks, rot, tail: { position: item.position, why: 'a newer version' } };
    if (item.kind === 'damage') {
      if (item.position >= vouched) return { blocks, rot, tail: { position: item.position, why: item.why } };
      rot.push({ ...item, end: Math.min(item.end, Math.max(vouched, item.position)) });
      if (item.end > vouched) return { blocks, rot, tail: { position: vouched, why: item.why } };
      last = undefined;
      continue;
    }
    if (item.position >= vouched) {
      if (!synced) return { blocks, rot, tail: { position: item.position, why: 'it could not be synced' } };
      const broken = last && (item.header.previous !== last.hash || item.header.previousEnd !== last.end);
      if (broken)
        return { blocks, rot, tail: { position: item.position, why: 'a block does not follow the one before it' } };
      if (!sound(item))
        return { blocks, rot, tail: { position: item.position, why: 'a block does not match its checksum' } };
    }
    blocks.push(item);
    last = item;
  }
  return { blocks, rot, tail: undefined };
}

/** Reads the spool in `folders`, sets aside what cannot be kept, and tells how to go on. */
export async function recover(ports: RecoveryPorts, folders: Folders, damaged: Damaged): Promise<Recovered> {
  const notes: string[] = [];
  const { files } = ports;
  const cursors = readCursors(files, folders);
  const segments = openSegments(files, folders);
  const state = new State(cursors, segments);
  const synced = await syncNewest(ports, folders, segments, notes);
  const plans = await planNewest(ports, folders, segments, state, synced, damaged, notes);
  const base = findTable(ports, folders, segments);
  if (base.lost.length > 0) notes.push(`the table of ${base.lost.join(', ')} is damaged; read from an older one`);

  const ledgers = [new Ledger(), new Ledger()] as const;
  if (base.table) for (const ledger of ledgers) ledger.load(base.table);
  for (const segment of segments.slice(base.index)) {
    const plan = plans.get(segment) ?? readSegment(ports, folders, segment, () => segment.end, true);
    for (const { position, end, why } of plan.rot) {
      const what = `${segmentName(segment.start)}: ${end - position} bytes at ${position} are damaged (${why})`;
      notes.push(`${what}; readers pass over them`);
    }
    for (const block of plan.blocks) {
      for (const ledger of ledgers) ledger.apply(block.header, block.end - block.position, true);
      state.see(block);
    }
    if (plan.tail) notes.push(await cutTail(ports, folders, segment, plan.tail, damaged));
  }
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
): Promise<ReadonlyMap<Segment, Plan>> {
  for (let newest = segments.at(-1); newest; newest = segments.at(-1)) {
    const segment = newest;
    const plan = readSegment(ports, folders, segment, (items) => state.floor(segment, items), synced);
    if (plan.tail?.position !== segment.start && segment.bytes > 0) return new Map([[segment, plan]]);
    notes.push(
      await cutTail(ports, folders, segment, plan.tail ?? { position: segment.start, why: 'it is empty' }, damaged),
    );
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
      before.end = Math.min(before.end, Math.max(before.start, first.header.previousEnd));
    segments.push({ start, end: start + bytes, bytes, verified: undefined });
  }
  // Empty ones were left by a repair that was cut short; the newest is planNewest's to look at.
  const empty = segments.filter((segment) => segment.bytes === 0 && segment !== segments.at(-1));
  for (const { start } of empty) {
    try {
      files.unlink(`${folders.segments}/${segmentName(start)}`);
    } catch {
      // A disk that refuses: the file holds nothing, and is passed over.
    }
  }
  return segments.filter((segment) => !empty.includes(segment));
}

/**
 * What is only in the page cache must not be trusted: it could vanish after it was shipped. Nor may a sync that failed be asked
 * again, for the second answer would be about nothing; where one fails, the same bytes are written to a new file instead, some times. After that what is not vouched for is cut.
 */
async function syncNewest(
  { files, clock, log }: RecoveryPorts,
  folders: Folders,
  segments: readonly Segment[],
  notes: string[],
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      // The last two: a repair may have begun the newest without syncing the one before it.
      for (const segment of segments.slice(-2)) {
        const path = `${folders.segments}/${segmentName(segment.start)}`;
        if (!(await synced(files, path))) await rewrite(files, path);
      }
      // Whoever made the folders may have been killed before their entries were durable.
      const unsafe = segments.length > 0 ? withParents(folders.segments) : [folders.segments];
      for (const folder of unsafe) await syncFolder(files, folder, folder === folders.segments);
      return true;
    } catch (error) {
      const message = `the newest segment could not be synced: ${(error as Error).message}`;
      log.write({ severity: 'error', event: 'spool.open_sync_failed', message });
      if (attempt === syncAttemptsMax) {
        notes.push(message);
        return false;
      }
      await new Promise<void>((resolve) => clock.after(syncRetryDelayMs, resolve));
    }
  }
}

async function synced(files: Files, path: string): Promise<boolean> {
  using file = closing(files.open(path, 'read'));
  try {
    await file.value.datasync();
    return true;
  } catch {
    // What reads back is written anew by the caller.
    return false;
  }
}

/** Replaces the file by one with the same bytes that is known to be durable. Throws what the disk throws. */
async function rewrite(files: Files, path: string): Promise<void> {
  const made = `${path}.new`;
  try {
    files.unlink(made);
  } catch {
    // Usually there is none; if it cannot go, creating says why.
  }
  using source = closing(files.open(path, 'read'));
  using target = closing(files.open(made, 'create'));
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  for (let done = 0, size = source.value.stat().sizeBytes; done < size; ) {
    const count = source.value.read(buffer, done);
    if (count === 0) break;
    if (target.value.write(buffer.subarray(0, count), done) < count) throw new Error(`${made}: a short write`);
    done += count;
  }
  await target.value.datasync();
  files.rename(made, path);
}

const syncAttemptsMax = 20;
const syncRetryDelayMs = 250;

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
    segment.verified = table !== undefined;
    if (table) return { index, table, lost };
    lost.push(segmentName(segment.start));
  }
  return { index: 0, table: undefined, lost };
}

/** The table at the start of a segment; undefined where it is damaged. */
export function readTable(file: OpenFile, segment: Pick<Segment, 'start' | 'end'>, codec: Codec): Table | undefined {
  const first = firstBlock(file, segment.start, segment.end);
  if (first.kind !== 'block' || !first.header.table) return undefined;
  return decodeTable(first.header.table, codec);
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
  tail: NonNullable<Plan['tail']>,
  damaged: Damaged,
): Promise<string> {
  const path = `${folders.segments}/${segmentName(segment.start)}`;
  const bytes = segment.start + segment.bytes - tail.position;
  const what = `${segmentName(segment.start)}: ${bytes} bytes from ${tail.position} on were never synced (${tail.why})`;
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
  return `${what}; they are kept in ${kept.path}, and their records are read again`;
}
