/** Whose turn it is: a round of those with something to do, those due at a time, and a slow round over all. */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { Lineage } from './lineage.ts';
import { pace } from './options.ts';
import type { Sleeper } from './sleepers.ts';

export class Rounds {
  /** First in, first out; each at most once. */
  readonly #ready = new Set<Lineage>();
  readonly #due = new Map<Lineage, MonotonicMs>();
  /** Not later than the earliest in `#due`. */
  #nextDue: MonotonicMs = Number.POSITIVE_INFINITY;
  readonly #quiet = new SlowRound<Lineage>(pace.quietLooksPerSecondMax);
  readonly #sleeping = new SlowRound<Sleeper>(pace.sleepingLooksPerSecondMax);

  get isEmpty(): boolean {
    return this.#ready.size === 0;
  }

  /** Nothing is due before. */
  get nextDue(): MonotonicMs {
    return this.#nextDue;
  }

  add(lineage: Lineage): void {
    this.#ready.add(lineage);
  }

  /** It has a turn, or is due for one. */
  awaits(lineage: Lineage): boolean {
    return this.#ready.has(lineage) || this.#due.has(lineage);
  }

  isSoonDue(lineage: Lineage, now: MonotonicMs): boolean {
    return (this.#due.get(lineage) ?? Number.POSITIVE_INFINITY) < now + pace.pollMs + pace.beatMs;
  }

  next(): Lineage | undefined {
    for (const lineage of this.#ready) {
      this.#ready.delete(lineage);
      return lineage;
    }
    return undefined;
  }

  /** To be looked at again at `at`; a file that gave data lately also every `pollMs`, in case a hint was lost. */
  due(lineage: Lineage, at: MonotonicMs | undefined, now: MonotonicMs): void {
    const poll = now - lineage.lastData < pace.hotMs ? nextPoll(now) : undefined;
    const next = Math.min(at ?? Number.POSITIVE_INFINITY, poll ?? Number.POSITIVE_INFINITY);
    if (next === Number.POSITIVE_INFINITY) this.#due.delete(lineage);
    else this.#due.set(lineage, next);
    this.#nextDue = Math.min(this.#nextDue, next);
  }

  takeDue(now: MonotonicMs): Lineage[] {
    if (now < this.#nextDue) return [];
    const taken: Lineage[] = [];
    this.#nextDue = Number.POSITIVE_INFINITY;
    for (const [lineage, at] of this.#due) {
      if (at <= now) {
        this.#due.delete(lineage);
        taken.push(lineage);
      } else this.#nextDue = Math.min(this.#nextDue, at);
    }
    return taken;
  }

  /** The next part of the slow round over all that are awake, a fixed number of looks a second. */
  takeQuiet(all: ReadonlyMap<string, Lineage>, now: MonotonicMs): Lineage[] {
    return this.#quiet.take(all, now);
  }

  /** The same of those that sleep. */
  takeSleeping(all: ReadonlyMap<string, Sleeper>, now: MonotonicMs): Sleeper[] {
    return this.#sleeping.take(all, now);
  }

  forget(lineage: Lineage): void {
    this.#ready.delete(lineage);
    this.#due.delete(lineage);
  }
}

class SlowRound<T> {
  readonly #perSecondMax: number;
  #next: Iterator<T> | undefined;
  #credit = 0;
  #at: MonotonicMs | undefined;

  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax;
  }

  take(all: ReadonlyMap<string, T>, now: MonotonicMs): T[] {
    const passed = now - (this.#at ?? now);
    this.#at = now;
    this.#credit += (Math.min(passed, 1000) * Math.min(this.#perSecondMax, all.size)) / 1000;
    const taken: T[] = [];
    for (; this.#credit >= 1; this.#credit--) {
      this.#next ??= all.values();
      const next = this.#next.next();
      if (next.done) this.#next = undefined;
      else taken.push(next.value);
    }
    return taken;
  }
}

/** On a common beat: thousands of files that are looked at in case a hint was lost need not wake the process one by one. */
function nextPoll(now: MonotonicMs): MonotonicMs {
  return Math.ceil((now + pace.pollMs) / pace.beatMs) * pace.beatMs;
}
