/**
 * The open block: records are read straight into its buffer, and each run says whose they are. Runs of one source that
 * follow each other are one run.
 */

import { tallyOf } from './format.ts';
import type { DescriptionEntry } from './format-descriptions.ts';
import { add, none } from './ledger.ts';
import type { Run, SourceDescription, SourceNumber, Tally } from './nouns.ts';
import { limits } from './nouns.ts';
import type { UnixMs } from './ports.ts';

/** So many runs, or so much that they say, close a block, however small it is: its header must stay within limits. */
const runsMax = 16_384;
const headerBytesMax = 1024 * 1024;
/** What a run takes besides its mark and state, at most. */
const runBytesMax = 64;

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
  #headerBytes = 0;
  #runs: Run[] = [];
  #descriptions = new Map<SourceNumber, SourceDescription>();
  readonly #sources = new Set<SourceNumber>();

  get empty(): boolean {
    return this.#runs.length === 0 && this.#descriptions.size === 0;
  }

  get full(): boolean {
    return this.#runs.length >= runsMax || this.#headerBytes >= headerBytesMax;
  }

  /** Of its records. */
  get bytes(): number {
    return this.#used;
  }

  /** About what its runs and descriptions take in a header. */
  get headerBytes(): number {
    return this.#headerBytes;
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

  /**
   * The rest of the buffer, if that is at least `bytesMin`. An empty block takes any size up to the limit. Behind the records
   * there is always place for one run that moves another source's cursor with them.
   */
  view(bytesMin: number): Uint8Array | undefined {
    if (this.full || this.#runs.length > runsMax - 2) return undefined;
    if (this.#used === 0 && bytesMin > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytesMin);
    return this.#buffer.length - this.#used >= bytesMin ? this.#buffer.subarray(this.#used) : undefined;
  }

  describe(source: SourceNumber, description: SourceDescription): void {
    this.#descriptions.set(source, description);
    this.#headerBytes += descriptionBytes(description);
  }

  add(run: Run): void {
    this.#used += run.bytes;
    this.#records += run.records;
    this.#sources.add(run.source);
    const last = this.#runs.at(-1);
    const own = { ...run, mark: Buffer.from(run.mark), state: run.state && Buffer.from(run.state) };
    if (last && continues(last, run)) this.#runs[this.#runs.length - 1] = merged(last, own);
    else {
      this.#runs.push(own);
      this.#headerBytes += runBytes(own);
    }
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

  /** What the next block is made of: all of it, but where more cursors moved than one header may say. */
  content(now: UnixMs): BlockContent {
    const runs = this.#runs.slice(0, this.#fitting());
    const raw = this.#buffer.subarray(
      0,
      sumOf(runs, (run) => run.bytes),
    );
    const all = runs.length === this.#runs.length;
    const records = all ? this.#records : sumOf(runs, (run) => run.records);
    const sources = all ? undefined : new Set(runs.map((run) => run.source));
    const descriptions = [...this.#descriptions]
      .filter(([number]) => sources?.has(number) ?? true)
      .map(([number, description]) => ({ number, description }));
    return { raw, runs, descriptions, records, time: this.#runs[0]?.time ?? now };
  }

  /** This content was appended: what it left is the open block now. */
  remove(content: BlockContent): void {
    const runs = this.#runs.slice(content.runs.length);
    const descriptions = new Map(this.#descriptions);
    for (const { number } of content.descriptions) descriptions.delete(number);
    const bytes = content.raw.length;
    if (runs.length > 0) this.#buffer.copyWithin(0, bytes, this.#used);
    else this.#buffer = this.#ordinary;
    this.#used -= bytes;
    this.#records -= content.records;
    this.#runs = runs;
    this.#descriptions = descriptions;
    this.#sources.clear();
    for (const run of runs) this.#sources.add(run.source);
    this.#headerBytes = sumOf(runs, runBytes) + sumOf([...descriptions.values()], descriptionBytes);
  }

  /** So many of its runs go into one header, at least one. */
  #fitting(): number {
    if (!this.full) return this.#runs.length;
    let bytes = 0;
    for (const [index, run] of this.#runs.entries()) {
      const description = this.#descriptions.get(run.source);
      bytes += runBytes(run) + (description ? descriptionBytes(description) : 0);
      if (index > 0 && (index >= runsMax || bytes > 2 * headerBytesMax)) return index;
    }
    return this.#runs.length;
  }
}

function runBytes(run: Run): number {
  return runBytesMax + run.mark.length + (run.state?.length ?? 0);
}

function descriptionBytes(description: SourceDescription): number {
  return 16 + Buffer.byteLength(JSON.stringify(description));
}

function sumOf<T>(items: readonly T[], of: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += of(item);
  return sum;
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
