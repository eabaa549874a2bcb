/**
 * How large a body the endpoint takes, as far as it has shown: halved after a 413, so that the next block is not refused once more,
 * and tried larger again after a while. It only decides where blocks are halved, never whether.
 */

/** After so many bodies went through, twice as much is tried. */
const growAfter = 64;

export class BodyLimit {
  #bytesMax: number | undefined;
  #refusedBytes = 0;
  #accepted = 0;

  /** Bytes as they go over the wire; undefined: nothing was ever too large. */
  get bytesMax(): number | undefined {
    return this.#bytesMax;
  }

  allows(bytes: number): boolean {
    return this.#bytesMax === undefined || bytes <= this.#bytesMax;
  }

  refused(bytes: number): void {
    this.#refusedBytes = bytes;
    this.#bytesMax = Math.max(1, Math.min(this.#bytesMax ?? bytes, Math.floor(bytes / 2)));
    this.#accepted = 0;
  }

  accepted(): void {
    if (this.#bytesMax === undefined || ++this.#accepted < growAfter) return;
    this.#accepted = 0;
    this.#bytesMax *= 2;
    // Larger than anything that was ever refused: there may be no limit any more.
    if (this.#bytesMax > 2 * this.#refusedBytes) this.#bytesMax = undefined;
  }
}
