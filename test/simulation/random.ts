/** Randomness from a seed: the same seed gives the same run. `SEED` in the environment replays a printed one. */
import type { Random } from '../../spool/ports.ts';

export class SeededRandom implements Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** splitmix32 (public domain). */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform in 0 … below − 1. */
  below(below: number): number {
    return Math.floor(this.fraction() * below);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32() & 0xff);
  }

  /** A generator of its own, so that what one part draws does not change what another gets. */
  fork(): SeededRandom {
    return new SeededRandom(this.uint32());
  }
}

/** The seed to begin with: `SEED` from the environment, else `otherwise`. */
export function firstSeed(otherwise: number): number {
  const given = process.env.SEED;
  return given === undefined ? otherwise : Number(given);
}
