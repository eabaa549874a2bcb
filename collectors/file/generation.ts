/**
 * One file generation: who it is, how far it has been read, and the reading itself. It promises: bytes are taken in order and
 * once; before new bytes are taken, those just before the cursor were compared in the same system call; nothing is passed over
 * without a run that says so. It does not decide what to do when the file has changed under it: `rotation.ts` does.
 */
import { crc32 } from 'node:zlib';
import type { DropReason, Intake, Run, SourceDescription, SourceNumber } from '../../spool/nouns.ts';
import type { Clock, FileStat, MonotonicMs, OpenFile, UnixMs } from '../../spool/ports.ts';
import { cutRecords, endOfNuls } from './cut.ts';
import type { Head, Point, ReadAt } from './fingerprint.ts';
import { headBytesMax, headOf, noHead, windowBytes, windowOf, withPoint } from './fingerprint.ts';
import type { Content } from './identity.ts';
import type { Lineage } from './lineage.ts';
import { countLineFeeds } from './linefeeds.ts';
import type { Compression } from './names.ts';
import { pace } from './options.ts';
import type { SourceState } from './state.ts';
import { encodeMark, encodeState } from './state.ts';

/**
 * How a look at a file ended.
 * - `more`: took something, and there is more. `idle`: read to its end. `open_line`: to a last line without an end.
 * - `nul_tail`: the rest of the file is NUL bytes, which may still be filled in.
 * - `held`: the spool takes nothing. `changed`: it is not the file that was read, or it was truncated.
 * - `absent`: nothing open, and not at its place. `failed`: `failure` says why.
 */
export type Turn = 'more' | 'idle' | 'open_line' | 'nul_tail' | 'held' | 'changed' | 'absent' | 'failed';

/** Where a generation's bytes are to be had. */
export interface Place {
  readonly path: string;
  readonly compression: Compression | undefined;
}

export interface Tools {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly maxLineBytes: number;
  readonly partialTimeoutMs: number;
  /** Bytes and records taken or passed over for good, over all files. */
  readonly read: { records: number; bytes: number };
}

/** Distance of the first points; later ones an eighth of the offset apart. */
const pointStepBytesMin = 64 * 1024;
const nulScanBytesMax = 16 * 1024 * 1024;

const check = Buffer.alloc(windowBytes);
const nulScratch = Buffer.alloc(64 * 1024);
const neverSeen: SourceState = {
  device: 0n,
  inode: 0n,
  birthNs: 0n,
  modifiedMs: 0,
  finished: false,
  head: noHead,
  points: [],
  place: '',
};

export class Generation {
  readonly description: SourceDescription;
  /** Rises from generation to generation. */
  readonly order: number;
  /** 0 until the first run: an empty file costs the spool nothing. */
  source: SourceNumber;
  offset: number;
  /** CRC of the bytes before the cursor. */
  crc: number;
  /** The last record taken had no line feed yet. */
  unterminated: boolean;
  device: bigint;
  inode: bigint;
  birthNs: bigint;
  modifiedMs: UnixMs;
  head: Head;
  points: readonly Point[];
  finished: boolean;
  /** undefined: not found so far. */
  place: Place | undefined;
  file: OpenFile | undefined;
  /** The compressed file that it was last found in. */
  archive = '';
  /** Kept by the registry. */
  home: { readonly lineage: Lineage; readonly inode: bigint; readonly path: string } | undefined;
  /** As last seen. */
  sizeBytes: number;
  /** The most that was seen since the cursor last was at the end: what a truncation destroyed at least. */
  highBytes: number;
  /** No name leads to the open file any more. */
  deleted = false;
  /**
   * It was empty when it was found. Before its first bytes are taken its surroundings are looked at once more: they may be
   * those that were written after it had been filled, copied and truncated.
   */
  beganEmpty = false;
  failure: { readonly code: string; readonly message: string; readonly since: UnixMs } | undefined;
  lastReadAt: UnixMs | undefined;
  lastProgress: MonotonicMs;
  lastTurn: Turn = 'idle';
  readonly #tools: Tools;
  #nulsScannedTo = 0;
  #openLineBytes = -1;
  #openLineSince: MonotonicMs = 0;
  #stateIsDue: boolean;
  #timeIsStale = true;

  constructor(
    tools: Tools,
    from: {
      readonly description: SourceDescription;
      readonly order: number;
      readonly source?: SourceNumber;
      readonly offset: number;
      readonly crc?: number;
      readonly unterminated?: boolean;
    },
    state: SourceState = neverSeen,
  ) {
    this.#tools = tools;
    this.description = from.description;
    this.order = from.order;
    this.source = from.source ?? 0;
    this.offset = from.offset;
    this.crc = from.crc ?? 0;
    this.unterminated = from.unterminated ?? false;
    ({ device: this.device, inode: this.inode, birthNs: this.birthNs } = state);
    ({ modifiedMs: this.modifiedMs, head: this.head, points: this.points, finished: this.finished } = state);
    this.place = state.place === '' ? undefined : { path: state.place, compression: undefined };
    this.sizeBytes = from.offset;
    this.highBytes = from.offset;
    this.lastProgress = tools.clock.monotonic();
    this.#stateIsDue = this.source === 0;
  }

  /** The path it was first seen at, for life: the mirror's path. */
  get path(): string {
    return this.description.attributes['log.file.path'] ?? '';
  }

  get lagBytes(): number {
    return Math.max(0, this.sizeBytes - this.offset);
  }

  /** When an open last line will be taken as it is; undefined without one. */
  get openLineDue(): MonotonicMs | undefined {
    return this.#openLineBytes >= 0 ? this.#openLineSince + this.#tools.partialTimeoutMs : undefined;
  }

  /** Takes note of what a stat told. */
  observe(stat: FileStat): void {
    this.device = stat.device;
    this.inode = stat.inode;
    this.birthNs = stat.birthNs;
    this.modifiedMs = stat.modifiedMs;
    this.#sees(stat.sizeBytes);
    this.deleted = stat.links === 0;
  }

  /** Before its first bytes are taken: how it starts, so that it is noticed if they are gone by then. */
  learnHead(content: Content): void {
    if (this.head.length > 0 || this.offset > 0) return;
    this.head = content.headOf(Math.min(content.sizeBytes, headBytesMax)) ?? noHead;
  }

  /** It is in a compressed file now (`archive` tells it from others), which is another object. */
  observeArchive(archive: string, modifiedMs: UnixMs, expandedBytes: number): void {
    this.archive = archive;
    this.inode = 0n;
    this.birthNs = 0n;
    this.modifiedMs = modifiedMs;
    this.sizeBytes = expandedBytes;
    this.highBytes = expandedBytes;
    this.deleted = false;
  }

  #sees(sizeBytes: number): void {
    this.sizeBytes = sizeBytes;
    this.highBytes = Math.max(this.highBytes, sizeBytes);
  }

  /** Takes note of what the open file tells now: its size, and whether any name leads to it. */
  observeOpen(): void {
    if (!this.file) return;
    const { sizeBytes, links, modifiedMs } = this.file.stat();
    this.#sees(sizeBytes);
    this.deleted = links === 0;
    this.modifiedMs = modifiedMs;
  }

  /** It stands under another name now, or in another file: what is written next says so. */
  moveTo(place: Place | undefined): void {
    if (place?.path === this.place?.path && place?.compression === this.place?.compression) return;
    this.#stateIsDue = true;
    // The same string where it is the same path: ten thousand files have ten thousand paths.
    this.place = place && { ...place, path: place.path === this.path ? this.path : place.path };
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  /** Reads the open file once. */
  turn(now: MonotonicMs): Turn {
    this.lastTurn = this.#turn(now);
    return this.lastTurn;
  }

  #turn(now: MonotonicMs): Turn {
    const { intake, maxLineBytes } = this.#tools;
    for (let room: number = pace.reserveBytes; ; ) {
      const view = intake.reserve(room);
      if (view === undefined) return 'held';
      const wanted = Math.min(view.length - 1, Math.max(room, pace.quantumBytes));
      const fresh = this.#read(view, wanted);
      if (fresh < 0) return 'changed';
      this.#sees(Math.max(this.sizeBytes, this.offset + fresh));
      if (fresh === 0) return this.#atEnd();
      if (this.source === 0) {
        this.source = intake.begin(this.description);
        continue; // the view is gone with that call
      }
      const cut = cutRecords(view, fresh, maxLineBytes);
      if (cut.kind === 'hole') return this.#passHole(cut.bytes);
      if (cut.kind !== 'open') {
        this.#take(view, cut.bytes, cut.kind === 'piece');
        return fresh > cut.bytes || fresh === wanted ? 'more' : 'idle';
      }
      if (fresh === wanted && room < maxLineBytes + 2) {
        room = Math.min(room * 8, maxLineBytes + 2);
        continue;
      }
      return cut.bytes < fresh ? 'nul_tail' : this.#openLine(view, fresh, now);
    }
  }

  /** Fresh bytes read into `view`; −1 where the bytes before the cursor are not those that were read. */
  #read(view: Uint8Array, wanted: number): number {
    const window = windowOf(this.offset);
    const into = view.subarray(0, wanted);
    if (window === 0) return this.#readFirst(into);
    const before = window === windowBytes ? check : check.subarray(0, window);
    const got = this.file!.readInto([before, into], this.offset - window);
    return got < window || crc32(before) !== this.crc ? -1 : got - window;
  }

  /** At the very beginning there is nothing before the cursor; but the file may have been seen before its turn came. */
  #readFirst(into: Uint8Array): number {
    const { head } = this;
    const got = this.file!.read(into, 0);
    if (head.length === 0) return got;
    return got >= head.length && crc32(into.subarray(0, head.length)) === head.crc ? got : -1;
  }

  #atEnd(): Turn {
    this.highBytes = this.offset;
    this.#openLineBytes = -1;
    if (this.#timeIsStale) this.#refreshTime();
    this.sizeBytes = this.offset;
    return 'idle';
  }

  #openLine(view: Uint8Array, bytes: number, now: MonotonicMs): Turn {
    if (bytes !== this.#openLineBytes) {
      this.#openLineBytes = bytes;
      this.#openLineSince = now;
    }
    if (now - this.#openLineSince < this.#tools.partialTimeoutMs) return 'open_line';
    this.#take(view, bytes, true);
    return 'idle';
  }

  /** Commits the first `bytes` of the view; an unterminated record gets a line feed that its source has not (yet). */
  #take(view: Uint8Array, bytes: number, unterminated: boolean): void {
    const to = this.offset + bytes;
    const crc = this.#markAfter(view, bytes);
    if (this.head.length === 0 && this.offset === 0) this.#beginHead(view, Math.min(bytes, headBytesMax));
    const records = unterminated ? 1 : countLineFeeds(view, bytes);
    if (unterminated) view[bytes] = 10;
    const continues = this.unterminated;
    this.unterminated = unterminated;
    this.#openLineBytes = -1;
    this.#timeIsStale = true;
    this.#tools.read.records += records;
    this.#tools.read.bytes += bytes;
    this.#commit({ to, crc, records, bytes: unterminated ? bytes + 1 : bytes, continues });
  }

  #beginHead(view: Uint8Array, length: number): void {
    this.head = { length, crc: crc32(view.subarray(0, length)) };
    this.#refreshTime();
    this.#stateIsDue = true;
  }

  /** The mark behind `bytes` of the view: needs the end of the window that was compared where less than a window is taken. */
  #markAfter(view: Uint8Array, bytes: number): number {
    if (bytes >= windowBytes) return crc32(view.subarray(bytes - windowBytes, bytes));
    const before = windowOf(this.offset);
    const kept = Math.min(before, windowBytes - bytes);
    return crc32(view.subarray(0, bytes), crc32(check.subarray(before - kept, before)));
  }

  /** NUL bytes with something behind them were never written, or were lost: passed over by range. At the end they may still be filled. */
  #passHole(known: number): Turn {
    let at = Math.max(this.offset + known, this.#nulsScannedTo);
    for (const limit = at + nulScanBytesMax; at < limit; ) {
      const got = this.file!.read(nulScratch, at);
      if (got === 0) {
        this.#sees(at);
        this.#nulsScannedTo = 0; // what is filled in may stand anywhere
        return 'nul_tail';
      }
      const end = endOfNuls(nulScratch.subarray(0, got), 0);
      at += end;
      if (end < got) {
        this.skipTo(at, 'hole');
        return 'more';
      }
    }
    this.#nulsScannedTo = at;
    return 'more';
  }

  /** Passes over the bytes up to `to` for good, and says why. */
  skipTo(to: number, reason: DropReason, records = -1): void {
    const bytes = to - this.offset;
    this.points = withPoint(this.points, { offset: this.offset, crc: this.crc });
    const crc = this.#crcAt(to);
    this.unterminated = false;
    this.#nulsScannedTo = 0;
    this.#tools.read.records += Math.max(0, records);
    this.#tools.read.bytes += bytes;
    this.#commit({ to, crc, records: 0, bytes: 0, continues: false, dropped: { reason, records, bytes } });
  }

  /** Makes it known to the spool before anything of it is read: it may be rotated away before its turn comes. */
  register(): void {
    this.#commit({ to: this.offset, crc: this.crc, records: 0, bytes: 0, continues: false });
  }

  /** Marks it as read to its end; durable with the next block. */
  finish(): void {
    this.finished = true;
    this.#stateIsDue = true;
    if (this.source !== 0) this.#commit({ to: this.offset, crc: this.crc, records: 0, bytes: 0, continues: false });
  }

  #commit(step: Pick<Run, 'to' | 'records' | 'bytes' | 'continues' | 'dropped'> & { readonly crc: number }): void {
    const { intake, clock } = this.#tools;
    const from = this.offset;
    this.offset = step.to;
    this.crc = step.crc;
    this.#sees(Math.max(this.sizeBytes, step.to));
    this.#growFingerprints();
    if (this.source === 0) this.source = intake.begin(this.description); // only where there is no view: nothing was read
    const time = clock.now();
    const { source, unterminated } = this;
    const mark = encodeMark({ unterminated, crc: step.crc });
    const state = this.#stateIsDue ? encodeState(this.state()) : undefined;
    this.#stateIsDue = false;
    const { to, records, bytes, continues, dropped } = step;
    const flagged = unterminated && records > 0;
    intake.commit({
      ...{ source, from, to, mark, state, format: 'text', records, bytes, time, continues, unterminated: flagged },
      dropped,
    });
    if (to === from) return;
    this.lastReadAt = time;
    this.lastProgress = clock.monotonic();
  }

  /** What the spool keeps of it. */
  state(): SourceState {
    const { device, inode, birthNs, modifiedMs, finished, head, points, place, path } = this;
    const elsewhere = place !== undefined && place.path !== path && place.compression === undefined;
    return { device, inode, birthNs, modifiedMs, finished, head, points, place: elsewhere ? place.path : '' };
  }

  /** The head doubles with a small file; a point is kept every eighth of the way. */
  #growFingerprints(): void {
    const wanted = Math.min(this.offset, headBytesMax);
    const due = wanted >= this.head.length * 2 || (wanted === headBytesMax && this.head.length < headBytesMax);
    if (wanted > 0 && due) this.#growHead(wanted);
    const last = this.points.at(-1)?.offset ?? 0;
    if (this.offset - last < Math.max(pointStepBytesMin, this.offset / 8)) return;
    this.points = withPoint(this.points, { offset: this.offset, crc: this.crc });
    this.#refreshTime();
    this.#stateIsDue = true;
  }

  /** Only where the file still starts as it did: else it is being truncated right now, and the next turn finds out. */
  #growHead(length: number): void {
    if (!this.file || (this.head.length > 0 && headOf(this.#readAt, this.head.length)?.crc !== this.head.crc)) return;
    const head = headOf(this.#readAt, length);
    if (!head) return;
    this.head = head;
    this.#refreshTime();
    this.#stateIsDue = true;
  }

  #refreshTime(): void {
    if (this.file) this.modifiedMs = this.file.stat().modifiedMs;
    this.#timeIsStale = false;
  }

  #crcAt(offset: number): number {
    const window = windowOf(offset);
    const bytes = Buffer.alloc(window);
    this.file?.read(bytes, offset - window);
    return crc32(bytes);
  }

  readonly #readAt: ReadAt = (into, position) => this.file!.read(into, position);
}
