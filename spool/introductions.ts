/**
 * Who has to be introduced with the next run: a source's description goes into the first block with something of it, and,
 * with its state, once more into the next. So no single damaged header makes a source unknown, and its file be read again.
 */
import type { Run, SourceDescription, SourceNumber, SourceRecord } from './nouns.ts';

export interface Introduced {
  readonly run: Run;
  /** To be written beside the run. */
  readonly description: SourceDescription | undefined;
}

export class Introductions {
  readonly #fresh = new Map<SourceNumber, SourceDescription>();
  /** Introduced by the block that is open. */
  readonly #open = new Set<SourceNumber>();
  /** Introduced by one block so far. */
  readonly #once = new Set<SourceNumber>();

  /** A source is new, or is described anew. */
  add(source: SourceNumber, description: SourceDescription): void {
    this.#fresh.set(source, description);
  }

  forget(source: SourceNumber): void {
    for (const sources of [this.#fresh, this.#open, this.#once]) sources.delete(source);
  }

  /** The run, and what goes along with it. `known`: what blocks so far say of its source. */
  introduce(run: Run, known: SourceRecord | undefined): Introduced {
    const fresh = this.#fresh.get(run.source);
    if (fresh) {
      this.#fresh.delete(run.source);
      this.#open.add(run.source);
      return { run, description: fresh };
    }
    if (!known || !this.#once.delete(run.source)) return { run, description: undefined };
    const state = run.state ?? (known.state.length > 0 ? known.state : undefined);
    return { run: { ...run, state }, description: known.description };
  }

  /** The open block was appended. */
  blockEnded(): void {
    for (const source of this.#open) this.#once.add(source);
    this.#open.clear();
  }
}
