/**
 * Follows the descriptions of sources through a spool that is looked into: whose records a block holds, by origin and number.
 * Bounded by the sources that the spool itself keeps live, and by the tables of origins.
 */
import type { Layout, Slice } from './format-nesting.ts';
import type { Id, SourceDescription, SourceNumber } from './nouns.ts';

/** A source in one opening of one spool; its number alone is unique along one line of openings only. */
export interface SourceOnDisk {
  readonly spool: Id;
  readonly source: SourceNumber;
  readonly description: SourceDescription | undefined;
}

export class SourcesOnDisk {
  readonly #known = new Map<string, SourceDescription>();

  /** Takes in what a block says, before its slices are asked for. */
  learn(layout: Layout): void {
    for (const { spool, epoch, parent, entries, table } of layout.statements) {
      for (const { number, description } of entries) this.#known.set(`${spool}.${epoch}.${number}`, description);
      if (table && parent !== undefined) this.#forget(`${spool}.${parent}.`);
    }
  }

  of({ spool, epoch }: Pick<Layout, 'spool' | 'epoch'>, { source }: Pick<Slice, 'source'>): SourceOnDisk {
    return { spool, source, description: this.#known.get(`${spool}.${epoch}.${source}`) };
  }

  /** The table of an epoch says all that is left of its parent's. */
  #forget(prefix: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(prefix)) this.#known.delete(key);
  }
}
