/**
 * A clock that stands still until it is told to go on. Timers fire in order of their time (then of their making), and what
 * they set off (promises, `soon`) settles before the next one fires.
 */
import type { Clock, MonotonicMs, Timer, UnixMs } from '../../spool/ports.ts';

interface Waiting {
  readonly at: MonotonicMs;
  readonly order: number;
  readonly call: () => void;
}

/** 2026-01-01 00:00:00 UTC. */
const defaultStart: UnixMs = 1_767_225_600_000;

export class SimulatedClock implements Clock {
  #wall: UnixMs;
  #monotonic: MonotonicMs = 0;
  #made = 0;
  readonly #timers = new Set<Waiting>();
  readonly #soon: (() => void)[] = [];

  constructor(start: UnixMs = defaultStart) {
    this.#wall = start;
  }

  now(): UnixMs {
    return this.#wall;
  }

  monotonic(): MonotonicMs {
    return this.#monotonic;
  }

  after(delayMs: number, call: () => void): Timer {
    const waiting = { at: this.#monotonic + Math.max(0, delayMs), order: this.#made++, call };
    this.#timers.add(waiting);
    return { cancel: () => this.#timers.delete(waiting) };
  }

  soon(call: () => void): void {
    this.#soon.push(call);
  }

  /** The wall clock is set to another time; the monotonic one and the timers do not notice. */
  setWall(now: UnixMs): void {
    this.#wall = now;
  }

  /** Time passes while nothing else gets a turn: a slow synchronous call. */
  passSilently(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Lets everything that is ready now have its turn, without time passing. */
  async settle(): Promise<void> {
    do {
      for (const call of this.#soon.splice(0)) call();
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.#soon.length > 0);
  }

  /** Lets `ms` pass, with everything that falls due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await this.settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      await this.#fire(next);
    }
    this.passSilently(Math.max(0, end - this.#monotonic));
  }

  /** Goes on, as fast as it can, until the promise settles. Throws after `limitMs` of simulated time, or when nothing is left to wait for. */
  async run<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const end = this.#monotonic + limitMs;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.settle();
    while (!settled) {
      const next = this.#next();
      if (next === undefined) await this.#lastChance(() => settled);
      else if (next.at > end) throw new Error(`not settled within ${limitMs} ms of simulated time`);
      else await this.#fire(next);
    }
    return promise;
  }

  async #fire(next: Waiting): Promise<void> {
    this.#timers.delete(next);
    this.passSilently(Math.max(0, next.at - this.#monotonic));
    next.call();
    await this.settle();
  }

  /** Something real (zlib, a socket) may still be at work. */
  async #lastChance(settled: () => boolean): Promise<void> {
    for (let turn = 0; turn < 100; turn++) {
      await new Promise((resolve) => setTimeout(resolve, turn / 20));
      await this.settle();
      if (settled() || this.#timers.size > 0) return;
    }
    throw new Error('nothing is left to wait for, and it has not settled');
  }

  #next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#timers) {
      if (first === undefined || waiting.at < first.at || (waiting.at === first.at && waiting.order < first.order))
        first = waiting;
    }
    return first;
  }
}
