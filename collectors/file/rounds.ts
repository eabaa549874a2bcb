/** Whose turn it is: a round of those with something to do, those due at a time, and a slow round over all. */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { Lineage } from './lineage.ts';
import { pace } from './options.ts';

export class Rounds {
  /** First in, first out; each at most once. */
  readonly #ready = new Set<Lineage>();
  readonly #due = new Map<Lineage, MonotonicMs>();
  #slow: Iterator<Lineage> | undefined;
  #slowCredit = 0;
  #slowAt: MonotonicMs | undefined;

  get isEmpty(): boolean {
    return this.#ready.size === 0;
  }

  add(lineage: Lineage): void {
    this.#ready.add(lineage);
  }

  next(): Lineage | undefined {
    for (const lineage of this.#ready) {
      this.#ready.delete(lineage);
      return lineage;
    }
    return undefined;
  }

  /** To be looked at again at `at`, or not before something happens. */
  due(lineage: Lineage, at: MonotonicMs | undefined): void {
    const now = lineage.lastLook;
    const poll = now - lineage.lastData < pace.hotMs ? now + pace.pollMs : undefined;
    const next = Math.min(at ?? Number.POSITIVE_INFINITY, poll ?? Number.POSITIVE_INFINITY);
    if (Number.isFinite(next)) this.#due.set(lineage, next);
    else this.#due.delete(lineage);
  }

  nextDue(): MonotonicMs {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#due.values()) if (at < next) next = at;
    return next;
  }

  takeDue(now: MonotonicMs): Lineage[] {
    const taken: Lineage[] = [];
    for (const [lineage, at] of this.#due) {
      if (at > now) continue;
      this.#due.delete(lineage);
      taken.push(lineage);
    }
    return taken;
  }

  /** The next part of the slow round over all, a fixed number of looks a second. */
  takeQuiet(all: ReadonlyMap<string, Lineage>, now: MonotonicMs): Lineage[] {
    const passed = now - (this.#slowAt ?? now);
    this.#slowAt = now;
    this.#slowCredit += (passed * Math.min(pace.quietLooksPerSecondMax, all.size)) / 1000;
    const taken: Lineage[] = [];
    for (; this.#slowCredit >= 1; this.#slowCredit--) {
      this.#slow ??= all.values();
      const next = this.#slow.next();
      if (next.done) this.#slow = undefined;
      else taken.push(next.value);
    }
    return taken;
  }
}
