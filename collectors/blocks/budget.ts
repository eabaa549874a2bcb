/** Bytes in memory over all requests. Nobody waits for it: who gets none is sent away and comes again. */
export class Budget {
  readonly bytesMax: number;
  #used = 0;
  #peak = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get used(): number {
    return this.#used;
  }

  get peak(): number {
    return this.#peak;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.bytesMax) return false;
    this.#used += bytes;
    this.#peak = Math.max(this.#peak, this.#used);
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
