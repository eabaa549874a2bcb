/**
 * The collectors' door: fills the open block, and closes it when it is full or a sync is due (`sync-schedule.ts` says when).
 * A second after the last sync an idle spool appends one block without records that vouches for everything before it.
 */
import type { BlockContent } from './builder.ts';
import { BlockBuilder } from './builder.ts';
import type { DropEntry } from './format-drops.ts';
import type { TableSize } from './format-table.ts';
import { holdHints, holdMessages } from './holds.ts';
import { Introductions } from './introductions.ts';
import type { Ledger, Totals } from './ledger.ts';
import { add, none } from './ledger.ts';
import type {
  CollectorTotals,
  ForeignBlock,
  HoldReason,
  Intake,
  Position,
  Recalled,
  Run,
  SourceDescription,
  SourceNumber,
  SourceRecord,
} from './nouns.ts';
import { limits } from './nouns.ts';
import type { Clock, Log, MonotonicMs, Problem, Timer, UnixMs } from './ports.ts';
import type { Pressure } from './pressure.ts';
import type { Recall } from './recall.ts';
import type { Retention } from './retention.ts';
import type { Segments } from './segments.ts';
import { SyncSchedule } from './sync-schedule.ts';
import { TableBudget } from './table-budget.ts';
import { merge } from './totals.ts';
import type { Writer } from './writer.ts';

const vouchDelayMs = 1000;
/** The rest goes into the next block: a header must stay within limits. */
const dropsInBlockMax = 4096;
const holdCheckMs = 500;

export interface IntakeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly writer: Writer;
  /** As far as blocks were appended. */
  readonly ledger: Ledger;
  readonly pressure: Pressure;
  readonly segments: Segments;
  readonly retention: Retention;
  readonly recall: Recall;
  /** What a table of all sources would take now. */
  measureTable(): TableSize;
}

export class SpoolIntake implements Intake {
  readonly #parts: IntakeParts;
  readonly #syncs: SyncSchedule;
  readonly #budget: TableBudget;
  readonly #readable: () => void;
  readonly #block = new BlockBuilder();
  readonly #introductions = new Introductions();
  #drops: DropEntry[] = [];
  #waiters: (() => void)[] = [];
  #vouchTimer: Timer | undefined;
  #holdTimer: Timer | undefined;
  #held: { readonly reason: HoldReason; readonly since: UnixMs } | undefined;
  #closed = false;

  constructor(parts: IntakeParts, options: { readonly syncIntervalMs: number }, readable: () => void) {
    this.#parts = parts;
    this.#syncs = new SyncSchedule(parts.clock, parts.writer, options.syncIntervalMs, () => this.#syncDue());
    this.#readable = readable;
    const { ledger } = parts;
    this.#budget = new TableBudget(
      parts.clock,
      () => ledger.sources.size,
      () => parts.measureTable(),
      () => this.#block.headerBytes,
    );
    for (const { description, state } of ledger.sources.values()) {
      this.#budget.begun(description);
      this.#budget.changed(state.length, 0);
    }
  }

  get sources(): ReadonlyMap<SourceNumber, SourceRecord> {
    return this.#parts.ledger.sources;
  }

  get durable(): Position {
    return this.#parts.writer.durable;
  }

  get hold(): HoldReason | undefined {
    if (this.#closed) return 'closed';
    return this.#held?.reason ?? this.#blocked;
  }

  #blocked: HoldReason | undefined;

  /** When the oldest record that is not appended yet was collected. */
  get oldest(): UnixMs | undefined {
    return this.#block.oldest ?? this.#parts.clock.now();
  }

  get nextSync(): MonotonicMs {
    return this.#syncs.next;
  }

  beforeSync(read: () => void): void {
    if (!this.#closed) this.#syncs.before(read);
  }

  get sourcesFull(): boolean {
    return this.#budget.full;
  }

  begin(description: SourceDescription): SourceNumber {
    const { ledger } = this.#parts;
    const number = ledger.nextSource;
    ledger.describe(number, description);
    this.#budget.begun(description);
    this.#introductions.add(number, description);
    return number;
  }

  describe(source: SourceNumber, description: SourceDescription): void {
    this.#parts.ledger.describe(source, description);
    this.#introductions.add(source, description);
  }

  forget(source: SourceNumber): void {
    if (this.#block.holds(source)) this.#cut();
    this.#introductions.forget(source);
    this.#parts.writer.forget(source);
  }

  reserve(bytesMin: number): Uint8Array | undefined {
    if (bytesMin > limits.blockBytesMax) throw new RangeError(`BUG: ${bytesMin} bytes do not fit a block`);
    if (this.#closed || this.#held) return undefined;
    const view = this.#block.view(bytesMin);
    if (view) return view;
    if (!this.#block.empty && !this.#cut()) return undefined;
    this.#blocked = undefined;
    return this.#block.view(bytesMin);
  }

  commit(committed: Run): void {
    const known = this.sources.get(committed.source);
    const { run, description } = this.#introductions.introduce(committed, known);
    if (description) this.#block.describe(run.source, description);
    if (run.state) this.#budget.changed(run.state.length, known?.state.length ?? 0);
    this.#block.add(run);
    // Cursors that move without records ask for no room.
    if (run.bytes === 0 && this.#block.full) this.#cut();
    this.#syncs.saw(run.source);
    this.#schedule();
  }

  append(foreign: Run, block: ForeignBlock): Position | undefined {
    if (this.#closed || this.#held) return undefined;
    if (!this.#block.empty && !this.#cut()) return undefined;
    const { writer } = this.#parts;
    this.#blocked = writer.ready(block.header.length + (block.descriptions?.length ?? 0) + block.frame.length);
    if (this.#blocked) return undefined;
    const { run, description } = this.#introductions.introduce(foreign, this.sources.get(foreign.source));
    const end = writer.append({
      time: run.time,
      records: run.records,
      runs: [{ ...run, mark: Buffer.from(run.mark) }],
      descriptions: description ? [{ number: run.source, description }] : [],
      drops: this.#takeDrops(),
      // A copy: it may have to be written again, and the caller's memory is his.
      origin: Buffer.from(block.header),
      originDescriptions: block.descriptions && Buffer.from(block.descriptions),
      body: { frame: block.frame, frameCrc: block.frameCrc, rawBytes: run.bytes },
    });
    this.#afterAppend();
    return end;
  }

  async flush(): Promise<void> {
    using _waiting = this.#syncs.waiting();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    while (!this.#block.empty || this.#drops.length > 0) {
      if (this.#closed) throw new Error('the spool is closed');
      if (this.#cut()) break;
      await this.#change();
    }
    const end = this.#parts.writer.end;
    while (this.#parts.writer.durable < end) {
      if (this.#closed) throw new Error('the spool is closed');
      this.#schedule();
      await this.#change();
    }
  }

  async room(): Promise<void> {
    if (!this.#closed) await this.#change();
  }

  recall(source: SourceNumber, from: number): AsyncIterable<Recalled> {
    return this.#parts.recall.read(source, from);
  }

  /** Drops of shippers: durable with the next block, which is not far. */
  drop(entries: readonly DropEntry[]): void {
    this.#drops.push(...entries);
    if (entries.length > 0) this.#schedule();
  }

  async dropsDurable(): Promise<void> {
    if (this.#drops.length > 0) await this.flush();
  }

  /** By collector, everything that was committed. */
  committed(): Totals {
    const { ledger } = this.#parts;
    return merge(
      ledger.totals(),
      this.#block.tally((source) => ledger.collectorOf(source)),
      add,
    );
  }

  collectorTotals(): Record<string, CollectorTotals> {
    const { ledger } = this.#parts;
    const totals = ledger.collectorTotals();
    for (const [name, spooled] of this.committed()) totals[name] = { dropped: totals[name]?.dropped ?? {}, spooled };
    for (const { source, dropped } of this.#block.drops()) {
      const name = ledger.collectorOf(source) ?? '';
      const { spooled = none, dropped: before = {} } = totals[name] ?? {};
      const tally = add(before[dropped.reason] ?? none, {
        records: Math.max(0, dropped.records),
        bytes: dropped.bytes,
      });
      totals[name] = { spooled, dropped: { ...before, [dropped.reason]: tally } };
    }
    return totals;
  }

  problems(): Problem[] {
    const held = this.#held;
    const full = this.#budget.problem;
    if (!held) return full ? [full] : [];
    const { writer, pressure } = this.#parts;
    const message = writer.failure?.message ?? pressure.disk?.message ?? holdMessages[held.reason];
    const hint = holdHints[held.reason];
    const hold = { cause: held.reason, subject: 'spool', message, since: held.since, hint, red: true };
    return full && held.reason !== 'too_many_sources' ? [hold, full] : [hold];
  }

  /** The writer's `durable` moved. */
  synced(): void {
    const { writer, retention } = this.#parts;
    retention.synced();
    this.reconsider();
    if (!this.#block.empty || !writer.idle) this.#schedule();
    this.#vouchLater();
    this.#readable();
    this.wake();
  }

  /** Something changed that somebody may wait for. */
  wake(): void {
    this.#blocked = undefined;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Looks whether reading has to stop, or may go on; while it has to stop, again and again. */
  reconsider(): void {
    if (this.#closed) return;
    const { pressure, segments, clock, retention, writer } = this.#parts;
    if (pressure.near(segments.bytes)) this.drop(retention.makeRoom(pressure.marginBytes));
    const reason = writer.failure?.reason ?? pressure.hold(segments.bytes);
    if (reason !== this.#held?.reason) this.#setHold(reason);
    if (!reason || this.#holdTimer) return;
    this.#holdTimer = clock.after(holdCheckMs, () => {
      this.#holdTimer = undefined;
      this.reconsider();
    });
  }

  /** Has the disk take a sync, even where there is nothing to write. */
  prove(): void {
    if (this.#closed) return;
    if (this.#block.empty) this.#appendEmpty();
    this.#schedule();
  }

  /** Takes nothing more, and makes durable what was taken. */
  async finish(): Promise<void> {
    if (!this.#closed) await this.flush().catch(() => undefined);
    this.#closed = true;
    this.#syncs.stop();
    for (const timer of [this.#vouchTimer, this.#holdTimer]) timer?.cancel();
    const { writer } = this.#parts;
    await writer.sync();
    if (this.#vouchable()) {
      this.#appendEmpty();
      await writer.sync();
    }
  }

  /** Wakes everyone who waits, for the last time. */
  closed(): void {
    this.#closed = true;
    this.#parts.recall.close();
    this.wake();
    this.#readable();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Closes the open block and appends it. False where that has to wait. */
  #cut(): boolean {
    const { writer, clock } = this.#parts;
    this.#blocked = writer.ready(this.#block.bytes);
    if (this.#blocked) return false;
    if (this.#block.empty && this.#drops.length === 0) return true;
    this.#appendBlock(this.#block.content(clock.now()));
    return true;
  }

  #appendBlock(content: BlockContent): void {
    const { time, records, runs, descriptions, raw } = content;
    this.#parts.writer.append({ time, records, runs, descriptions, drops: this.#takeDrops(), body: { raw } });
    this.#block.remove(content);
    this.#afterAppend();
  }

  #appendEmpty(): void {
    const { writer, clock } = this.#parts;
    if (writer.ready(0)) return;
    writer.append({ time: clock.now(), records: 0, drops: this.#takeDrops(), body: { raw: new Uint8Array(0) } });
  }

  #takeDrops(): DropEntry[] {
    return this.#drops.splice(0, dropsInBlockMax);
  }

  #afterAppend(): void {
    this.#introductions.blockEnded();
    this.#vouchTimer?.cancel();
    this.#vouchTimer = undefined;
    this.reconsider();
    this.#schedule();
  }

  /** Sees to it that a sync comes, as soon as it may. */
  #schedule(): void {
    if (!this.#closed) this.#syncs.request();
  }

  /** True where making room has dropped something, which the block did not say that was just appended. */
  #syncDue(): boolean {
    if (this.#closed) return false;
    const { writer } = this.#parts;
    if ((!this.#block.empty && !this.#syncs.hasGathered) || this.#drops.length > 0) this.#cut();
    void writer.sync();
    return this.#drops.length > 0 && !this.#blocked;
  }

  #vouchLater(): void {
    this.#vouchTimer?.cancel();
    this.#vouchTimer = this.#parts.clock.after(vouchDelayMs, () => {
      this.#vouchTimer = undefined;
      if (this.#closed || !this.#vouchable()) return;
      this.#appendEmpty();
      this.#vouched = this.#parts.writer.end;
      void this.#parts.writer.sync();
    });
  }

  /** End of the last block that did nothing but vouch. */
  #vouched: Position = 0;

  #vouchable(): boolean {
    const { writer } = this.#parts;
    return writer.used && writer.idle && this.#block.empty && writer.end > this.#vouched;
  }

  #setHold(reason: HoldReason | undefined): void {
    const { clock, log } = this.#parts;
    const before = this.#held;
    this.#held = reason && { reason, since: clock.now() };
    if (reason) {
      const message = `reading is held: ${holdMessages[reason]}`;
      log.write({
        severity: reason === 'spool_full' ? 'warn' : 'error',
        event: 'spool.held',
        subject: reason,
        message,
      });
    } else if (before) {
      log.write({ severity: 'info', event: 'spool.released', subject: before.reason, message: 'reading goes on' });
      this.wake();
    }
  }
}
