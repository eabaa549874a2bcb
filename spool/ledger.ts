/**
 * What a spool knows at one point of it: every live source's cursor, and the totals of collectors and shippers. Nothing
 * changes it but headers, applied in order, so recovery replays exactly what happened. There are two in a running spool:
 * one as far as blocks were appended, one as far as they are durable; only the latter is ever written as a table.
 */
import type { BlockHeader } from './format.ts';
import { tallyOf } from './format.ts';
import type { DropEntry } from './format-drops.ts';
import type { Drops, Table, TableShipper } from './format-table.ts';
import { LedgerSource } from './ledger-source.ts';
import type {
  CollectorTotals,
  DropReason,
  Position,
  Run,
  ShipperCursor,
  SourceDescription,
  SourceNumber,
  SourceRecord,
  Tally,
} from './nouns.ts';

/** Of one source, and of all together: beyond two thousand sources each has less of it. */
const trailMax = 16;
const trailMin = 4;
const trailsMax = 32_768;

/** Totals by collector at one position. */
export type Totals = ReadonlyMap<string, Tally>;

export interface ShipperAccount {
  readonly dropped: Map<string, MutableDrops>;
  droppedUpto: Position;
  floor: Position;
}

type MutableDrops = Map<DropReason, Tally>;

interface MutableCollector {
  spooled: Tally;
  readonly dropped: MutableDrops;
}

export class Ledger {
  readonly #sources = new Map<SourceNumber, LedgerSource>();
  readonly #collectors = new Map<string, MutableCollector>();
  readonly #shippers = new Map<string, ShipperAccount>();
  /** Of sources that were forgotten since: their records may still wait. */
  readonly #collectorOf = new Map<SourceNumber, string>();
  /** Sources that were forgotten, in that order, and where the spool ended then: their records stand before it. */
  readonly #forgotten = new Map<SourceNumber, Position>();
  /** A block was applied: from then on `records` says what the next one must begin with. */
  #begun = false;
  nextSource: SourceNumber = 1;
  spooledBytes = 0;
  records = 0;
  sourceBytes = 0;

  get sources(): ReadonlyMap<SourceNumber, SourceRecord> {
    return this.#sources;
  }

  get collectors(): ReadonlyMap<string, { readonly spooled: Tally; readonly dropped: ReadonlyMap<DropReason, Tally> }> {
    return this.#collectors;
  }

  /** Takes over what a table says. */
  load(table: Table): void {
    this.nextSource = Math.max(this.nextSource, table.nextSource);
    this.spooledBytes = table.spooledBytes;
    for (const source of table.sources) this.#sources.set(source.number, LedgerSource.from(source));
    for (const [name, totals] of Object.entries(table.collectors))
      this.#collectors.set(name, { spooled: totals.spooled, dropped: dropsMap(totals.dropped) });
    for (const shipper of table.shippers) {
      const account = this.shipper(shipper.name);
      for (const [collector, drops] of Object.entries(shipper.dropped)) account.dropped.set(collector, dropsMap(drops));
      account.droppedUpto = shipper.droppedUpto;
      account.floor = shipper.floor;
    }
  }

  /** Takes over what one block says. */
  apply(header: BlockHeader, blockBytes: number): void {
    this.#apply(header, blockBytes, undefined);
  }

  /** The same at opening, where sources may have lost their description; the cursors that it passes are kept (`trail`). */
  recover(header: BlockHeader, blockBytes: number): void {
    const each = Math.floor(trailsMax / Math.max(1, this.#sources.size));
    this.#apply(header, blockBytes, Math.max(trailMin, Math.min(trailMax, each)));
  }

  /** Another ledger that says the same, without the trails. */
  copy(): Ledger {
    const other = new Ledger();
    for (const [number, source] of this.#sources) other.#sources.set(number, source.copy());
    for (const [name, totals] of this.#collectors)
      other.#collectors.set(name, { spooled: totals.spooled, dropped: new Map(totals.dropped) });
    for (const [name, account] of this.#shippers) {
      const dropped = new Map([...account.dropped].map(([collector, drops]) => [collector, new Map(drops)]));
      other.#shippers.set(name, { ...account, dropped });
    }
    for (const [number, collector] of this.#collectorOf) other.#collectorOf.set(number, collector);
    for (const [number, end] of this.#forgotten) other.#forgotten.set(number, end);
    other.#begun = this.#begun;
    const { nextSource, spooledBytes, records, sourceBytes } = this;
    return Object.assign(other, { nextSource, spooledBytes, records, sourceBytes });
  }

  #apply(header: BlockHeader, blockBytes: number, trail: number | undefined): void {
    this.spooledBytes += blockBytes;
    this.#countMissing(header);
    this.records = header.recordsBefore + header.records;
    this.sourceBytes = header.sourceBytesBefore;
    for (const { number, description } of header.descriptions)
      if (!this.#forgotten.has(number)) this.describe(number, description);
    for (const run of header.runs) this.#applyRun(run, trail);
    for (const drop of header.drops) this.#applyDrop(drop);
  }

  /** A block whose header is lost was somebody's too: whose, is known only where there is one collector. */
  #countMissing(header: BlockHeader): void {
    const missing = {
      records: header.recordsBefore - this.records,
      bytes: header.sourceBytesBefore - this.sourceBytes,
    };
    if (this.#begun && missing.records > 0) {
      const names = [...this.#collectors.keys()];
      const totals = this.#collector(names.length === 1 ? names[0]! : unknownCollector);
      totals.spooled = add(totals.spooled, missing);
    }
    this.#begun = true;
  }

  describe(number: SourceNumber, description: SourceDescription): void {
    this.nextSource = Math.max(this.nextSource, number + 1);
    const source = this.#sources.get(number);
    if (source) source.description = description;
    else this.#sources.set(number, new LedgerSource(number, description));
  }

  /** The source leaves the tables. `end`: of the spool, where nothing more of it follows. */
  forget(number: SourceNumber, end: Position): void {
    const source = this.#sources.get(number);
    if (source) this.#collectorOf.set(number, source.description.collector);
    this.#sources.delete(number);
    this.#forgotten.set(number, end);
  }

  /** What lay before `oldest` is on no disk any more: whose it was need not be known. */
  letGo(oldest: Position): void {
    for (const [number, end] of this.#forgotten) {
      if (end > oldest && this.#forgotten.size <= forgottenMax) return;
      this.#forgotten.delete(number);
      this.#collectorOf.delete(number);
    }
  }

  /** Of how many sources the collector is known. */
  get collectorsKnown(): number {
    return this.#sources.size + this.#collectorOf.size;
  }

  collectorOf(number: SourceNumber): string | undefined {
    return this.#sources.get(number)?.description.collector ?? this.#collectorOf.get(number);
  }

  /** For sources that a table of an older segment still names; `end` is the spool's. */
  learnCollector(number: SourceNumber, collector: string, end: Position): void {
    if (this.collectorOf(number) !== undefined) return;
    this.#collectorOf.set(number, collector);
    this.#forgotten.set(number, end);
    this.letGo(0);
  }

  shipper(name: string): ShipperAccount {
    let account = this.#shippers.get(name);
    if (!account) {
      account = { dropped: new Map(), droppedUpto: 0, floor: 0 };
      this.#shippers.set(name, account);
    }
    return account;
  }

  totals(): Totals {
    return new Map([...this.#collectors].map(([name, totals]) => [name, totals.spooled]));
  }

  collectorTotals(): Record<string, CollectorTotals> {
    return Object.fromEntries(
      [...this.#collectors].map(([name, totals]) => [
        name,
        { spooled: totals.spooled, dropped: dropsOf(totals.dropped) },
      ]),
    );
  }

  droppedBy(shipper: string): Record<string, Drops> {
    const dropped = this.shipper(shipper).dropped;
    return Object.fromEntries([...dropped].map(([collector, drops]) => [collector, dropsOf(drops)]));
  }

  /** All that a shipper gave up, by collector. */
  droppedTotals(shipper: string): Totals {
    const { dropped } = this.shipper(shipper);
    return new Map([...dropped].map(([collector, drops]) => [collector, sumOf(drops.values())]));
  }

  toTable(cursors: ReadonlyMap<string, ShipperCursor | undefined>): Table {
    const names = new Set([...this.#shippers.keys(), ...cursors.keys()]);
    return {
      nextSource: this.nextSource,
      spooledBytes: this.spooledBytes,
      sources: [...this.#sources.values()].sort((a, b) => a.number - b.number),
      collectors: this.collectorTotals(),
      shippers: [...names].map((name) => this.#tableShipper(name, cursors.get(name))),
    };
  }

  #tableShipper(name: string, cursor: ShipperCursor | undefined): TableShipper {
    const { droppedUpto, floor } = this.shipper(name);
    return { name, cursor, dropped: this.droppedBy(name), droppedUpto, floor };
  }

  /** `trail`: how many of the source's cursors are kept, undefined where blocks are not read back from disk. */
  #applyRun(run: Run, trail: number | undefined): void {
    let source = this.#sources.get(run.source);
    if (!source) {
      // Its description was lost to damage, or it was forgotten while this block was on its way.
      if (trail === undefined) {
        this.#count(this.collectorOf(run.source) ?? unknownCollector, run);
        return;
      }
      this.describe(run.source, { collector: unknownCollector, type: 'unknown', resource: {}, attributes: {} });
      source = this.#sources.get(run.source)!;
    }
    source.apply(run, trail);
    this.#count(source.description.collector, run);
  }

  #count(collector: string, run: Run): void {
    const totals = this.#collector(collector);
    const tally = tallyOf(run);
    if (run.records > 0) totals.spooled = add(totals.spooled, tally);
    this.sourceBytes += run.records > 0 ? tally.bytes : 0;
    if (run.dropped)
      addDrop(totals.dropped, run.dropped.reason, {
        records: Math.max(0, run.dropped.records),
        bytes: run.dropped.bytes,
      });
  }

  #collector(name: string): MutableCollector {
    let totals = this.#collectors.get(name);
    if (!totals) {
      totals = { spooled: none, dropped: new Map() };
      this.#collectors.set(name, totals);
    }
    return totals;
  }

  #applyDrop(drop: DropEntry): void {
    const account = this.shipper(drop.shipper);
    let drops = account.dropped.get(drop.collector);
    if (!drops) {
      drops = new Map();
      account.dropped.set(drop.collector, drops);
    }
    addDrop(drops, drop.reason, drop.tally);
    account.droppedUpto = Math.max(account.droppedUpto, drop.upto);
    if (drop.reason === 'retention') account.floor = Math.max(account.floor, drop.upto);
  }
}

/** Above it the records that still wait of the longest forgotten sources are counted for no collector. */
const forgottenMax = 262_144;
export const unknownCollector = 'unknown';
export const none: Tally = { records: 0, bytes: 0 };

export function add(a: Tally, b: Tally): Tally {
  return { records: a.records + b.records, bytes: a.bytes + b.bytes };
}

/** Never below zero: after damage the parts may not add up. */
export function subtract(a: Tally, b: Tally): Tally {
  return { records: Math.max(0, a.records - b.records), bytes: Math.max(0, a.bytes - b.bytes) };
}

/** What a block holds, by collector. */
export function talliesOf(
  header: BlockHeader,
  collectorOf: (number: SourceNumber) => string | undefined,
): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const run of header.runs) {
    if (run.records === 0) continue;
    const collector = collectorOf(run.source) ?? unknownCollector;
    tallies.set(collector, add(tallies.get(collector) ?? none, tallyOf(run)));
  }
  return tallies;
}

export function sumOf(totals: Iterable<Tally>): Tally {
  let sum = none;
  for (const tally of totals) sum = add(sum, tally);
  return sum;
}

function addDrop(drops: MutableDrops, reason: DropReason, tally: Tally): void {
  drops.set(reason, add(drops.get(reason) ?? none, tally));
}

function dropsMap(drops: Drops): MutableDrops {
  return new Map(Object.entries(drops) as [DropReason, Tally][]);
}

function dropsOf(drops: MutableDrops): Drops {
  return Object.fromEntries(drops);
}
