/**
 * The open block: records are read straight into its buffer, and each run says whose they are. Runs of one source that
 * follow each other are one run.
 */
import type { DescriptionEntry } from './format.ts';
import { tallyOf } from './format.ts';
import { add, none } from './ledger.ts';
import type { Run, SourceDescription, SourceNumber, Tally } from './nouns.ts';
import { limits } from './nouns.ts';
import type { UnixMs } from './ports.ts';

/** So many runs close a block, however small it is: its header must stay within limits. */
const runsMax = 16_384;

export interface BlockContent {
  readonly raw: Uint8Array;
  readonly runs: readonly Run[];
  readonly descriptions: readonly DescriptionEntry[];
  readonly records: number;
  readonly time: UnixMs;
}

export class BlockBuilder {
  readonly #ordinary = Buffer.allocUnsafeSlow(limits.blockBytesTarget);
  #buffer = this.#ordinary;
  #used = 0;
  #records = 0;
  #runs: Run[] = [];
  #descriptions = new Map<SourceNumber, SourceDescription>();
  readonly #sources = new Set<SourceNumber>();

  get empty(): boolean {
    return this.#runs.length === 0 && this.#descriptions.size === 0;
  }

  get full(): boolean {
    return this.#runs.length >= runsMax;
  }

  /** How many sources have records or cursors in it. */
  get sources(): number {
    return this.#sources.size;
  }

  get oldest(): UnixMs | undefined {
    return this.#runs[0]?.time;
  }

  holds(source: SourceNumber): boolean {
    return this.#sources.has(source);
  }

  /** The rest of the buffer, if that is at least `bytesMin`. An empty block takes any size up to the limit. */
  view(bytesMin: number): Uint8Array | undefined {
    if (this.full) return undefined;
    if (this.#used === 0 && bytesMin > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytesMin);
    return this.#buffer.length - this.#used >= bytesMin ? this.#buffer.subarray(this.#used) : undefined;
  }

  describe(source: SourceNumber, description: SourceDescription): void {
    this.#descriptions.set(source, description);
  }

  add(run: Run): void {
    this.#used += run.bytes;
    this.#records += run.records;
    this.#sources.add(run.source);
    const last = this.#runs.at(-1);
    const own = { ...run, mark: Buffer.from(run.mark), state: run.state && Buffer.from(run.state) };
    if (last && continues(last, run)) this.#runs[this.#runs.length - 1] = merged(last, own);
    else this.#runs.push(own);
  }

  /** Records and bytes of each run, for totals of what is committed and not yet appended. */
  tally(collectorOf: (source: SourceNumber) => string | undefined): ReadonlyMap<string, Tally> {
    const tallies = new Map<string, Tally>();
    for (const run of this.#runs) {
      const collector = collectorOf(run.source) ?? '';
      if (run.records > 0) tallies.set(collector, add(tallies.get(collector) ?? none, tallyOf(run)));
    }
    return tallies;
  }

  /** What its runs pass over for good. */
  drops(): readonly { readonly source: SourceNumber; readonly dropped: NonNullable<Run['dropped']> }[] {
    return this.#runs.flatMap(({ source, dropped }) => (dropped ? [{ source, dropped }] : []));
  }

  content(now: UnixMs): BlockContent {
    return {
      raw: this.#buffer.subarray(0, this.#used),
      runs: this.#runs,
      descriptions: [...this.#descriptions].map(([number, description]) => ({ number, description })),
      records: this.#records,
      time: this.#runs[0]?.time ?? now,
    };
  }

  clear(): void {
    this.#buffer = this.#ordinary;
    this.#used = 0;
    this.#records = 0;
    this.#runs = [];
    this.#descriptions = new Map();
    this.#sources.clear();
  }
}

/** Whether the two runs are one: the same source and kind, no seam between their records or cursors. */
function continues(last: Run, run: Run): boolean {
  return (
    last.source === run.source &&
    last.to === run.from &&
    last.format === run.format &&
    last.records > 0 &&
    run.records > 0 &&
    !last.unterminated &&
    !run.continues &&
    !last.dropped &&
    !run.dropped
  );
}

function merged(last: Run, run: Run): Run {
  return {
    ...last,
    to: run.to,
    mark: run.mark,
    state: run.state ?? last.state,
    records: last.records + run.records,
    bytes: last.bytes + run.bytes,
    unterminated: run.unterminated,
  };
}
