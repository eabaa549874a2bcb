/**
 * Appends blocks and makes them durable. Promises (docs/architecture.md, durability rules 1 and 3):
 * - `durable` is captured before each fdatasync is issued, and never goes back;
 * - a segment is synced to its end before the first byte of its successor, and the successor's directory entry with it;
 * - a block stays in memory until its sync returned; after a failed write or sync everything that was not durable is written
 *   again, at new positions, to a new segment whose header says where the old one ends.
 */
import type { BlockArena } from './arena.ts';
import type { FirstOfSegment, NewBlock, PlacedBlock } from './compose.ts';
import { Composer, endOf } from './compose.ts';
import { encodeTable } from './format-table.ts';
import { syncFolder } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { BlockHash, Epoch, HoldReason, Id, Position, ShipperCursor, SourceNumber } from './nouns.ts';
import { zeroHash } from './nouns.ts';
import type { Clock, Codec, Files, Log, MonotonicMs, Timer, UnixMs } from './ports.ts';
import { noSpaceCodes } from './pressure.ts';
import { SegmentFile } from './segment-file.ts';
import type { Segments } from './segments.ts';
import { UnsyncedBlocks } from './unsynced.ts';

export type { NewBlock } from './compose.ts';

export interface WriterPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly log: Log;
}

export interface WriterOptions {
  readonly spool: Id;
  /** A segment that is so long gets a successor; asked after each block. */
  readonly segmentBytes: () => number;
  /** The folder of the segments, last, and those above it: their entries become durable with the first sync. */
  readonly folders: readonly string[];
  readonly repairDelayMs: number;
}

export interface WriterStart {
  readonly epoch: Id;
  /** Where the last good block ends, and its hash and epoch; undefined in a new spool. */
  readonly last: { readonly end: Position; readonly hash: BlockHash; readonly epoch: Id } | undefined;
  /** The next segment begins here or later: no position is used twice. */
  readonly next: Position;
}

/** Called back on changes; must not call the writer. */
export interface WriterEvents {
  /** `durable` moved. */
  synced(): void;
  /** It may be worth trying again what `ready` refused. */
  room(): void;
  /** A write or sync failed: `failure` says how. */
  failed(): void;
  cursors(): ReadonlyMap<string, ShipperCursor | undefined>;
}

/** A state each in which something else may happen: see `ready`, `sync`, `#afterSync`. */
type State = 'ready' | 'rolling' | 'broken' | 'closed';

export class Writer {
  readonly #ports: WriterPorts;
  readonly #options: WriterOptions;
  readonly #events: WriterEvents;
  readonly #segments: Segments;
  readonly #composer: Composer;
  readonly #unsynced: UnsyncedBlocks;
  readonly #appended: Ledger;
  readonly #durableLedger: Ledger;
  #state: State = 'ready';
  #file: SegmentFile | undefined;
  #used = false;
  /** Folders whose entries may not be durable. */
  readonly #unsafeFolders: Set<string>;
  #syncing: Promise<void> | undefined;
  #epoch: Epoch;
  #end: Position;
  /** The block that the next one follows. */
  #last: { readonly end: Position; readonly hash: BlockHash };
  #durable: Position;
  /** The block that `durable` ends with. */
  #durableLast: { readonly end: Position; readonly hash: BlockHash };
  #repairTimer: Timer | undefined;
  #failure: { readonly reason: HoldReason; readonly message: string; readonly since: UnixMs } | undefined;
  #durableRecordsEnd: Position = 0;
  syncs = 0;
  /** When the last sync was issued. */
  lastSync: MonotonicMs = Number.NEGATIVE_INFINITY;
  /** How long the last successful one took. */
  lastSyncTookMs = 0;

  constructor(
    ports: WriterPorts,
    options: WriterOptions,
    start: WriterStart,
    parts: { segments: Segments; arena: BlockArena; appended: Ledger; durable: Ledger; events: WriterEvents },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#segments = parts.segments;
    this.#unsafeFolders = new Set(options.folders);
    this.#composer = new Composer(options.spool, ports.codec, parts.arena);
    this.#unsynced = new UnsyncedBlocks(parts.arena);
    this.#appended = parts.appended;
    this.#durableLedger = parts.durable;
    this.#events = parts.events;
    const { last } = start;
    this.#epoch = {
      id: start.epoch,
      start: start.next,
      parent: last && { id: last.epoch, end: last.end, hash: last.hash },
    };
    this.#end = start.next;
    this.#last = { end: last?.end ?? start.next, hash: last?.hash ?? zeroHash };
    this.#durableLast = this.#last;
    this.#durable = start.next;
    this.#durableRecordsEnd = last?.end ?? 0;
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** End of the last block that was appended. */
  get end(): Position {
    return this.#end;
  }

  get durable(): Position {
    return this.#durable;
  }

  get unsyncedBytes(): number {
    return this.#end - this.#durable;
  }

  get idle(): boolean {
    return this.#unsynced.count === 0 && this.#state === 'ready';
  }

  /** End of the last durable block that has records: what lies behind it is not worth a shipper's waking. */
  get durableRecordsEnd(): Position {
    return this.#durableRecordsEnd;
  }

  /** Whether anything was written since opening. */
  get used(): boolean {
    return this.#used;
  }

  /** What went wrong and is being repaired. */
  get failure(): { readonly reason: HoldReason; readonly message: string; readonly since: UnixMs } | undefined {
    return this.#failure;
  }

  /** Whether a block of so many raw (or frame) bytes could be appended now; else why not. */
  ready(bodyBytes: number): HoldReason | undefined {
    switch (this.#state) {
      case 'ready':
        return this.#composer.fits(bodyBytes) ? undefined : 'unsynced';
      case 'rolling':
        return 'rolling';
      case 'broken':
        return this.#failure?.reason ?? 'disk_error';
      case 'closed':
        return 'closed';
      default:
        return this.#state satisfies never;
    }
  }

  /**
   * Appends one block; `ready` said that it can be. Returns its end: the block is safe once `durable` has reached it (also
   * over a repair, which only moves blocks further on).
   */
  append(block: NewBlock): Position {
    this.#guard('write', () => {
      if (this.#file === undefined) this.#begin();
    });
    const entry = this.#compose(block);
    this.#guard('write', () => {
      this.#queue(entry);
      // Nothing of it counts before its sync, and whoever gave it has it still: several blocks are written in one piece.
      const most = 'raw' in block.body ? ownBytesMax : queuedBytesMax;
      if (this.#unsynced.queuedBytes >= most) this.#writeQueued();
    });
    this.#appended.apply(entry.header, entry.bytes.length);
    const end = this.#end;
    if (this.#file && this.#isLong(this.#file)) this.#roll();
    return end;
  }

  /** An opening reads all headers of the newest segment: they are bounded too, so that it takes seconds at most. */
  #isLong({ bytes, runs }: SegmentFile): boolean {
    const runsMax = Math.max(segmentRunsMax, runsPerTabledSource * this.#appended.sources.size);
    return bytes >= this.#options.segmentBytes() || runs >= runsMax;
  }

  /** A source's cursor leaves the tables from the next one on. */
  forget(source: SourceNumber): void {
    const end = this.#end + movedBytesMax;
    this.#appended.forget(source, end);
    this.#durableLedger.forget(source, end);
  }

  /** Makes everything appended so far durable; one at a time. Resolves when the disk answered, whatever it said. */
  sync(): Promise<void> {
    if (this.#syncing) return this.#syncing;
    if (this.#unsynced.count === 0 || this.#file === undefined || this.#state === 'broken') return Promise.resolve();
    this.#guard('write', () => this.#writeQueued());
    if ((this.#state as State) === 'broken') return Promise.resolve();
    this.#syncing = this.#syncOnce(this.#file, this.#unsynced.count, this.#end).finally(() => {
      this.#syncing = undefined;
      this.#afterSync();
    });
    return this.#syncing;
  }

  /** Takes nothing more. The caller has synced before, or gave up on it. */
  close(): void {
    if (this.#file) this.#guard('write', () => this.#writeQueued());
    this.#state = 'closed';
    this.#repairTimer?.cancel();
    this.#file?.close();
    this.#file = undefined;
  }

  async #syncOnce(file: SegmentFile, count: number, end: Position): Promise<void> {
    this.lastSync = this.#ports.clock.monotonic();
    const folders = [...this.#unsafeFolders];
    const own = this.#options.folders.at(-1);
    const { files } = this.#ports;
    try {
      await Promise.all([file.datasync(), ...folders.map((folder) => syncFolder(files, folder, folder === own))]);
    } catch (error) {
      this.#fail(error, 'sync');
      return;
    }
    this.syncs++;
    this.lastSyncTookMs = this.#ports.clock.monotonic() - this.lastSync;
    // A write failed meanwhile: the repair writes everything again, also what this sync may have saved.
    if (this.#state === 'broken') return;
    for (const folder of folders) this.#unsafeFolders.delete(folder);
    this.#release(count, end);
  }

  #release(count: number, end: Position): void {
    const released = this.#unsynced.release(count);
    for (const { header, bytes } of released) this.#durableLedger.apply(header, bytes.length);
    this.#durableLast = endOf(released.at(-1)!);
    this.#durable = end;
    if (released.some((entry) => entry.header.records > 0)) this.#durableRecordsEnd = end;
    this.#failure = undefined;
    this.#events.synced();
    this.#events.room();
  }

  #afterSync(): void {
    if (this.#state === 'broken') this.#repairSoon();
    else if (this.#state === 'rolling') this.#roll();
  }

  /** Ends the segment: once all of it is durable, the next block begins another. */
  #roll(): void {
    if (this.#state === 'broken' || this.#state === 'closed') return;
    this.#state = 'rolling';
    if (this.#unsynced.count > 0) {
      if (!this.#syncing) void this.sync();
      return;
    }
    this.#file?.close();
    this.#file = undefined;
    this.#state = 'ready';
    this.#events.room();
  }

  /** A new segment with its table: the cursors as far as they are durable, never those of what is still in memory. */
  #begin(): void {
    const { files, clock, codec } = this.#ports;
    if (this.#durable <= this.#epoch.start) this.#epoch = { ...this.#epoch, start: this.#end };
    const table = encodeTable(this.#durableLedger.toTable(this.#events.cursors()), codec);
    this.#file = SegmentFile.begin(files, this.#segments, this.#end);
    this.#used = true;
    this.#unsafeFolders.add(this.#options.folders.at(-1)!);
    const block: NewBlock = { time: clock.now(), records: 0, body: { raw: nothing } };
    // In a repair what was appended is ahead of what is durable: the table stands before those blocks, and so do its counts.
    const { records, sourceBytes } = this.#durableLedger;
    const counts = { recordsBefore: records, sourceBytesBefore: sourceBytes };
    const entry = this.#compose(block, { table, opening: this.#epoch }, counts);
    this.#queue(entry);
    this.#writeQueued();
    this.#appended.spooledBytes += entry.bytes.length;
  }

  /** Gives the block its place and its bytes; from now on it is kept until it is durable. */
  #compose(block: NewBlock, first?: FirstOfSegment, counts = this.#countsBefore): PlacedBlock {
    return this.#add(this.#composer.compose(block, { ...this.#place, ...counts }, first));
  }

  /** The place of the next block. */
  get #place() {
    const { end: previousEnd, hash: previous } = this.#last;
    return { position: this.#end, epoch: this.#epoch.id, previous, previousEnd, vouched: this.#durable };
  }

  get #countsBefore() {
    return { recordsBefore: this.#appended.records, sourceBytesBefore: this.#appended.sourceBytes };
  }

  #add(entry: PlacedBlock): PlacedBlock {
    this.#unsynced.add(entry);
    this.#last = endOf(entry);
    this.#end = this.#last.end;
    return entry;
  }

  #queue(entry: PlacedBlock): void {
    this.#unsynced.queue(entry);
    this.#file!.extend(entry);
  }

  #writeQueued(): void {
    this.#file!.write(this.#unsynced.takeQueued());
  }

  #guard(what: 'write' | 'sync', act: () => void): void {
    if (this.#state === 'broken') return;
    try {
      act();
    } catch (error) {
      this.#fail(error, what);
    }
  }

  #fail(error: unknown, what: 'write' | 'sync'): void {
    if (this.#state === 'closed') return;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = reasonOf(code);
    const since = this.#failure?.since ?? this.#ports.clock.now();
    this.#failure = { reason, since, message: `a ${what} to the spool failed: ${message}` };
    this.#ports.log.write({
      severity: 'error',
      event: `spool.${reason}`,
      message: `${this.#failure.message}. Reading is held until it works again; nothing is lost.`,
    });
    this.#state = 'broken';
    // At once: after a failed sync the page cache shows bytes that the disk may never get, and the next start would trust them.
    if (what === 'sync') this.#cutBack();
    this.#events.failed();
    if (!this.#syncing) this.#repairSoon();
  }

  #repairSoon(): void {
    // A table that is too large takes long to make, and somebody has to forget something first.
    const delayMs = this.#failure?.reason === 'too_many_sources' ? tableDelayMs : this.#options.repairDelayMs;
    this.#repairTimer ??= this.#ports.clock.after(delayMs, () => {
      this.#repairTimer = undefined;
      if (this.#state === 'broken') this.#repair();
    });
  }

  /** Cuts the segment back to what is durable, and writes everything else again to a new one. */
  #repair(): void {
    this.#cutBack();
    const pending = this.#unsynced.takeForRepair();
    this.#last = this.#durableLast;
    this.#state = 'ready';
    this.#guard('write', () => {
      this.#begin();
      for (const entry of pending) this.#queue(this.#add(this.#composer.move(entry, this.#place)));
      this.#writeQueued();
    });
    if ((this.#state as State) === 'broken') {
      this.#unsynced.putBack(pending);
      return;
    }
    this.#events.room();
    void this.sync();
  }

  #cutBack(): void {
    this.#unsynced.takeQueued();
    this.#file?.cutBack(this.#durable);
    this.#file = undefined;
  }
}

const tableDelayMs = 5000;
const segmentRunsMax = 500_000;
/** With many sources tables are long: they would take a large part of segments that are too short. */
const runsPerTabledSource = 100;
/** Blocks that are not durable yet may still get another place, that much further on at most. */
const movedBytesMax = 16 * 1024 * 1024;
/** So many bytes are written at once, at least; what is less waits for the sync. */
const queuedBytesMax = 1024 * 1024;
const ownBytesMax = 256 * 1024;
const nothing = new Uint8Array(0);

function reasonOf(code: string | undefined): HoldReason {
  if (code === 'TABLE_TOO_LARGE') return 'too_many_sources';
  return code !== undefined && noSpaceCodes.has(code) ? 'disk_full' : 'disk_error';
}
