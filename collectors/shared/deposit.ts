/**
 * One source of a collector to which records are brought (sockets, requests, children): puts them into the spool's open block as
 * long as there is room, says how many it took, and counts for good what is given up. It keeps no record: who brings them keeps
 * what was not taken, and stops reading.
 *
 *     const taken = deposit.put(records);
 *     if (taken < records.length) await deposit.room(); // and again with the rest
 *     await deposit.flush();                            // for protocols that acknowledge
 */
import type { Attributes, DropReason, Intake, RecordFormat, SourceNumber, Tally } from '../../spool/nouns.ts';
import { limits } from '../../spool/nouns.ts';
import type { Clock, Timer } from '../../spool/ports.ts';

/** How long counts of drops may wait for company: each is a run in a block's header. */
const dropsDelayMs = 1000;
const noMark = new Uint8Array(0);

/**
 * The longest record (in bytes, as it is put) that always fits a block. A text of a sixth of it fits as JSON whatever it holds:
 * a control character takes six bytes there.
 */
export const recordBytesMax = limits.blockBytesMax - 1;

/** As in `Run`. */
export interface Open {
  readonly continues: boolean;
  readonly unterminated: boolean;
}

interface Kind {
  readonly format?: RecordFormat;
}

const closed: Open = { continues: false, unterminated: false };

export interface DepositOptions {
  /** The collector's name and type; a source is found again by the name and the attributes. */
  readonly collector: string;
  readonly type: string;
  readonly resource: Attributes;
  /** What all its records have in common. Peers are attributes of records, not of sources. */
  readonly attributes: Attributes;
  readonly format: RecordFormat;
}

export interface DepositPorts {
  readonly intake: Intake;
  readonly clock: Clock;
}

export class Deposit {
  readonly #options: DepositOptions;
  readonly #intake: Intake;
  readonly #clock: Clock;
  #source: SourceNumber | undefined;
  #offset = 0;
  #mark: Uint8Array = noMark;
  #records = 0;
  #bytes = 0;
  #drops = new Map<DropReason, Tally>();
  #timer: Timer | undefined;

  /** The source begins in the spool with the first record that it takes. */
  constructor(options: DepositOptions, { intake, clock }: DepositPorts) {
    this.#options = options;
    this.#intake = intake;
    this.#clock = clock;
    this.#recover();
  }

  /** The newest mark, recovered ones included: where an origin with a cursor of its own goes on. Empty where there is none. */
  get mark(): Uint8Array {
    return this.#mark;
  }

  /** Since the process began: put into the spool, or counted as dropped. */
  get read(): Tally {
    return { records: this.#records, bytes: this.#bytes };
  }

  /** Dropped and not yet in the spool's counts: the next block that can be written takes them along. */
  get uncounted(): Tally {
    let [records, bytes] = [0, 0];
    for (const tally of this.#drops.values()) {
      records += tally.records;
      bytes += tally.bytes;
    }
    return { records, bytes };
  }

  /**
   * Puts records, without their line feeds, from `records[first]` on; gives how many. Fewer than there are: `Intake.hold` says
   * why. Text records hold no line feed; strings are written as UTF-8. None may be longer than `recordBytesMax`. `markAt` gives
   * the origin's cursor behind the record with this index: it becomes durable with the record, and not before.
   */
  put(records: readonly (string | Uint8Array)[], first = 0, markAt?: (index: number) => Uint8Array): number {
    let next = first;
    while (next < records.length) {
      const view = this.#intake.reserve(bytesOf(records[next] as string | Uint8Array) + 1);
      if (view === undefined) break;
      const { count, bytes } = fill(view, records, next);
      next += count;
      this.#commit(count, bytes, markAt?.(next - 1));
    }
    if (this.#drops.size > 0 && next > first) this.#commitDrops();
    return next - first;
  }

  /**
   * Puts `records` records, each with its line feed, in one go: all of them stand in one block, and what is committed right behind
   * them in the same turn (a key) stands there too. False: none, `Intake.hold` says why. At most `limits.blockBytesMax` bytes.
   * `open`: which of the first and last record are parts of a longer one.
   */
  putWhole(bytes: Uint8Array, records: number, format: RecordFormat, open: Open = closed): boolean {
    const view = this.#intake.reserve(bytes.length);
    if (view === undefined) return false;
    view.set(bytes);
    this.#commit(records, bytes.length, undefined, { format, ...open });
    return true;
  }

  /** The same in this source's own format; counts of what was dropped go along. */
  putAll(bytes: Uint8Array, records: number): boolean {
    if (!this.putWhole(bytes, records, this.#options.format)) return false;
    if (this.#drops.size > 0) this.#commitDrops();
    return true;
  }

  /** Moves the origin's cursor without a record. */
  moveTo(mark: Uint8Array): void {
    this.#mark = Uint8Array.from(mark);
    this.#intake.commit(this.#run({ records: 0, bytes: 0 }));
  }

  /** Counts what was given up before it came into the spool; durable with one of the next blocks. */
  drop(reason: DropReason, records: number, bytes: number): void {
    const before = this.#drops.get(reason) ?? { records: 0, bytes: 0 };
    this.#drops.set(reason, { records: before.records + records, bytes: before.bytes + bytes });
    this.#timer ??= this.#clock.after(dropsDelayMs, () => this.#dropsDue());
  }

  /** Resolves when everything that was put is durable; rejects only when the spool closes before. */
  flush(): Promise<void> {
    this.#commitDrops();
    return this.#intake.flush();
  }

  /** Resolves when it is worth trying `put` again. */
  room(): Promise<void> {
    return this.#intake.room();
  }

  /** The last counts go along with what the spool writes when it ends. */
  close(): void {
    this.#commitDrops();
  }

  #dropsDue(): void {
    this.#timer = undefined;
    if (this.#intake.hold === undefined) this.#commitDrops();
    else this.#timer = this.#clock.after(dropsDelayMs, () => this.#dropsDue());
  }

  #commitDrops(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const drops = this.#drops;
    this.#drops = new Map();
    for (const [reason, tally] of drops) {
      this.#intake.commit({ ...this.#run({ records: 0, bytes: 0 }), dropped: { reason, ...tally } });
      this.#records += tally.records;
      this.#bytes += tally.bytes;
    }
  }

  #commit(records: number, bytes: number, mark: Uint8Array | undefined, kind: Partial<Open> & Kind = {}): void {
    if (mark) this.#mark = Uint8Array.from(mark);
    // A line feed that was added is no part of the source.
    const own = kind.unterminated ? bytes - 1 : bytes;
    this.#intake.commit({ ...this.#run({ records, bytes }), to: this.#offset + own, ...kind });
    this.#offset += own;
    this.#records += records;
    this.#bytes += own;
  }

  #run({ records, bytes }: Tally) {
    this.#source ??= this.#begin();
    return {
      source: this.#source,
      from: this.#offset,
      to: this.#offset + bytes,
      mark: this.#mark,
      format: this.#options.format,
      records,
      bytes,
      time: this.#clock.now(),
      continues: false,
      unterminated: false,
    };
  }

  #recover(): void {
    const { collector, resource, attributes } = this.#options;
    for (const { number, description, cursor } of this.#intake.sources.values()) {
      if (description.collector !== collector || !same(description.attributes, attributes)) continue;
      this.#source = number;
      this.#offset = cursor.offset;
      this.#mark = Uint8Array.from(cursor.mark);
      if (!same(description.resource, resource)) this.#intake.describe(number, this.#description());
      return;
    }
  }

  #begin(): SourceNumber {
    return this.#intake.begin(this.#description());
  }

  #description() {
    const { collector, type, resource, attributes } = this.#options;
    return { collector, type, resource, attributes };
  }
}

/** Copies as many records as fit, each with a line feed. */
function fill(view: Uint8Array, records: readonly (string | Uint8Array)[], first: number) {
  const into = Buffer.from(view.buffer, view.byteOffset, view.length);
  let bytes = 0;
  let next = first;
  for (; next < records.length; next++) {
    const record = records[next] as string | Uint8Array;
    const room = view.length - bytes - 1;
    // Three bytes are the most that a UTF-16 unit takes; only what may not fit is measured.
    if (record.length * 3 > room && bytesOf(record) > room) break;
    bytes += typeof record === 'string' ? into.write(record, bytes) : copy(record, into, bytes);
    into[bytes++] = 0x0a;
  }
  return { count: next - first, bytes };
}

function copy(record: Uint8Array, into: Buffer, at: number): number {
  into.set(record, at);
  return record.length;
}

function bytesOf(record: string | Uint8Array): number {
  return typeof record === 'string' ? Buffer.byteLength(record) : record.length;
}

function same(one: Attributes, other: Attributes): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
