/**
 * One shipper's door: its reader, its cursor, and its accounts. What it has read but not yet passed is kept as a list of steps,
 * so that when the cursor moves it is known, by collector, how much was acknowledged and how much was given up.
 */
import type { CursorFile } from './cursor-file.ts';
import { closing } from './cursor-file.ts';
import type { DescriptionEntry, DropEntry } from './format.ts';
import { encodeDescriptions } from './format.ts';
import type { Ledger, Totals } from './ledger.ts';
import { add, none, subtract, sumOf, talliesOf } from './ledger.ts';
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
import type { Clock, Files, Problem, Timer, UnixMs } from './ports.ts';
import type { RangeRead } from './reader.ts';
import { Reader } from './reader.ts';
import { firstBlock, scan } from './scan.ts';
import type { Segment, Segments } from './segments.ts';
import type { CursorStart } from './start.ts';
import { merge } from './totals.ts';

/** How long a cursor that was saved without haste may wait for the disk. */
const saveDelayMs = 1000;
const unknown: Tally = { records: -1, bytes: -1 };
/** Steps that may wait for the cursor; beyond it reading goes on and the accounts are made from the headers again. */
const stepsMax = 65_536;

/** What the spool does for its outlets. */
export interface OutletHost {
  readonly files: Files;
  readonly clock: Clock;
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

/** A stretch that was read. Steps stand without a hole between them, from the base on. */
interface Step {
  readonly from: Position;
  readonly end: Position;
  readonly tallies: Totals;
  readonly dropped: DropReason | undefined;
}

export class SpoolOutlet implements Outlet {
  readonly name: string;
  readonly #host: OutletHost;
  readonly #file: CursorFile;
  readonly #reader: Reader;
  readonly #pins = new Set<{ readonly from: Position; readonly upto: Position }>();
  #cursor: ShipperCursor | undefined;
  #durableCursor: ShipperCursor | undefined;
  /** Where the cursor stands, and what lies before it. */
  #base: { position: Position; totals: Totals };
  #steps: Step[] = [];
  #givenUp: { readonly from: Position; readonly upto: Position; readonly tally: Tally } | undefined;
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
    this.#base = { position: start.position, totals: start.totals };
    if (start.cursor && start.givenUp)
      this.#givenUp = { from: start.cursor.position, upto: start.position, tally: start.givenUp };
    // A new shipper never gets what was gone before it came.
    if (!start.cursor && this.oldest > start.position) {
      const tallies = host.totalsAt(this.oldest);
      this.#steps.push({ from: start.position, end: this.oldest, tallies, dropped: 'retention' });
    }
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
    return Math.max(this.#host.segments.list[0]?.start ?? this.durable, this.#floor);
  }

  /** What must stay on disk for this shipper begins here. */
  get needed(): Position {
    const floor = this.#host.durableFloor(this.name);
    return Math.max(this.#durableCursor?.position ?? 0, floor);
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  get #floor(): Position {
    return this.#host.appended.shipper(this.name).floor;
  }

  read(from: Position, bytesMax: number): ReadResult {
    const known = this.#stepTo(from);
    if (from < this.#floor) return this.#belowFloor(from, known);
    const read = this.#reader.read(from, bytesMax, this.durable);
    if (read.kind === 'end') return read;
    if (read.kind === 'gap') {
      if (read.upto === this.oldest && from < this.#reader.previousEnd(read.upto))
        return this.#letGo(from, read.upto, known);
      const result = this.#gap(from, read.upto, 'damaged', known);
      if (result.gap.reason === 'damaged') this.#host.damage(read, result.gap);
      return result;
    }
    const collectorOf = (number: number) => this.#host.appended.collectorOf(number);
    for (const block of read.blocks)
      this.#step(block.position, block.end, talliesOf(block.content, collectorOf), undefined);
    return read;
  }

  endingAt(position: Position): { readonly epoch: Epoch; readonly hash: BlockHash } | undefined {
    if (position > this.durable) return undefined;
    const segment = this.#host.segments.list.find(({ start, end }) => start < position && position <= end);
    return segment ? this.#blockEnding(segment, position) : this.#blockBeforeHole(position);
  }

  #blockEnding(segment: Segment, position: Position): { readonly epoch: Epoch; readonly hash: BlockHash } | undefined {
    using file = closing(this.#host.files.open(this.#host.segments.path(segment), 'read'));
    const stretch = { file: file.value, start: segment.start, from: segment.start, end: position, spool: this.spool };
    let epoch: Epoch | undefined;
    for (const item of scan(stretch)) {
      if (item.kind !== 'block') continue;
      epoch = item.header.opening ?? epoch;
      if (item.end !== position) continue;
      const { header } = item;
      return {
        epoch: epoch?.id === header.epoch ? epoch : { id: header.epoch, start: segment.start, parent: undefined },
        hash: item.hash,
      };
    }
    return undefined;
  }

  /** Positions between a repaired segment and its successor were never used: who has passed them stands at the block before. */
  #blockBeforeHole(position: Position): { readonly epoch: Epoch; readonly hash: BlockHash } | undefined {
    const segment = this.#host.segments.list.find(({ start }) => start === position);
    if (!segment) return undefined;
    using file = closing(this.#host.files.open(this.#host.segments.path(segment), 'read'));
    const first = firstBlock(file.value, segment.start, segment.end);
    const opening = first.kind === 'block' ? first.header.opening : undefined;
    if (first.kind !== 'block' || !opening) return undefined;
    if (opening.start < position) return { epoch: opening, hash: first.header.previous };
    const { parent } = opening;
    return parent && { epoch: { id: parent.id, start: 0, parent: undefined }, hash: parent.hash };
  }

  async readable(from: Position, signal: AbortSignal): Promise<void> {
    const host = this.#host;
    while (!signal.aborted && !host.closed() && host.durableRecordsEnd() <= from) {
      await new Promise<void>((resolve) => {
        const waiting = host.onReadable(done);
        signal.addEventListener('abort', done, { once: true });
        function done() {
          waiting[Symbol.dispose]();
          signal.removeEventListener('abort', done);
          resolve();
        }
      });
    }
  }

  async save(cursor: ShipperCursor, durably = false): Promise<void> {
    this.#pass(cursor.position);
    if (cursor.position !== this.#givenUp?.from) this.#givenUp = undefined;
    this.#cursor = cursor;
    if (durably) return this.#saveNow();
    this.#saveTimer ??= this.#host.clock.after(saveDelayMs, () => void this.#saveNow().catch(() => undefined));
  }

  dropped(reason: DropReason, tally: Tally, collector?: string): void {
    const only = collector ?? this.#host.appended.collectors.keys().next().value ?? '';
    this.#host.drop([{ shipper: this.name, collector: only, reason, upto: 0, tally }]);
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
    if (this.#base.position >= position) return [];
    const totals = this.#host.totalsAt(position);
    this.#noteGivenUp(position, subtract(sumOf(totals.values()), sumOf(this.#base.totals.values())));
    const entries = this.#entries(merge(totals, this.#base.totals, subtract), 'retention', position);
    if (entries.length === 0)
      entries.push({ shipper: this.name, collector: '', reason: 'retention', upto: position, tally: none });
    this.#base = { position, totals };
    this.#steps = this.#steps.filter((step) => step.end > position);
    return entries;
  }

  waiting(): Tally {
    return sumOf(merge(this.#host.committed(), this.#base.totals, subtract).values());
  }

  oldestWaiting(): UnixMs | undefined {
    if (this.waiting().records === 0) return undefined;
    return this.#timeAt(this.#base.position) ?? this.#host.oldestUnsynced();
  }

  totals(): ShipperTotals {
    const committed = this.#host.committed();
    const dropped = this.#host.appended.droppedBy(this.name);
    const collectors = [...committed].map(([name, spooled]) => {
      const passed = this.#base.totals.get(name) ?? none;
      const drops = dropped[name] ?? {};
      const acknowledged = subtract(passed, sumOf(Object.values(drops)));
      return [name, { acknowledged, waiting: subtract(spooled, passed), dropped: drops }] as const;
    });
    return { cursor: this.#cursor, collectors: Object.fromEntries(collectors) };
  }

  /** Saves the cursor where it stands and lets go of the files. */
  async close(): Promise<void> {
    try {
      if (this.#cursor !== this.#durableCursor) await this.#saveNow();
    } finally {
      this.#saveTimer?.cancel();
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
    try {
      await this.#host.dropsDurable();
      await this.#file.save({ spool, cursor, passed: this.#passed() });
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

  /**
   * Brings the steps to where reading goes on: forgets those behind it, or makes up for what is passed over without being read
   * (a shipper that remembers a later place than its cursor says). False where that lies before the base.
   */
  #stepTo(from: Position): boolean {
    while (this.#steps.length > 0 && this.#steps.at(-1)!.end > from) this.#steps.pop();
    const reached = this.#reached;
    if (reached < from)
      this.#step(reached, from, merge(this.#host.totalsAt(from), this.#totalsOfSteps(), subtract), undefined);
    return this.#reached === from;
  }

  get #reached(): Position {
    return this.#steps.at(-1)?.end ?? this.#base.position;
  }

  #step(from: Position, end: Position, tallies: Totals, dropped: DropReason | undefined): void {
    if (this.#steps.length < stepsMax && from === this.#reached) this.#steps.push({ from, end, tallies, dropped });
  }

  #gap(
    from: Position,
    upto: Position,
    why: 'damaged' | 'retention',
    known: boolean,
  ): Extract<ReadResult, { kind: 'gap' }> {
    const before = known ? this.#totalsOfSteps() : this.#host.totalsAt(from);
    const tallies = merge(this.#host.totalsAt(upto), before, subtract);
    const lost = sumOf(tallies.values());
    const reason = why === 'damaged' && lost.records === 0 && !this.#inSegment(from) ? 'hole_in_positions' : why;
    this.#step(from, upto, tallies, reason === 'hole_in_positions' ? undefined : reason);
    return { kind: 'gap', from, upto, gap: { from, upto, reason, ...lost } };
  }

  /**
   * What is not kept any more. Where it was acknowledged once, and a receiver that lost it asks again, it was accounted for
   * long ago, and nobody knows how much it was.
   */
  #letGo(from: Position, upto: Position, known: boolean): Extract<ReadResult, { kind: 'gap' }> {
    const result = this.#gap(from, upto, 'retention', known);
    if (result.gap.records > 0) return result;
    return { ...result, gap: { ...result.gap, ...unknown } };
  }

  /** What lies before the cursor, which giving up does not move. */
  #passed(): Tally {
    const before = sumOf(this.#base.totals.values());
    return this.#givenUp?.upto === this.#base.position ? subtract(before, this.#givenUp.tally) : before;
  }

  /** The cursor stays where it was: what lies between it and `upto` adds up until it moves. */
  #noteGivenUp(upto: Position, tally: Tally): void {
    const before = this.#givenUp?.upto === this.#base.position ? this.#givenUp : undefined;
    const from = before?.from ?? this.#base.position;
    this.#givenUp = { from, upto, tally: before ? add(before.tally, tally) : tally };
  }

  /** What was given up for lack of room; how much, the receiver is told where it is known. */
  #belowFloor(from: Position, known: boolean): Extract<ReadResult, { kind: 'gap' }> {
    const result = this.#gap(from, this.#floor, 'retention', known);
    const givenUp = this.#givenUp?.from === from && this.#givenUp.upto === this.#floor ? this.#givenUp : undefined;
    return { ...result, gap: { ...result.gap, ...(givenUp?.tally ?? unknown) } };
  }

  #inSegment(position: Position): boolean {
    return this.#host.segments.list.some(({ start, end }) => start <= position && position < end);
  }

  #totalsOfSteps(): Totals {
    return this.#steps.reduce<Totals>((sum, step) => merge(sum, step.tallies, add), this.#base.totals);
  }

  /** The cursor moves to `position`: what it passes is acknowledged, or dropped where it was a gap. */
  #pass(position: Position): void {
    if (position < this.#base.position) {
      // Going back for a receiver that lost what it had. What was given up for lack of room stays given up.
      if (position >= this.#floor) this.#base = { position, totals: this.#host.totalsAt(position) };
      this.#steps = [];
      return;
    }
    let { totals } = this.#base;
    let at = this.#base.position;
    while (this.#steps[0] && this.#steps[0].end <= position) {
      const step = this.#steps.shift()!;
      totals = merge(totals, step.tallies, add);
      at = step.end;
      this.#countDrop(step);
    }
    if (at !== position) totals = this.#host.totalsAt(position);
    this.#base = { position, totals };
  }

  #countDrop(step: Step): void {
    if (!step.dropped || step.end <= this.#host.appended.shipper(this.name).droppedUpto) return;
    const entries = this.#entries(step.tallies, step.dropped, step.end);
    if (entries.length > 0) this.#host.drop(entries);
  }

  #entries(tallies: Totals, reason: DropReason, upto: Position): DropEntry[] {
    return [...tallies]
      .filter(([, tally]) => tally.records > 0 || tally.bytes > 0)
      .map(([collector, tally]) => ({ shipper: this.name, collector, reason, upto, tally }));
  }

  /** When the first records at or behind `position` were collected, as far as that is on disk. */
  #timeAt(position: Position): UnixMs | undefined {
    const { segments, files } = this.#host;
    const segment = segments.at(position);
    if (!segment) return undefined;
    using file = closing(files.open(segments.path(segment), 'read'));
    const from = Math.max(position, segment.start);
    for (const item of scan({ file: file.value, start: segment.start, from, end: segment.end, spool: this.spool }))
      if (item.kind === 'block' && item.header.records > 0) return item.header.runs[0]?.time ?? item.header.time;
    return undefined;
  }
}
