/**
 * One shipper's door: what it reads, its cursor on disk, and what it is told about the spool. How much it has acknowledged and
 * given up stands in its accounts.
 */
import { ShipperAccounts } from './accounts.ts';
import type { CursorFile } from './cursor-file.ts';
import type { DescriptionEntry } from './format-descriptions.ts';
import { encodeDescriptions } from './format-descriptions.ts';
import type { DropEntry } from './format-drops.ts';
import { segmentName } from './layout.ts';
import type { Ledger, Totals } from './ledger.ts';
import { blockEndingAt, timeAt } from './lookup.ts';
import type {
  BlockHash,
  DropReason,
  Epoch,
  Gap,
  Id,
  Outlet,
  Position,
  ReadResult,
  ShipperCursor,
  ShipperTotals,
  Tally,
} from './nouns.ts';
import { Patience } from './patience.ts';
import type { Clock, Files, Log, Problem, Timer, UnixMs } from './ports.ts';
import type { RangeRead } from './reader.ts';
import { Reader } from './reader.ts';
import type { Segments } from './segments.ts';
import type { CursorStart } from './start.ts';

/** How long a cursor that was saved without haste may wait for the disk. */
const saveDelayMs = 1000;

/** What the spool does for its outlets. */
export interface OutletHost {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: Id;
  readonly segments: Segments;
  readonly appended: Ledger;
  durable(): Position;
  /** What lies before was dropped by retention, durably. */
  durableFloor(shipper: string): Position;
  /** End of the last durable block that has records. */
  durableRecordsEnd(): Position;
  closed(): boolean;
  /** By collector, as far as anything was committed. */
  committed(): Totals;
  totalsAt(position: Position): Totals;
  /** When the oldest record that is not yet in a durable block was collected. */
  oldestUnsynced(): UnixMs | undefined;
  /** Syncs that succeeded so far. */
  syncs(): number;
  /** Has the disk take a sync, even where there is nothing to write. */
  prove(): void;
  /** Puts drops into the next block. */
  drop(entries: readonly DropEntry[]): void;
  /** Resolves once the drops handed over so far are durable. */
  dropsDurable(): Promise<void>;
  /** Something damaged was come across. */
  damage(read: Extract<RangeRead, { kind: 'gap' }>, gap: Gap): void;
  /** A durable cursor moved: segments may go. */
  released(): void;
  onReadable(wake: () => void): Disposable;
}

export class SpoolOutlet implements Outlet {
  readonly name: string;
  readonly #host: OutletHost;
  readonly #file: CursorFile;
  readonly #reader: Reader;
  readonly #accounts: ShipperAccounts;
  readonly #patience: Patience;
  readonly #pins = new Set<{ readonly from: Position; readonly upto: Position }>();
  #cursor: ShipperCursor | undefined;
  #durableCursor: ShipperCursor | undefined;
  #saveTimer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #problem: Problem | undefined;

  constructor(name: string, host: OutletHost, file: CursorFile, start: CursorStart) {
    this.name = name;
    this.#host = host;
    this.#file = file;
    this.#reader = new Reader(host.files, host.segments, host.spool);
    this.#cursor = start.cursor;
    this.#durableCursor = start.cursor;
    this.#accounts = new ShipperAccounts(name, host, start);
    this.#patience = new Patience({
      clock: host.clock,
      log: host.log,
      name,
      fileOf: ({ segment }) => segmentName(segment.start),
      probe: (refused) => this.#reader.probe(refused),
      syncs: () => host.syncs(),
      prove: () => host.prove(),
    });
    if (!start.cursor) this.#accounts.beginAt(this.oldest);
  }

  get spool(): Id {
    return this.#host.spool;
  }

  get durable(): Position {
    return this.#host.durable();
  }

  get cursor(): ShipperCursor | undefined {
    return this.#cursor;
  }

  get oldest(): Position {
    return Math.max(this.#host.segments.list[0]?.start ?? this.durable, this.#accounts.floor);
  }

  /** What must stay on disk for this shipper begins here. */
  get needed(): Position {
    const floor = this.#host.durableFloor(this.name);
    return Math.max(this.#durableCursor?.position ?? 0, floor);
  }

  get problems(): Problem[] {
    return [this.#problem, this.#patience.problem].filter((problem) => problem !== undefined);
  }

  read(from: Position, bytesMax: number): ReadResult {
    const accounts = this.#accounts;
    const known = accounts.stepTo(from);
    if (from < accounts.floor) return accounts.belowFloor(from, known);
    if (this.#patience.waits(from)) return { kind: 'unreadable', from };
    const read = this.#readOrGiveUp(from, bytesMax);
    if (read.kind === 'end') return read;
    if (read.kind === 'refused') return { kind: 'unreadable', from };
    if (read.kind === 'gap') {
      if (read.upto === this.oldest && from < this.#reader.previousEnd(read.upto))
        return accounts.letGo(from, read.upto, known);
      const result = accounts.gap(from, read.upto, 'damaged', known);
      if (result.gap.reason === 'damaged') this.#host.damage(read, result.gap);
      return result;
    }
    this.#patience.read(from);
    accounts.read(read.blocks);
    return read;
  }

  #readOrGiveUp(from: Position, bytesMax: number): RangeRead {
    const reader = this.#reader;
    const read = reader.read(from, bytesMax, this.durable);
    if (read.kind !== 'refused') return read;
    const verdict = this.#patience.met(read);
    if (verdict === 'wait') return read;
    const gap = reader.read(from, bytesMax, this.durable, false);
    if (gap.kind !== 'gap' || verdict === 'gap') return gap;
    if (!reader.readsBehind(gap.upto, this.durable)) {
      this.#patience.later();
      return read;
    }
    this.#patience.gaveUp(from, gap.upto);
    return gap;
  }

  endingAt(position: Position): { readonly epoch: Epoch; readonly hash: BlockHash } | undefined {
    return position > this.durable ? undefined : blockEndingAt(this.#host, position);
  }

  async readable(from: Position, signal: AbortSignal): Promise<void> {
    const host = this.#host;
    const patience = this.#patience;
    while (!signal.aborted && !host.closed() && (host.durableRecordsEnd() <= from || this.#patience.waits(from))) {
      await new Promise<void>((resolve) => {
        const waiting = host.onReadable(done);
        const due = patience.onDue(done);
        signal.addEventListener('abort', done, { once: true });
        function done() {
          waiting[Symbol.dispose]();
          due[Symbol.dispose]();
          signal.removeEventListener('abort', done);
          resolve();
        }
      });
    }
  }

  async save(cursor: ShipperCursor, durably = false): Promise<void> {
    this.#accounts.pass(cursor.position);
    this.#patience.passed(cursor.position);
    this.#cursor = cursor;
    if (durably) return this.#saveNow();
    this.#saveTimer ??= this.#host.clock.after(saveDelayMs, () => void this.#saveNow().catch(() => undefined));
  }

  dropped(reason: DropReason, tally: Tally, collector?: string): void {
    this.#host.drop([{ shipper: this.name, collector: collector ?? this.#anyCollector, reason, upto: 0, tally }]);
  }

  refused(upto: Position, tallies: ReadonlyMap<string, Tally>): void {
    if (upto <= this.#host.appended.shipper(this.name).droppedUpto) return;
    const entries = [...tallies].map(([collector, tally]) => {
      return {
        shipper: this.name,
        collector: collector || this.#anyCollector,
        reason: 'refused' as const,
        upto,
        tally,
      };
    });
    this.#host.drop(entries);
  }

  /** Where nobody knows better: usually there is one. */
  get #anyCollector(): string {
    return this.#host.appended.collectors.keys().next().value ?? '';
  }

  describe(): Uint8Array {
    const entries: DescriptionEntry[] = [...this.#host.appended.sources.values()];
    return encodeDescriptions(entries.map(({ number, description }) => ({ number, description })));
  }

  pin(from: Position, upto: Position): Disposable {
    const pin = { from, upto };
    this.#pins.add(pin);
    return { [Symbol.dispose]: () => this.#pins.delete(pin) };
  }

  /** True where something before `position` is in flight. */
  pinned(position: Position): boolean {
    return [...this.#pins].some((pin) => pin.from < position);
  }

  /** Gives up everything before `position` for lack of room: the entries to be made durable before anything goes. */
  giveUp(position: Position): DropEntry[] {
    return this.#accounts.giveUp(position);
  }

  waiting(): Tally {
    return this.#accounts.waiting();
  }

  oldestWaiting(): UnixMs | undefined {
    if (this.waiting().records === 0) return undefined;
    return timeAt(this.#host, this.#accounts.position) ?? this.#host.oldestUnsynced();
  }

  totals(): ShipperTotals {
    return { cursor: this.#cursor, collectors: this.#accounts.collectors() };
  }

  /** Saves the cursor where it stands and lets go of the files. */
  async close(): Promise<void> {
    try {
      if (this.#cursor !== this.#durableCursor) await this.#saveNow();
    } finally {
      this.#saveTimer?.cancel();
      this.#patience.close();
      this.#reader.close();
      this.#file.close();
    }
  }

  #saveNow(): Promise<void> {
    this.#saveTimer?.cancel();
    this.#saveTimer = undefined;
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#write());
    return this.#saving;
  }

  async #write(): Promise<void> {
    const { clock, spool } = this.#host;
    const cursor = this.#cursor;
    if (!cursor || cursor === this.#durableCursor) return;
    // Of this cursor, not of one that comes while its drops are made durable.
    const passed = this.#accounts.passed();
    try {
      await this.#host.dropsDurable();
      await this.#file.save({ spool, cursor, passed });
      this.#durableCursor = cursor;
      this.#problem = undefined;
      this.#host.released();
    } catch (error) {
      this.#problem = {
        cause: 'cursor_unsaved',
        subject: this.name,
        message: `the cursor of ${this.name} cannot be saved: ${(error as Error).message}`,
        since: this.#problem?.since ?? clock.now(),
        hint: 'acknowledged data stay on disk until it can; look at the disk',
        red: true,
      };
      if (!this.#host.closed())
        this.#saveTimer ??= clock.after(saveDelayMs, () => void this.#saveNow().catch(() => undefined));
      throw error;
    }
  }
}
