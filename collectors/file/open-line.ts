/** A last line without an end, or a group that may go on: how long it is, and since when it has not grown. */
import type { MonotonicMs } from '../../spool/ports.ts';

export class OpenLine {
  #timeoutMs = 0;
  #bytes = -1;
  #since: MonotonicMs = 0;
  #patienceMs = 0;

  /** When it will be taken as it is; undefined without one. */
  get due(): MonotonicMs | undefined {
    return this.#bytes >= 0 ? this.#since + this.#timeoutMs + this.#patienceMs : undefined;
  }

  /** It stands there with so many bytes. True once it has not grown for `timeoutMs`, and for `patienceMs` more. */
  isOver(bytes: number, now: MonotonicMs, timeoutMs: number, patienceMs: number): boolean {
    this.#timeoutMs = timeoutMs;
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
