/**
 * What one shipper has read, acknowledged and given up, by collector. What it has read but not yet passed is kept as a list of
 * steps, so that when its cursor moves it is known how much was acknowledged and how much was lost.
 */
import type { DropEntry } from './format-drops.ts';
import type { Ledger, Totals } from './ledger.ts';
import { add, none, subtract, sumOf, talliesOf } from './ledger.ts';
import type { DropReason, Position, ReadResult, ShipperTotals, Tally } from './nouns.ts';
import type { ReadBlock } from './reader.ts';
import type { Segments } from './segments.ts';
import type { CursorStart } from './start.ts';
import { merge } from './totals.ts';

const unknown: Tally = { records: -1, bytes: -1 };
/** Steps that may wait for the cursor; beyond it reading goes on and the accounts are made from the headers again. */
const stepsMax = 65_536;

/** What the accounts are made from. */
export interface AccountsHost {
  readonly segments: Segments;
  readonly appended: Ledger;
  /** By collector, as far as anything was committed. */
  committed(): Totals;
  totalsAt(position: Position): Totals;
  /** Puts drops into the next block. */
  drop(entries: readonly DropEntry[]): void;
}

type GapRead = Extract<ReadResult, { kind: 'gap' }>;

/** A stretch that was read. Steps stand without a hole between them, from the base on. */
interface Step {
  readonly from: Position;
  readonly end: Position;
  readonly tallies: Totals;
  readonly dropped: DropReason | undefined;
}

export class ShipperAccounts {
  readonly #name: string;
  readonly #host: AccountsHost;
  /** Where the cursor stands, and what lies before it. */
  #base: { position: Position; totals: Totals };
  #steps: Step[] = [];
  #givenUp: { readonly from: Position; readonly upto: Position; readonly tally: Tally } | undefined;

  /** Given up by this process; the ledger learns it with the spool's next block, and until then nobody may go back behind it. */
  #givenUpTo: Position = 0;

  constructor(name: string, host: AccountsHost, start: CursorStart) {
    this.#name = name;
    this.#host = host;
    this.#base = { position: start.position, totals: start.totals };
    if (start.cursor && start.givenUp)
      this.#givenUp = { from: start.cursor.position, upto: start.position, tally: start.givenUp };
  }

  /** The cursor, or what was given up behind it. */
  get position(): Position {
    return this.#base.position;
  }

  /** What lies before it was dropped by retention. */
  get floor(): Position {
    return Math.max(this.#host.appended.shipper(this.#name).floor, this.#givenUpTo);
  }

  /** A new shipper never gets what was gone before it came. */
  beginAt(oldest: Position): void {
    const from = this.#base.position;
    if (oldest <= from) return;
    const tallies = merge(this.#host.totalsAt(oldest), this.#base.totals, subtract);
    this.#steps.push({ from, end: oldest, tallies, dropped: 'retention' });
  }

  /**
   * Brings the steps to where reading goes on: forgets those behind it, or makes up for what is passed over without being read
   * (a shipper that remembers a later place than its cursor says). False where that lies before the base.
   */
  stepTo(from: Position): boolean {
    while (this.#steps.length > 0 && this.#steps.at(-1)!.end > from) this.#steps.pop();
    const reached = this.#reached;
    if (reached < from)
      this.#step(reached, from, merge(this.#host.totalsAt(from), this.#totalsOfSteps(), subtract), undefined);
    return this.#reached === from;
  }

  /** These were read. */
  read(blocks: readonly ReadBlock[]): void {
    const collectorOf = (number: number) => this.#host.appended.collectorOf(number);
    for (const block of blocks) this.#step(block.position, block.end, talliesOf(block.content, collectorOf), undefined);
  }

  /** Nothing can be read from `from` to `upto`. */
  gap(from: Position, upto: Position, why: 'damaged' | 'retention', known: boolean): GapRead {
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
  letGo(from: Position, upto: Position, known: boolean): GapRead {
    const result = this.gap(from, upto, 'retention', known);
    if (result.gap.records > 0) return result;
    return { ...result, gap: { ...result.gap, ...unknown } };
  }

  /** What lies before the cursor, which giving up does not move. */
  passed(): Tally {
    const before = sumOf(this.#base.totals.values());
    return this.#givenUp?.upto === this.#base.position ? subtract(before, this.#givenUp.tally) : before;
  }

  /** What was given up for lack of room; how much, the receiver is told where it is known. */
  belowFloor(from: Position, known: boolean): GapRead {
    const result = this.gap(from, this.floor, 'retention', known);
    const givenUp = this.#givenUp?.from === from && this.#givenUp.upto === this.floor ? this.#givenUp : undefined;
    return { ...result, gap: { ...result.gap, ...(givenUp?.tally ?? unknown) } };
  }

  /** The cursor moves to `position`: what it passes is acknowledged, or dropped where it was a gap. */
  pass(position: Position): void {
    this.#move(position);
    if (position !== this.#givenUp?.from) this.#givenUp = undefined;
  }

  /** Gives up everything before `position` for lack of room: the entries to be made durable before anything goes. */
  giveUp(position: Position): DropEntry[] {
    if (this.#base.position >= position) return [];
    const totals = this.#host.totalsAt(position);
    this.#noteGivenUp(position, subtract(sumOf(totals.values()), sumOf(this.#base.totals.values())));
    const entries = this.#entries(merge(totals, this.#base.totals, subtract), 'retention', position);
    if (entries.length === 0)
      entries.push({ shipper: this.#name, collector: '', reason: 'retention', upto: position, tally: none });
    this.#base = { position, totals };
    this.#steps = this.#steps.filter((step) => step.end > position);
    this.#givenUpTo = position;
    return entries;
  }

  /** Between the cursor and the durable end. */
  waiting(): Tally {
    return sumOf(merge(this.#host.committed(), this.#base.totals, subtract).values());
  }

  /** By collector: what is acknowledged, waits, and was given up. */
  collectors(): ShipperTotals['collectors'] {
    const committed = this.#host.committed();
    const dropped = this.#host.appended.droppedBy(this.#name);
    const collectors = [...committed].map(([name, spooled]) => {
      const passed = this.#base.totals.get(name) ?? none;
      const drops = dropped[name] ?? {};
      const lost = sumOf(Object.values(drops));
      // A drop is durable before the cursor passes it: until then (a crash in between) what is dropped waits no more.
      const waiting = subtract(subtract(spooled, passed), subtract(lost, passed));
      return [name, { acknowledged: subtract(passed, lost), waiting, dropped: drops }] as const;
    });
    return Object.fromEntries(collectors);
  }

  get #reached(): Position {
    return this.#steps.at(-1)?.end ?? this.#base.position;
  }

  #step(from: Position, end: Position, tallies: Totals, dropped: DropReason | undefined): void {
    if (this.#steps.length < stepsMax && from === this.#reached) this.#steps.push({ from, end, tallies, dropped });
  }

  /** The cursor stays where it was: what lies between it and `upto` adds up until it moves. */
  #noteGivenUp(upto: Position, tally: Tally): void {
    const before = this.#givenUp?.upto === this.#base.position ? this.#givenUp : undefined;
    const from = before?.from ?? this.#base.position;
    this.#givenUp = { from, upto, tally: before ? add(before.tally, tally) : tally };
  }

  #inSegment(position: Position): boolean {
    return this.#host.segments.list.some(({ start, end }) => start <= position && position < end);
  }

  #totalsOfSteps(): Totals {
    return this.#steps.reduce<Totals>((sum, step) => merge(sum, step.tallies, add), this.#base.totals);
  }

  #move(position: Position): void {
    if (position < this.#base.position) {
      // Going back for a receiver that lost what it had. What was given up for lack of room stays given up.
      if (position >= this.floor) this.#base = { position, totals: this.#host.totalsAt(position) };
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
    const counted = Math.max(this.#host.appended.shipper(this.#name).droppedUpto, this.#givenUpTo);
    if (!step.dropped || step.end <= counted) return;
    const entries = this.#entries(step.tallies, step.dropped, step.end);
    if (entries.length > 0) this.#host.drop(entries);
  }

  #entries(tallies: Totals, reason: DropReason, upto: Position): DropEntry[] {
    return [...tallies]
      .filter(([, tally]) => tally.records > 0 || tally.bytes > 0)
      .map(([collector, tally]) => ({ shipper: this.#name, collector, reason, upto, tally }));
  }
}
