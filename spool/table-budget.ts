/**
 * Sees to it that the table of all sources fits the header that a segment begins with: above a limit no more sources may begin.
 * What the table takes is measured (it is compressed), and in between reckoned as if nothing that came since would compress.
 */
import type { TableSize } from './format-table.ts';
import type { SourceDescription } from './nouns.ts';
import { limits } from './nouns.ts';
import type { Clock, MonotonicMs, Problem, UnixMs } from './ports.ts';

export const tableBudget = {
  /** The rest of the header is for states that grow, and for sources that begin whatever we say. */
  compressedBytesMax: 12 * 1024 * 1024,
  expandedBytesMax: 0.75 * limits.tableBytesMax,
  sourcesMax: limits.tableSourcesMax - 4096,
  /** Of a source besides its description: number, cursor, mark, state. */
  sourceBytes: 160,
  /** So much has to have come, or so long ago it must have been, before a full table is measured again. */
  measureBytesMin: 256 * 1024,
  measureEveryMs: 30_000,
} as const;

export class TableBudget {
  readonly #clock: Clock;
  readonly #measure: () => TableSize;
  readonly #sources: () => number;
  readonly #pending: () => number;
  #measured: TableSize = { compressedBytes: 0, expandedBytes: 0 };
  #addedBytes = 0;
  #measuredAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #since: UnixMs | undefined;

  /** `measure` knows what was appended, `pendingBytes` what was not yet. */
  constructor(clock: Clock, sources: () => number, measure: () => TableSize, pendingBytes: () => number) {
    this.#clock = clock;
    this.#sources = sources;
    this.#measure = measure;
    this.#pending = pendingBytes;
  }

  /** A source begins. Its number is not known to the table yet. */
  begun(description: SourceDescription): void {
    this.#addedBytes += tableBudget.sourceBytes + JSON.stringify(description).length;
  }

  /** A source has another state; `bytesBefore`: how long its last one was. */
  changed(bytes: number, bytesBefore: number): void {
    this.#addedBytes += Math.max(0, bytes - bytesBefore);
  }

  /** True where no more sources may begin. */
  get full(): boolean {
    if (!this.#exceeded()) return this.#set(false);
    const now = this.#clock.monotonic();
    const due = now - this.#measuredAt >= tableBudget.measureEveryMs;
    if (this.#addedBytes >= tableBudget.measureBytesMin || due) {
      this.#measured = this.#measure();
      this.#addedBytes = this.#pending();
      this.#measuredAt = now;
    }
    return this.#set(this.#exceeded());
  }

  get problem(): Problem | undefined {
    if (!this.full) return undefined;
    return {
      cause: 'too_many_sources',
      subject: 'spool',
      message: `${this.#sources()} places in files and streams are remembered, as many as a segment can begin with; new ones have to wait`,
      since: this.#since ?? this.#clock.now(),
      hint: 'narrow what the collectors include, or have them forget sooner (forget_after, sources_max)',
      red: true,
    };
  }

  #exceeded(): boolean {
    const { compressedBytesMax, expandedBytesMax, sourcesMax } = tableBudget;
    return (
      this.#measured.compressedBytes + this.#addedBytes > compressedBytesMax ||
      this.#measured.expandedBytes + this.#addedBytes > expandedBytesMax ||
      this.#sources() > sourcesMax
    );
  }

  #set(full: boolean): boolean {
    this.#since = full ? (this.#since ?? this.#clock.now()) : undefined;
    return full;
  }
}
