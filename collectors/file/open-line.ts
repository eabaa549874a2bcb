/** A last line without an end: how long it is, and since when it has not grown. */
import type { MonotonicMs } from '../../spool/ports.ts';

export class OpenLine {
  readonly #timeoutMs: number;
  #bytes = -1;
  #since: MonotonicMs = 0;
  #patienceMs = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** When it will be taken as it is; undefined without one. */
  get due(): MonotonicMs | undefined {
    return this.#bytes >= 0 ? this.#since + this.#timeoutMs + this.#patienceMs : undefined;
  }

  /** It stands there with so many bytes. True once it has not grown for long enough, and for `patienceMs` more. */
  isOver(bytes: number, now: MonotonicMs, patienceMs: number): boolean {
    this.#patienceMs = patienceMs;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#since = now;
    }
    return !(now - this.#since < this.#timeoutMs + patienceMs);
  }

  close(): void {
    this.#bytes = -1;
  }
}
