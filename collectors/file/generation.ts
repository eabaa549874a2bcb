/**
 * One file generation: how far it has been read, and the reading itself (who it is stands in `traits.ts`). It promises: bytes are taken in order and
 * once; before new bytes are taken, those just before the cursor were compared in the same system call; nothing is passed over
 * without a run that says so. It does not decide what to do when the file has changed under it: `rotation.ts` does.
 */
import { crc32 } from 'node:zlib';
import type { DropReason, Intake, Run, SourceDescription, SourceNumber } from '../../spool/nouns.ts';
import type { Clock, MonotonicMs, UnixMs } from '../../spool/ports.ts';
import { type Shape, type ShapeCounts, type Shaped, startBytes } from '../shared/shape.ts';
import { cutRecords, findHole } from './cut.ts';
import { fingerprintAt, headBytesMax, windowBytes, windowOf } from './fingerprint.ts';
import { scanHole } from './holes.ts';
import type { Lineage } from './lineage.ts';
import { countLineFeeds } from './linefeeds.ts';
import { OpenLine } from './open-line.ts';
import { pace } from './options.ts';
import type { SourceState } from './state.ts';
import { encodeMark, encodeState } from './state.ts';
import { Traits } from './traits.ts';

/**
 * How a look at a file ended.
 * - `more`: took something, and there is more. `idle`: read to its end. `open_line`: to a last line without an end.
 * - `nul_tail`: the rest of the file is NUL bytes, which may still be filled in. `torn_line`: the same behind a line without an end.
 * - `held`: the spool takes nothing. `changed`: it is not the file that was read, or it was truncated.
 * - `absent`: nothing open, and not at its place. `failed`: `failure` says why.
 */
export type Turn = 'more' | 'idle' | 'open_line' | 'torn_line' | 'nul_tail' | 'held' | 'changed' | 'absent' | 'failed';

/** Where a generation begins, or goes on. */
export interface Beginning {
  readonly description: SourceDescription;
  readonly order: number;
  readonly source?: SourceNumber;
  readonly offset: number;
  readonly crc?: number;
  readonly unterminated?: boolean;
  readonly state?: number;
}

export interface Tools {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly maxLineBytes: number;
  readonly partialTimeoutMs: number;
  /** Lines are not spooled as they stand. */
  readonly shape: Shape | undefined;
  readonly shaped: ShapeCounts;
  /** Bytes and records taken or passed over for good, over all files. */
  readonly read: { records: number; bytes: number };
}

const check = Buffer.alloc(windowBytes);
const first = Buffer.alloc(startBytes);
const noStart = new Uint8Array(0);
let beside: Uint8Array | undefined;

/** Memory for what is not read straight into the open block; valid until the next call. */
function besideFor(bytes: number): Uint8Array {
  if (bytes > pace.quantumBytes) return Buffer.allocUnsafeSlow(bytes);
  beside ??= Buffer.allocUnsafeSlow(pace.quantumBytes);
  return beside;
}

export class Generation extends Traits {
  readonly description: SourceDescription;
  /** An earlier run read it. */
  readonly isTakenUp: boolean;
  /** Rises from generation to generation; changes where it turns out that an older one was missed. */
  order: number;
  /** 0 until the first run: an empty file costs the spool nothing. */
  source: SourceNumber;
  /** The last record taken had no line feed yet. */
  unterminated: boolean;
  /** Kept by the registry. */
  home: { readonly lineage: Lineage; readonly inode: bigint; readonly path: string } | undefined;
  failure: { readonly code: string; readonly message: string; readonly since: UnixMs } | undefined;
  lastReadAt: UnixMs | undefined;
  lastProgress: MonotonicMs;
  lastTurn: Turn = 'idle';
  readonly #tools: Tools;
  readonly #openLine = new OpenLine();
  /** What the shape remembers of the records before the cursor. */
  #shapeState: number;
  #nulsScannedTo = 0;

  constructor(tools: Tools, beginning: Beginning, state?: SourceState) {
    super(beginning.description.attributes['log.file.path'] ?? '', beginning.offset, beginning.crc ?? 0, state);
    this.#tools = tools;
    this.description = beginning.description;
    this.isTakenUp = state !== undefined;
    this.order = beginning.order;
    this.source = beginning.source ?? 0;
    this.unterminated = beginning.unterminated ?? false;
    this.#shapeState = beginning.state ?? 0;
    this.lastProgress = tools.clock.monotonic();
    this.stateIsDue = this.source === 0;
  }

  /** When an open last line will be taken as it is; undefined without one. */
  get openLineDue(): MonotonicMs | undefined {
    return this.#openLine.due;
  }

  /** Reads the open file once. A last line without an end is taken after `partial_timeout` and `patienceMs` more. */
  turn(now: MonotonicMs, patienceMs = 0): Turn {
    this.lastTurn = this.#tools.shape
      ? this.#shapedTurn(this.#tools.shape, now, patienceMs)
      : this.#turn(now, patienceMs);
    // The spool has to know of it before it can be rotated away, also while nothing can be taken of it.
    const isOpen = this.lastTurn === 'open_line' || this.lastTurn === 'torn_line';
    if (isOpen && this.offset === 0 && this.stateIsDue) this.register();
    return this.lastTurn;
  }

  #turn(now: MonotonicMs, patienceMs: number): Turn {
    const { intake, maxLineBytes, partialTimeoutMs } = this.#tools;
    for (let room: number = pace.reserveBytes; ; ) {
      const view = intake.reserve(room);
      if (view === undefined) return 'held';
      const wanted = Math.min(view.length - 1, Math.max(room, pace.quantumBytes));
      const fresh = this.#read(view, wanted);
      if (fresh < 0) return 'changed';
      this.sees(Math.max(this.sizeBytes, this.offset + fresh));
      if (fresh === 0) return this.#atEnd();
      if (this.source === 0) {
        if (intake.sourcesFull) throw new TooManySources();
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
      if (!this.#openLine.isOver(cut.bytes, now, partialTimeoutMs, patienceMs))
        return cut.bytes < fresh ? 'torn_line' : 'open_line';
      this.#take(view, cut.bytes, true);
      return cut.bytes < fresh ? 'more' : 'idle';
    }
  }

  /** The same through a shape: read beside the open block, and what becomes of it is put there. */
  #shapedTurn(shape: Shape, now: MonotonicMs, patienceMs: number): Turn {
    const { intake, partialTimeoutMs } = this.#tools;
    for (let room: number = pace.quantumBytes; ; ) {
      if (intake.reserve(1) === undefined) return 'held';
      const source = besideFor(room);
      const fresh = this.#read(source, room);
      if (fresh < 0) return 'changed';
      this.sees(Math.max(this.sizeBytes, this.offset + fresh));
      if (fresh === 0) return this.#atEnd();
      if (this.source === 0) {
        if (intake.sourcesFull) throw new TooManySources();
        this.source = intake.begin(this.description);
      }
      const start = this.#start(source, fresh);
      const { from: upto, to } = this.#alignedHole(shape, source.subarray(0, fresh), start);
      if (upto === 0) return this.#passHole(to);
      const bytes = source.subarray(0, upto);
      const shaped = this.#cutShaped(shape, bytes, start, to < fresh);
      if (shaped.taken > 0) return this.#put(shape, source, shaped, fresh, room);
      if (fresh === room && room < shape.openBytesMax) {
        room = Math.min(room * 8, shape.openBytesMax);
        continue;
      }
      const [timeoutMs, patience] = shaped.openLine ? [partialTimeoutMs, patienceMs] : [shape.timeoutMs, 0];
      if (!this.#openLine.isOver(upto, now, timeoutMs, patience)) return upto < fresh ? 'torn_line' : 'open_line';
      return this.#put(shape, source, this.#cutShaped(shape, bytes, start, true), fresh, room);
    }
  }

  /**
   * Reads the rest of an older generation and the beginning of this one as one stretch: a record that begins there and ends here is taken, and
   * both cursors move in one block. True where that was so.
   */
  takeTogether(older: Generation): boolean {
    const { intake, shape } = this.#tools;
    if (!shape?.joinsRotation || this.offset > 0 || this.file === undefined || older.lagBytes > shape.openBytesMax)
      return false;
    if (intake.reserve(1) === undefined) return false;
    const bytes = Buffer.allocUnsafeSlow(older.lagBytes + 1 + pace.quantumBytes);
    const rest = older.#read(bytes, older.lagBytes + 1);
    if (rest <= 0 || rest > older.lagBytes || bytes[rest - 1] !== 10) return false;
    const crc = older.#markAfter(bytes, rest);
    const source = bytes.subarray(rest);
    const fresh = this.#read(source, pace.quantumBytes);
    if (fresh <= 0) return false;
    const { offset, unterminated } = older;
    const both = { bytes: bytes.subarray(0, rest + fresh), offset, start: noStart, ends: false, nextFileAt: rest };
    const shaped = shape.cut({ ...both, unterminated, state: older.#shapeState });
    if (shaped.taken <= rest || (this.source === 0 && intake.sourcesFull)) return false;
    if (this.source === 0) this.source = intake.begin(this.description);
    if (this.#put(shape, source, { ...shaped, taken: shaped.taken - rest }, fresh, fresh) === 'held') return false;
    older.#leave(offset + rest, crc);
    return true;
  }

  /** It goes on where the one before it ended, perhaps within a line. Called before anything of it is taken. */
  follows(older: Generation): void {
    this.#shapeState = this.#tools.shape?.overRotation?.(older.#shapeState) ?? 0;
  }

  /** What stood up to there was taken with what another file goes on with. */
  #leave(to: number, crc: number): void {
    this.unterminated = false;
    this.#shapeState = 0;
    this.#openLine.close();
    this.timeIsStale = true;
    this.#commit({ to, crc, records: 0, bytes: 0, continues: false });
  }

  #cutShaped(shape: Shape, bytes: Uint8Array, start: Uint8Array, ends: boolean): Shaped {
    const { offset, unterminated } = this;
    return shape.cut({ bytes, offset, start, ends, unterminated, state: this.#shapeState });
  }

  /** How the source begins, wherever the cursor is. */
  #start(source: Uint8Array, fresh: number): Uint8Array {
    if (this.offset === 0) return source.subarray(0, Math.min(fresh, startBytes));
    return first.subarray(0, this.readAt(first, 0));
  }

  /** Where NUL bytes begin and end that are no part of a character. */
  #alignedHole(shape: Shape, bytes: Uint8Array, start: Uint8Array): { readonly from: number; readonly to: number } {
    const hole = findHole(bytes);
    const unit = shape.encodingOf(start)?.unitBytes ?? 1;
    if (unit === 1 || hole.from === bytes.length) return hole;
    const from = hole.from + ((this.offset + hole.from) % unit);
    return { from, to: hole.to === bytes.length ? hole.to : hole.to - ((this.offset + hole.to) % unit) };
  }

  #put(shape: Shape, source: Uint8Array, shaped: Shaped, fresh: number, room: number): Turn {
    const { intake, shaped: counts, read } = this.#tools;
    const { taken, records, undecodable, split, unparsed } = shaped;
    const textBytes = records.reduce((sum, record) => sum + record.length, 0);
    if (records.length > 0) {
      const view = intake.reserve(textBytes);
      if (view === undefined) return 'held';
      let at = 0;
      for (const record of records) {
        view.set(record, at);
        at += record.length;
      }
    }
    counts.undecodable += undecodable;
    counts.split += split;
    counts.unparsed += unparsed;
    const isText = shape.format === 'text';
    const continues = isText && this.unterminated;
    const flagged = isText && shaped.unterminated && records.length > 0;
    const crc = this.#markAfter(source, taken);
    if (this.head.length === 0 && this.offset === 0) this.beginHead(source, Math.min(taken, headBytesMax));
    this.unterminated = shaped.unterminated;
    this.#shapeState = shaped.state;
    this.#openLine.close();
    this.timeIsStale = true;
    read.records += records.length;
    read.bytes += textBytes - (flagged ? 1 : 0);
    const to = this.offset + taken;
    this.#commit({ to, crc, records: records.length, bytes: textBytes, continues });
    return fresh > taken || fresh === room ? 'more' : 'idle';
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

  /**
   * At the very beginning there is nothing before the cursor; but how the file began was seen before its turn came. Of one that
   * was empty nothing is taken before its surroundings were looked at once more: these bytes may be those that were written
   * after it had been filled, copied and truncated.
   */
  #readFirst(into: Uint8Array): number {
    const { head, end } = this;
    if (end && fingerprintAt(this.readAt, end.offset) !== end.crc) return -1;
    const got = this.file!.read(into, 0);
    if (head.length === 0) return got === 0 ? 0 : -1;
    return got >= head.length && crc32(into.subarray(0, head.length)) === head.crc ? got : -1;
  }

  #atEnd(): Turn {
    if (this.isBlank && this.highBytes > 0) return 'changed'; // it was filled and emptied
    this.highBytes = this.offset;
    this.#openLine.close();
    if (this.timeIsStale) this.refreshTime();
    this.sizeBytes = this.offset;
    return 'idle';
  }

  /** Commits the first `bytes` of the view; an unterminated record gets a line feed that its source has not (yet). */
  #take(view: Uint8Array, bytes: number, unterminated: boolean): void {
    const to = this.offset + bytes;
    const crc = this.#markAfter(view, bytes);
    if (this.head.length === 0 && this.offset === 0) this.beginHead(view, Math.min(bytes, headBytesMax));
    const records = unterminated ? 1 : countLineFeeds(view, bytes);
    if (unterminated) view[bytes] = 10;
    const continues = this.unterminated;
    this.unterminated = unterminated;
    this.#openLine.close();
    this.timeIsStale = true;
    this.#tools.read.records += records;
    this.#tools.read.bytes += bytes;
    this.#commit({ to, crc, records, bytes: unterminated ? bytes + 1 : bytes, continues });
  }

  /** The mark behind `bytes` of the view: needs the end of the window that was compared where less than a window is taken. */
  #markAfter(view: Uint8Array, bytes: number): number {
    if (bytes >= windowBytes) return crc32(view.subarray(bytes - windowBytes, bytes));
    const before = windowOf(this.offset);
    const kept = Math.min(before, windowBytes - bytes);
    return crc32(view.subarray(0, bytes), crc32(check.subarray(before - kept, before)));
  }

  #passHole(known: number): Turn {
    const hole = scanHole(this.readAt, Math.max(this.offset + known, this.#nulsScannedTo));
    this.#nulsScannedTo = hole.kind === 'long' ? hole.at : 0;
    if (hole.kind === 'long') return 'more';
    if (hole.kind === 'end') {
      this.skipTo(this.#aligned(hole.at), 'hole');
      return 'more';
    }
    this.sees(hole.at);
    return 'nul_tail';
  }

  /** The first byte behind a hole may be the second of a character. */
  #aligned(offset: number): number {
    const { shape } = this.#tools;
    const encoding = shape?.encodingOf(first.subarray(0, this.readAt(first, 0)));
    return encoding ? Math.max(this.offset, encoding.align(offset)) : offset;
  }

  /** Passes over the bytes up to `to` for good, and says why. */
  skipTo(to: number, reason: DropReason, records = -1): void {
    const bytes = to - this.offset;
    this.keepPoint();
    const crc = this.#crcAt(to);
    this.unterminated = false;
    this.#shapeState = 0;
    this.#nulsScannedTo = 0;
    this.#tools.read.records += Math.max(0, records);
    this.#tools.read.bytes += bytes;
    this.#commit({ to, crc, records: 0, bytes: 0, continues: false, dropped: { reason, records, bytes } });
  }

  /** Counts bytes that stood in it and were destroyed, and stays where it is. */
  countLost(bytes: number, reason: DropReason): void {
    this.forgetSeen();
    this.#tools.read.bytes += bytes;
    const { offset: to, crc } = this;
    this.#commit({ to, crc, records: 0, bytes: 0, continues: false, dropped: { reason, records: -1, bytes } });
  }

  /** Makes it known to the spool before anything of it is read: it may be rotated away before its turn comes. */
  register(): void {
    this.#commit({ to: this.offset, crc: this.crc, records: 0, bytes: 0, continues: false });
  }

  /** What is known of it, to its time, stands in the spool from here on. */
  writeDown(): void {
    if (this.isWrittenDown) return;
    this.stateIsDue = true;
    this.register();
  }

  /** Marks it as read to its end; durable with the next block. */
  finish(): void {
    this.finished = true;
    this.stateIsDue = true;
    if (this.source !== 0) this.#commit({ to: this.offset, crc: this.crc, records: 0, bytes: 0, continues: false });
  }

  #commit(step: Pick<Run, 'to' | 'records' | 'bytes' | 'continues' | 'dropped'> & { readonly crc: number }): void {
    const { intake, clock } = this.#tools;
    const from = this.offset;
    this.offset = step.to;
    this.crc = step.crc;
    if (step.to > from) {
      this.end = undefined;
      this.forgetStrange();
    }
    this.sees(Math.max(this.sizeBytes, step.to));
    this.growFingerprints();
    if (this.source === 0) this.source = intake.begin(this.description); // only where there is no view: nothing was read
    const time = clock.now();
    const { source, unterminated } = this;
    const mark = encodeMark({ unterminated, state: this.#shapeState, crc: step.crc });
    const state = this.stateIsDue ? encodeState(this.state()) : undefined;
    this.stateIsDue = false;
    const { to, records, bytes, continues, dropped } = step;
    const format = this.#tools.shape?.format ?? 'text';
    const flagged = unterminated && records > 0 && format === 'text';
    intake.commit({
      ...{ source, from, to, mark, state, format, records, bytes, time, continues, unterminated: flagged },
      dropped,
    });
    if (to === from) return;
    this.lastReadAt = time;
    this.lastProgress = clock.monotonic();
  }

  #crcAt(offset: number): number {
    const window = windowOf(offset);
    const bytes = Buffer.alloc(window);
    this.file?.read(bytes, offset - window);
    return crc32(bytes);
  }
}

/** It has to wait, unread, until other files are forgotten. */
class TooManySources extends Error {
  readonly code = 'TOO_MANY_SOURCES';

  constructor() {
    super('as many files are remembered as the spool can hold places of');
  }
}
