/**
 * Appends blocks and makes them durable. Promises (docs/architecture.md, durability rules 1 and 3):
 * - `durable` is captured before each fdatasync is issued, and never goes back;
 * - a segment is synced to its end before the first byte of its successor, and the successor's directory entry with it;
 * - a block stays in memory until its sync returned; after a failed write or sync everything that was not durable is written
 *   again, at new positions, to a new segment whose header says where the old one ends.
 */
import { crc32 } from 'node:zlib';
import type { BlockArena } from './arena.ts';
import { ByteWriter } from './bytes.ts';
import type { BlockHeader } from './format.ts';
import { encodeHeader, hashOf, sealHeader } from './format.ts';
import { encodeTable } from './format-table.ts';
import { syncFolder } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { BlockHash, Epoch, HoldReason, Id, Position, ShipperCursor, SourceNumber } from './nouns.ts';
import { zeroHash } from './nouns.ts';
import type { Clock, Codec, Files, Log, MonotonicMs, OpenFile, Timer, UnixMs } from './ports.ts';
import type { Segment, Segments } from './segments.ts';

/** What a block is made of before it has a place. */
export interface NewBlock
  extends Partial<Pick<BlockHeader, 'runs' | 'descriptions' | 'drops' | 'origin' | 'originDescriptions'>> {
  readonly time: UnixMs;
  readonly records: number;
  /** Raw records, to be compressed; or a finished frame with its checksum and what it expands to. */
  readonly body:
    | { readonly raw: Uint8Array }
    | { readonly frame: Uint8Array; readonly frameCrc: number; readonly rawBytes: number };
}

export interface WriterPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly log: Log;
}

export interface WriterOptions {
  readonly spool: Id;
  readonly segmentBytes: number;
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

interface Unsynced {
  readonly bytes: Buffer;
  readonly header: BlockHeader;
  readonly headerBytes: number;
  readonly inArena: boolean;
}

/** What only the first block of a segment says. */
type FirstOfSegment = Pick<BlockHeader, 'table' | 'opening' | 'recordsBefore' | 'sourceBytesBefore'>;

/** A state each in which something else may happen: see `ready`, `sync`, `#afterSync`. */
type State = 'ready' | 'rolling' | 'broken' | 'closed';

export class Writer {
  readonly #ports: WriterPorts;
  readonly #options: WriterOptions;
  readonly #events: WriterEvents;
  readonly #segments: Segments;
  readonly #arena: BlockArena;
  readonly #appended: Ledger;
  readonly #durableLedger: Ledger;
  readonly #header = new ByteWriter(1024);
  #state: State = 'ready';
  #file: OpenFile | undefined;
  #segment: Segment | undefined;
  /** Folders whose entries may not be durable. */
  readonly #unsafeFolders: Set<string>;
  #unsynced: Unsynced[] = [];
  /** Those at the end of `#unsynced` that are not written yet. */
  #queued: Unsynced[] = [];
  #queuedBytes = 0;
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
    this.#arena = parts.arena;
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

  get idle(): boolean {
    return this.#unsynced.length === 0 && this.#state === 'ready';
  }

  /** End of the last durable block that has records: what lies behind it is not worth a shipper's waking. */
  get durableRecordsEnd(): Position {
    return this.#durableRecordsEnd;
  }

  /** Whether anything was written since opening. */
  get used(): boolean {
    return this.#segment !== undefined;
  }

  /** What went wrong and is being repaired. */
  get failure(): { readonly reason: HoldReason; readonly message: string; readonly since: UnixMs } | undefined {
    return this.#failure;
  }

  /** Whether a block of so many raw (or frame) bytes could be appended now; else why not. */
  ready(bodyBytes: number): HoldReason | undefined {
    switch (this.#state) {
      case 'ready':
        return this.#arena.fits(this.#bytesMax(bodyBytes)) ? undefined : 'unsynced';
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
    const entry = this.#encode(block);
    this.#guard('write', () => {
      this.#queue(entry);
      // Whoever sends a finished frame waits for the sync and has it still: several of them are written in one piece.
      if ('raw' in block.body || this.#queuedBytes >= queuedBytesMax) this.#writeQueued();
    });
    this.#appended.apply(entry.header, entry.bytes.length);
    const end = this.#end;
    if (this.#segment && this.#segment.bytes >= this.#options.segmentBytes) this.#roll();
    return end;
  }

  /** A source's cursor leaves the tables from the next one on. */
  forget(source: SourceNumber): void {
    this.#appended.forget(source);
    this.#durableLedger.forget(source);
  }

  /** Makes everything appended so far durable; one at a time. Resolves when the disk answered, whatever it said. */
  sync(): Promise<void> {
    if (this.#syncing) return this.#syncing;
    if (this.#unsynced.length === 0 || this.#file === undefined || this.#state === 'broken') return Promise.resolve();
    this.#guard('write', () => this.#writeQueued());
    if ((this.#state as State) === 'broken') return Promise.resolve();
    this.#syncing = this.#syncOnce(this.#file, this.#unsynced.length, this.#end).finally(() => {
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

  #bytesMax(bodyBytes: number): number {
    return this.#ports.codec.frameBytesMax(bodyBytes) + headerBytesUsual;
  }

  async #syncOnce(file: OpenFile, count: number, end: Position): Promise<void> {
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
    const released = this.#unsynced.splice(0, count);
    for (const { header, bytes } of released) this.#durableLedger.apply(header, bytes.length);
    this.#arena.free(released.filter((entry) => entry.inArena).length);
    const last = released.at(-1)!;
    this.#durableLast = { end, hash: hashOf(last.bytes.subarray(0, last.headerBytes)) };
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
    if (this.#unsynced.length > 0) {
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
    const segment: Segment = { start: this.#end, end: this.#end, bytes: 0, verified: true };
    const file = files.open(this.#segments.path(segment), 'create');
    this.#file = file;
    this.#segment = segment;
    this.#segments.list.push(segment);
    this.#unsafeFolders.add(this.#options.folders.at(-1)!);
    const table = encodeTable(this.#durableLedger.toTable(this.#events.cursors()), codec);
    const block: NewBlock = { time: clock.now(), records: 0, body: { raw: nothing } };
    // In a repair what was appended is ahead of what is durable: the table stands before those blocks, and so do its counts.
    const { records, sourceBytes } = this.#durableLedger;
    const entry = this.#encode(block, {
      table,
      opening: this.#epoch,
      recordsBefore: records,
      sourceBytesBefore: sourceBytes,
    });
    this.#queue(entry);
    this.#writeQueued();
    this.#appended.spooledBytes += entry.bytes.length;
  }

  /** Gives the block its place and its bytes; from now on it is kept until it is durable. */
  #encode(block: NewBlock, first?: FirstOfSegment): Unsynced {
    const { body } = block;
    const header: BlockHeader = {
      frameBytes: 0,
      frameCrc: 0,
      rawBytes: 'raw' in body ? body.raw.length : body.rawBytes,
      position: this.#end,
      spool: this.#options.spool,
      epoch: this.#epoch.id,
      previous: this.#last.hash,
      previousEnd: this.#last.end,
      vouched: this.#durable,
      time: block.time,
      recordsBefore: this.#appended.records,
      sourceBytesBefore: this.#appended.sourceBytes,
      records: block.records,
      runs: block.runs ?? [],
      descriptions: block.descriptions ?? [],
      drops: block.drops ?? [],
      origin: block.origin,
      originDescriptions: block.originDescriptions,
      ...first,
    };
    encodeHeader(header, this.#header);
    const headerBytes = this.#header.length;
    const frameMax = 'raw' in body ? this.#ports.codec.frameBytesMax(body.raw.length) : body.frame.length;
    const room = this.#arena.take(headerBytes + frameMax);
    const frameBytes = fillFrame(body, room.subarray(headerBytes), this.#ports.codec);
    this.#arena.keep(headerBytes + frameBytes);
    const bytes = room.subarray(0, headerBytes + frameBytes);
    const frameCrc = 'raw' in body ? crc32(bytes.subarray(headerBytes)) : body.frameCrc;
    this.#header.bytes.copy(bytes);
    sealHeader(bytes.subarray(0, headerBytes), frameBytes, frameCrc);
    return this.#place({ bytes, header: { ...header, frameBytes, frameCrc }, headerBytes, inArena: true });
  }

  #place(entry: Unsynced): Unsynced {
    this.#unsynced.push(entry);
    this.#end = entry.header.position + entry.bytes.length;
    this.#last = { end: this.#end, hash: hashOf(entry.bytes.subarray(0, entry.headerBytes)) };
    return entry;
  }

  #queue(entry: Unsynced): void {
    const segment = this.#segment!;
    this.#queued.push(entry);
    this.#queuedBytes += entry.bytes.length;
    segment.end = entry.header.position + entry.bytes.length;
    segment.bytes = segment.end - segment.start;
  }

  /** Blocks that lie behind each other in memory as they will on the disk are one write. */
  #writeQueued(): void {
    const segment = this.#segment;
    for (const { bytes, position } of stretchesOf(this.#takeQueued())) {
      const written = this.#file!.write(bytes, position - segment!.start);
      if (written < bytes.length) throw new ShortWrite(written, bytes.length);
    }
  }

  #takeQueued(): Unsynced[] {
    const queued = this.#queued;
    this.#queued = [];
    this.#queuedBytes = 0;
    return queued;
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
    const reason: HoldReason = noSpaceCodes.has(code ?? '') ? 'disk_full' : 'disk_error';
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
    this.#repairTimer ??= this.#ports.clock.after(this.#options.repairDelayMs, () => {
      this.#repairTimer = undefined;
      if (this.#state === 'broken') this.#repair();
    });
  }

  /** Cuts the segment back to what is durable, and writes everything else again to a new one. */
  #repair(): void {
    this.#cutBack();
    const pending = this.#unsynced.filter((entry) => !entry.header.table).map(owned);
    this.#arena.free(this.#unsynced.filter((entry) => entry.inArena).length);
    this.#unsynced = [];
    this.#last = this.#durableLast;
    this.#state = 'ready';
    this.#guard('write', () => {
      this.#begin();
      for (const entry of pending) this.#queue(this.#moved(entry));
      this.#writeQueued();
    });
    if ((this.#state as State) === 'broken') {
      this.#unsynced = [...this.#unsynced.filter((entry) => entry.header.table), ...pending];
      return;
    }
    this.#events.room();
    void this.sync();
  }

  #cutBack(): void {
    this.#takeQueued();
    const segment = this.#segment;
    if (!segment || !this.#file) return;
    try {
      this.#file.truncate(Math.max(0, this.#durable - segment.start));
    } catch {
      // The next segment's header says where this one ends: what stays behind that is never read.
    }
    this.#file.close();
    this.#file = undefined;
    segment.end = Math.max(segment.start, this.#durable);
    segment.bytes = segment.end - segment.start;
    if (segment.bytes > 0) return;
    const index = this.#segments.list.indexOf(segment);
    if (index >= 0) this.#segments.list.splice(index, 1);
    try {
      this.#ports.files.unlink(this.#segments.path(segment));
    } catch {
      // An empty file, or one without a durable table: opening sets it aside.
    }
  }

  /** The same block at the new end. */
  #moved(entry: Unsynced): Unsynced {
    const header = {
      ...entry.header,
      position: this.#end,
      previous: this.#last.hash,
      previousEnd: this.#last.end,
      vouched: this.#durable,
      epoch: this.#epoch.id,
    };
    encodeHeader(header, this.#header);
    const bytes = Buffer.concat([this.#header.bytes, entry.bytes.subarray(entry.headerBytes)]);
    return this.#place({ bytes, header, headerBytes: this.#header.length, inArena: false });
  }
}

/** So many bytes are written at once, at least; what is less waits for the sync. */
const queuedBytesMax = 1024 * 1024;
/** What most headers stay below; a block with many runs takes more, and gets it. */
const headerBytesUsual = 16 * 1024;
const noSpaceCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);
const nothing = new Uint8Array(0);

/** A write took less than it was given: the disk is full, or about to say why not. */
class ShortWrite extends Error {
  readonly code = 'ENOSPC';

  constructor(written: number, wanted: number) {
    super(`only ${written} of ${wanted} bytes were taken`);
  }
}

/** Blocks that follow each other, in one piece where they do so in memory too. */
function stretchesOf(entries: readonly Unsynced[]): { readonly bytes: Buffer; readonly position: Position }[] {
  const stretches: { bytes: Buffer; readonly position: Position }[] = [];
  for (const { bytes, header } of entries) {
    const last = stretches.at(-1);
    if (last && last.bytes.buffer === bytes.buffer && last.bytes.byteOffset + last.bytes.length === bytes.byteOffset)
      last.bytes = Buffer.from(bytes.buffer, last.bytes.byteOffset, last.bytes.length + bytes.length);
    else stretches.push({ bytes, position: header.position });
  }
  return stretches;
}

function fillFrame(body: NewBlock['body'], into: Buffer, codec: Codec): number {
  if (!('raw' in body)) {
    into.set(body.frame);
    return body.frame.length;
  }
  return body.raw.length === 0 ? 0 : codec.compress(body.raw, into);
}

/** The entry with memory of its own. */
function owned(entry: Unsynced): Unsynced {
  return entry.inArena ? { ...entry, bytes: Buffer.from(entry.bytes), inArena: false } : entry;
}
