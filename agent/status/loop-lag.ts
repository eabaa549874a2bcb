/** The longest time that the event loop was late within about the last minute: what a hung synchronous call looks like. */
import type { Clock, MonotonicMs, Timer } from '../../spool/ports.ts';

const tickMs = 500;
const spanMs = 30_000;

export class LoopLag implements Disposable {
  readonly #clock: Clock;
  #timer: Timer;
  #expected: MonotonicMs;
  #spanBegan: MonotonicMs;
  /** The worst of the span that runs, and of the one before it. */
  #worst = 0;
  #worstBefore = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#spanBegan = clock.monotonic();
    this.#expected = this.#spanBegan + tickMs;
    this.#timer = clock.after(tickMs, () => this.#tick());
  }

  get worstMs(): number {
    return Math.max(this.#worst, this.#worstBefore);
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    if (now - this.#spanBegan > spanMs) {
      this.#worstBefore = this.#worst;
      this.#worst = 0;
      this.#spanBegan = now;
    }
    this.#worst = Math.max(this.#worst, now - this.#expected);
    this.#expected = now + tickMs;
    this.#timer = this.#clock.after(tickMs, () => this.#tick());
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }
}
