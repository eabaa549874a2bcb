/** Troubles that were and may come again: a problem in status for a while after the last time. Never red: nothing is to be done at once. */
import type { Clock, Problem } from '../../spool/ports.ts';

const shownMsMax = 10 * 60_000;

export interface Trouble {
  readonly cause: string;
  readonly subject: string;
  readonly hint: string;
  /** From how often it happened lately. */
  readonly message: (count: number) => string;
}

/** Follows a count that only grows. */
export class Notice {
  readonly #trouble: Trouble;
  readonly #clock: Clock;
  #total = 0;
  #count = 0;
  #since = 0;
  #last = 0;

  constructor(trouble: Trouble, clock: Clock) {
    this.#trouble = trouble;
    this.#clock = clock;
  }

  /** `total`: how often it happened since the process began. */
  look(total: number): Problem | undefined {
    const now = this.#clock.now();
    if (now - this.#last > shownMsMax) this.#count = 0;
    if (total > this.#total) {
      if (this.#count === 0) this.#since = now;
      this.#count += total - this.#total;
      this.#total = total;
      this.#last = now;
    }
    if (this.#count === 0) return undefined;
    const { message, ...rest } = this.#trouble;
    return { ...rest, message: message(this.#count), since: this.#since, red: false };
  }
}
