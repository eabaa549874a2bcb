/** A rate limit: each body waits until those before it have had their time. */
import type { Clock, MonotonicMs } from '../../../spool/ports.ts';

export class Pace {
  /** undefined: no limit. */
  readonly #bytesPerSecondMax: number | undefined;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #nextAt: MonotonicMs = 0;

  constructor(bytesPerSecondMax: number | undefined, clock: Clock, signal: AbortSignal) {
    this.#bytesPerSecondMax = bytesPerSecondMax;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Waits until so many bytes may go, or until the signal. */
  async wait(bytes: number): Promise<void> {
    const rate = this.#bytesPerSecondMax;
    if (rate === undefined) return;
    const now = this.#clock.monotonic();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + (bytes / rate) * 1000;
    if (at <= now) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(at - now, resolve);
    const stop = () => resolve();
    this.#signal.addEventListener('abort', stop);
    await promise;
    timer.cancel();
    this.#signal.removeEventListener('abort', stop);
  }
}
