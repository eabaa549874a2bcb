/**
 * Gives heap back to the system once the process has become quiet: after its start, and after load. V8 by itself keeps what it
 * grew to until something is allocated again. Costs some 45 ms, so it is done seldom, and only where the heap has grown.
 */
import type { Clock, Timer } from '../spool/ports.ts';
import type { Heap } from './ports.ts';

const lookMs = 5_000;
/** Of a core, over the time between two looks: with less the process is quiet. */
const quietShareMax = 0.02;
const growthBytesMin = 1024 * 1024;
const distanceMsMin = 10 * 60_000;

export class QuietHeap implements Disposable {
  readonly #heap: Heap;
  readonly #clock: Clock;
  #timer: Timer;
  #cpuMs: number;
  #shrunk: { readonly at: number; readonly bytes: number } | undefined;

  constructor(heap: Heap, clock: Clock) {
    this.#heap = heap;
    this.#clock = clock;
    this.#cpuMs = heap.cpuMs();
    this.#timer = clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    const cpuMs = this.#heap.cpuMs();
    if (cpuMs - this.#cpuMs < lookMs * quietShareMax && this.#worthIt()) {
      this.#heap.shrink();
      this.#shrunk = { at: this.#clock.monotonic(), bytes: this.#heap.bytes() };
    }
    this.#cpuMs = this.#heap.cpuMs();
    this.#timer = this.#clock.after(lookMs, () => this.#look());
  }

  #worthIt(): boolean {
    if (this.#shrunk === undefined) return true;
    const { at, bytes } = this.#shrunk;
    return this.#clock.monotonic() - at >= distanceMsMin && this.#heap.bytes() >= bytes + growthBytesMin;
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }
}
