/**
 * The receiver's table: a row per stream (spool id, epoch, stream name) with how far it is held and the hash there. A row
 * is a source of the receiver's own spool, so it is exactly as durable as the blocks that moved it; here is only an index.
 * Positions are those *appended*: an answer may tell them only once the spool is durable up to there.
 */
import type {
  BlockHash,
  Id,
  Intake,
  Position,
  SourceDescription,
  SourceNumber,
  SourceRecord,
} from '../../spool/nouns.ts';
import { zeroHash } from '../../spool/nouns.ts';
import type { Clock, MonotonicMs } from '../../spool/ports.ts';
import type { StreamKey } from '../../spool/wire.ts';
import { isId } from '../../spool/wire.ts';
import { receiverLimits } from './limits.ts';

export interface Row extends StreamKey {
  readonly number: SourceNumber;
  readonly collector: string;
  readonly epoch: Id;
  /** The epoch that it branched off, as far as it was named. */
  readonly parent: Id | undefined;
  held: Position;
  /** Of the last block up to `held`; `zeroHash` where none was taken yet. */
  hash: BlockHash;
  /** Nothing was appended for it yet, so nothing of it is on the disk. */
  empty: boolean;
  /** A gap stands between that block and `held`. */
  gapped: boolean;
  /** Descriptions of its sources came since this process began, or it was followed from its beginning. */
  described: boolean;
  /** It was told that it went on after another epoch had branched off it. */
  toldBranched: boolean;
  usedAt: MonotonicMs;
}

/** What opens a row. */
export interface NewStream extends StreamKey {
  /** The name of the receiver that met it first. */
  readonly collector: string;
  readonly epoch: Id;
  readonly parent: Id | undefined;
  readonly held: Position;
  readonly hash: BlockHash;
}

const tables = new WeakMap<Intake, Streams>();

/** The one table of a spool: several receivers on it (another port, another network) must agree about what is held. */
export function streamsOf(intake: Intake, clock: Clock): Streams {
  const known = tables.get(intake) ?? new Streams(intake, clock);
  tables.set(intake, known);
  return known;
}

export class Streams {
  /** By spool and stream name; newest row last. */
  readonly #rows = new Map<string, Row[]>();
  readonly #intake: Intake;
  readonly #clock: Clock;
  #size = 0;
  #forgotten = 0;

  constructor(intake: Intake, clock: Clock) {
    this.#intake = intake;
    this.#clock = clock;
    for (const source of intake.sources.values()) {
      const row = rowOf(source, clock.monotonic());
      if (row) this.#insert(row);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Rows forgotten since the process began. */
  get forgotten(): number {
    return this.#forgotten;
  }

  find(key: StreamKey, epoch: Id): Row | undefined {
    return this.#rows.get(nameOf(key))?.find((row) => row.epoch === epoch);
  }

  /** All rows of a spool and stream name, newest first. */
  of(key: StreamKey): Row[] {
    return [...(this.#rows.get(nameOf(key)) ?? [])].reverse();
  }

  /** The epoch that goes on from a row's, as far as one was met. */
  branchOf(row: Row): Row | undefined {
    const rows = this.#rows.get(nameOf(row)) ?? [];
    return rows.at(-1) === row ? undefined : rows.find((other) => other.parent === row.epoch);
  }

  *all(): Generator<Row> {
    for (const rows of this.#rows.values()) yield* rows;
  }

  /** Begins a source for a stream never met. Takes it back with `drop` if nothing could be appended. */
  open(stream: NewStream): Row {
    const number = this.#intake.begin(describe(stream));
    const row: Row = {
      ...stream,
      number,
      empty: true,
      gapped: false,
      described: false,
      toldBranched: false,
      usedAt: this.#clock.monotonic(),
    };
    this.#insert(row);
    return row;
  }

  drop(row: Row): void {
    const name = nameOf(row);
    const rows = this.#rows.get(name)?.filter((other) => other !== row) ?? [];
    if (rows.length > 0) this.#rows.set(name, rows);
    else this.#rows.delete(name);
    this.#size--;
    this.#intake.forget(row.number);
  }

  /** Forgets superseded rows that nobody used for a week, and what is above the caps. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const rows of [...this.#rows.values()]) this.#sweepStream(rows, now);
    if (this.#size > receiverLimits.rowsMax) {
      const oldest = [...this.all()].sort((a, b) => a.usedAt - b.usedAt);
      for (const row of oldest.slice(0, this.#size - receiverLimits.rowsMax)) this.#forget(row);
    }
  }

  #sweepStream(rows: readonly Row[], now: MonotonicMs): void {
    const parents = new Set(rows.map((row) => row.parent));
    const superseded = rows.filter((row) => parents.has(row.epoch) && row !== rows.at(-1));
    const stale = superseded.filter((row) => now - row.usedAt >= receiverLimits.supersededMsMax);
    for (const row of stale) this.#forget(row);
    const excess = rows.length - stale.length - receiverLimits.rowsPerStreamMax;
    if (excess <= 0) return;
    const left = rows.filter((row) => !stale.includes(row) && row !== rows.at(-1));
    for (const row of left.sort((a, b) => a.usedAt - b.usedAt || a.number - b.number).slice(0, excess))
      this.#forget(row);
  }

  #forget(row: Row): void {
    this.drop(row);
    this.#forgotten++;
  }

  #insert(row: Row): void {
    const name = nameOf(row);
    const rows = this.#rows.get(name);
    if (rows) rows.push(row);
    else this.#rows.set(name, [row]);
    this.#size++;
    if (this.#size > receiverLimits.rowsMax + receiverLimits.rowsExcessMax) this.sweep();
    if ((rows?.length ?? 0) > receiverLimits.rowsPerStreamMax) this.#sweepStream([...rows!], row.usedAt);
  }
}

const attribute = {
  spool: 'tailspool.spool',
  epoch: 'tailspool.epoch',
  stream: 'tailspool.stream',
  parent: 'tailspool.parent',
} as const;

function describe(stream: NewStream): SourceDescription {
  const attributes: Record<string, string> = {
    [attribute.spool]: stream.spool,
    [attribute.epoch]: stream.epoch,
    [attribute.stream]: stream.stream,
  };
  if (stream.parent) attributes[attribute.parent] = stream.parent;
  return { collector: stream.collector, type: 'blocks', resource: {}, attributes };
}

/** undefined for sources of other collectors. */
function rowOf(source: SourceRecord, now: MonotonicMs): Row | undefined {
  const { type, attributes } = source.description;
  const spool = attributes[attribute.spool];
  const epoch = attributes[attribute.epoch];
  if (type !== 'blocks' || !isId(spool) || !isId(epoch)) return undefined;
  const mark = decodeMark(source.cursor.mark);
  return {
    number: source.number,
    collector: source.description.collector,
    spool,
    epoch,
    stream: attributes[attribute.stream] ?? '',
    parent: attributes[attribute.parent],
    held: source.cursor.offset,
    ...mark,
    empty: false,
    described: false,
    toldBranched: false,
    usedAt: now,
  };
}

/** What stands beside `held` in the receiver's own cursors: the hash, and one byte more where a gap follows it. */
export function encodeMark(hash: BlockHash, gapped: boolean): Uint8Array {
  return Buffer.from(gapped ? `${hash}01` : hash, 'hex');
}

function decodeMark(mark: Uint8Array): { hash: BlockHash; gapped: boolean } {
  const hash = Buffer.from(mark.subarray(0, 16)).toString('hex');
  return { hash: hash.length === 32 ? hash : zeroHash, gapped: mark.length > 16 };
}

function nameOf(key: StreamKey): string {
  return `${key.spool}/${key.stream}`;
}
