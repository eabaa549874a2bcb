/**
 * Many requests that wait for one thing of the spool (that it has room, that it is durable), each for a limited time. The
 * spool is asked by one call at a time, however many come and give up while a disk hangs: nothing piles up in it.
 */
import type { Clock } from '../../spool/ports.ts';

/**
 * Which call helps who comes while one is under way: `running` itself (there is room), or only the `next`, because this one
 * began before (a flush).
 */
export type Helps = 'running' | 'next';

export class Waiting {
  readonly #clock: Clock;
  readonly #call: () => Promise<void>;
  readonly #helps: Helps;
  /** Those that the call under way helps, and those that the next one does. */
  #now = new Set<(done: boolean) => void>();
  #next = new Set<(done: boolean) => void>();
  #running = false;

  constructor(clock: Clock, helps: Helps, call: () => Promise<void>) {
    this.#clock = clock;
    this.#helps = helps;
    this.#call = call;
  }

  /** True once it is so; false after `delayMs`, or when the spool said no. */
  async wait(delayMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.after(delayMs, () => resolve(false));
    const waiters = this.#running && this.#helps === 'running' ? this.#now : this.#next;
    waiters.add(resolve);
    if (!this.#running) void this.#run();
    const done = await promise;
    timer.cancel();
    this.#now.delete(resolve);
    this.#next.delete(resolve);
    return done;
  }

  /** How many wait at the moment. */
  get size(): number {
    return this.#now.size + this.#next.size;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#next.size > 0) {
      this.#now = this.#next;
      this.#next = new Set();
      const done = await this.#call().then(
        () => true,
        () => false,
      );
      for (const resolve of this.#now) resolve(done);
      this.#now = new Set();
    }
    this.#running = false;
  }
}
