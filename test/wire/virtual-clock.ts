/** A clock that moves only when nothing else does, so that hours pass in milliseconds. Times are the same in every run. */
import type { Clock, Timer } from '../../spool/ports.ts';

export class VirtualClock implements Clock {
  #now = 1_700_000_000_000;
  #order = 0;
  readonly #timers = new Map<number, { at: number; call: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, call: () => void): Timer {
    const id = ++this.#order;
    this.#timers.set(id, { at: this.#now + Math.max(0, delayMs), call });
    return { cancel: () => void this.#timers.delete(id) };
  }

  soon(call: () => void): void {
    setImmediate(call);
  }

  /** Lets everything that can happen now happen, then moves on to the next timer, until `done`. */
  async runUntil(done: () => boolean, stepsMax = 100_000): Promise<void> {
    for (let step = 0; step < stepsMax; step++) {
      await settle();
      if (done()) return;
      this.#fireNext();
    }
    throw new Error(`not done after ${stepsMax} timers`);
  }

  async runFor(delayMs: number): Promise<void> {
    let over = false;
    this.after(delayMs, () => {
      over = true;
    });
    await this.runUntil(() => over);
  }

  #fireNext(): void {
    let next: [number, { at: number; call: () => void }] | undefined;
    for (const entry of this.#timers) if (!next || entry[1].at < next[1].at) next = entry;
    if (!next) return;
    this.#timers.delete(next[0]);
    this.#now = Math.max(this.#now, next[1].at);
    next[1].call();
  }
}

/** Several turns of the event loop, so that chains of promises run to their ends. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
