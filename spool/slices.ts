/** Long work in slices: signals, time-outs and whoever asks for status get their turn in between. */
import type { Clock } from './ports.ts';

const sliceMs = 10;

export class Slices {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** To be called between small steps; waits only where a slice is over. */
  async rest(): Promise<void> {
    if (this.#clock.monotonic() - this.#since < sliceMs) return;
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#since = this.#clock.monotonic();
  }
}
