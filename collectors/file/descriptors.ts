/**
 * Open files, bounded: the one that was used longest ago is closed first, but never one that was deleted before it was read to
 * its end (it could not be opened again), nor one whose name is not known.
 */
import type { Clock, MonotonicMs } from '../../spool/ports.ts';
import type { Generation } from './generation.ts';
import { pace } from './options.ts';

export class Descriptors {
  readonly max: number;
  readonly #clock: Clock;
  /** In order of last use. */
  readonly #open = new Map<Generation, MonotonicMs>();
  #turnsTakenAt: MonotonicMs | undefined;

  constructor(max: number, clock: Clock) {
    this.max = max;
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /** True while files that were in use lately had to be closed for others. */
  get takingTurns(): boolean {
    return this.#turnsTakenAt !== undefined && this.#clock.monotonic() - this.#turnsTakenAt < 2 * pace.hotMs;
  }

  get held(): Iterable<Generation> {
    return this.#open.keys();
  }

  opened(generation: Generation): void {
    this.#open.set(generation, this.#clock.monotonic());
    if (this.#open.size > this.max) this.#closeOne(generation);
  }

  used(generation: Generation): void {
    this.#open.delete(generation);
    this.#open.set(generation, this.#clock.monotonic());
  }

  close(generation: Generation): void {
    this.#open.delete(generation);
    generation.close();
  }

  closeAll(): void {
    for (const generation of [...this.#open.keys()]) this.close(generation);
  }

  /** Closes what has given nothing for long, if it could be opened again. */
  closeIdle(couldReopen: (generation: Generation) => boolean): void {
    const now = this.#clock.monotonic();
    for (const generation of this.#open.keys()) {
      if (now - generation.lastProgress < pace.idleCloseMs) continue;
      if (couldReopen(generation)) this.close(generation);
    }
  }

  #closeOne(except: Generation): void {
    const now = this.#clock.monotonic();
    for (const [generation, usedAt] of this.#open) {
      if (generation === except || generation.deleted || generation.place === undefined) continue;
      if (now - usedAt < pace.hotMs && now - generation.lastProgress < pace.hotMs) this.#turnsTakenAt = now;
      this.close(generation);
      return;
    }
  }
}
