/**
 * Memory for blocks that are written but not yet synced: a ring, given out and taken back in order, so that what is in
 * flight is bounded and nothing is left to the garbage collector. What is larger than the ring gets memory of its own, alone.
 */

export class BlockArena {
  readonly #ring: Buffer;
  /** Start offset and length of the pieces in the ring, oldest first; a piece outside has offset −1. */
  readonly #pieces: { readonly at: number; length: number }[] = [];

  constructor(bytes: number) {
    this.#ring = Buffer.allocUnsafeSlow(bytes);
  }

  /** True where a block of so many bytes may be added now. */
  fits(bytesMax: number): boolean {
    return bytesMax > this.#ring.length ? this.#pieces.length === 0 : this.#place(bytesMax) >= 0;
  }

  /** Room for at most `bytesMax` bytes, to be followed by `keep`. Never refuses: ask `fits` first where there is a choice. */
  take(bytesMax: number): Buffer {
    const at = bytesMax > this.#ring.length ? -1 : this.#place(bytesMax);
    this.#pieces.push({ at, length: bytesMax });
    return at < 0 ? Buffer.allocUnsafeSlow(bytesMax) : this.#ring.subarray(at, at + bytesMax);
  }

  /** Of what was taken last, only the first `length` bytes are used. */
  keep(length: number): void {
    this.#pieces.at(-1)!.length = length;
  }

  /** Takes back the `count` oldest pieces. */
  free(count: number): void {
    this.#pieces.splice(0, count);
  }

  /** An offset with so much room behind it, or −1. */
  #place(bytesMax: number): number {
    const oldest = this.#pieces.find(isInRing);
    const newest = this.#pieces.findLast(isInRing);
    if (!oldest || !newest) return 0;
    const next = newest.at + newest.length;
    if (newest.at < oldest.at) return next + bytesMax <= oldest.at ? next : -1;
    if (next + bytesMax <= this.#ring.length) return next;
    return bytesMax <= oldest.at ? 0 : -1;
  }
}

function isInRing(piece: { readonly at: number }): boolean {
  return piece.at >= 0;
}
