/**
 * Whose a record is. What blocks say of sources is learnt as they pass; of a source whose description passed before this process
 * began, the spool is asked, which knows its own live ones. A description that nobody has costs attributes, never a record.
 */
import { decodeDescriptions } from '../../../spool/format-descriptions.ts';
import type { Layout } from '../../../spool/format-nesting.ts';
import { SourcesOnDisk } from '../../../spool/format-sources.ts';
import type { Outlet, SourceDescription, SourceNumber } from '../../../spool/nouns.ts';
import type { Clock, MonotonicMs } from '../../../spool/ports.ts';

/** The spool's list is asked for at most so often: with many sources it is long. */
const askEveryMs = 10_000;

export class Sources {
  readonly #outlet: Outlet;
  readonly #clock: Clock;
  readonly #passed = new SourcesOnDisk();
  #own = new Map<SourceNumber, SourceDescription>();
  #askedAt: MonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(outlet: Outlet, clock: Clock) {
    this.#outlet = outlet;
    this.#clock = clock;
  }

  /** Takes in what a block says. */
  learn(layout: Layout): void {
    this.#passed.learn(layout);
  }

  of(layout: Pick<Layout, 'spool' | 'epoch'>, source: SourceNumber): SourceDescription | undefined {
    return this.#passed.of(layout, { source }).description ?? this.#ownOf(layout, source);
  }

  #ownOf({ spool }: Pick<Layout, 'spool'>, source: SourceNumber): SourceDescription | undefined {
    if (spool !== this.#outlet.spool) return undefined;
    const known = this.#own.get(source);
    const now = this.#clock.monotonic();
    if (known || now - this.#askedAt < askEveryMs) return known;
    this.#askedAt = now;
    const entries = decodeDescriptions(this.#outlet.describe()) ?? [];
    this.#own = new Map(entries.map(({ number, description }) => [number, description]));
    return this.#own.get(source);
  }
}
