/** Bytes of a frame that has not ended, copied from pieces that go away. Grows as it has to and gives its memory back when it is taken. */

const smallestBytes = 256;
const nothing = Buffer.alloc(0);

export class Held {
  #buffer: Buffer = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What it takes, which is more than `length`. */
  get memoryBytes(): number {
    return this.#buffer.length;
  }

  /** As far as it is there; valid until the next call of anything here. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      // Not from the pool: a slice of that would pin all of it.
      const grown = Buffer.allocUnsafeSlow(Math.max(smallestBytes, length, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  /** All of it, which is the caller's from now on. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = nothing;
    this.#length = 0;
    return taken;
  }
}

/**
 * Where bytes can be cut at or before `limit`, `next` being the byte that follows: not within a character of UTF-8. Where the bytes are
 * no UTF-8 it is `limit`.
 */
export function cutBetweenCharacters(bytes: Uint8Array, limit: number, next: number): number {
  if (!isContinuation(next)) return limit;
  for (let at = limit - 1; at >= Math.max(1, limit - 3); at--) {
    const byte = bytes[at]!;
    if (isContinuation(byte)) continue;
    return byte >= 0xc0 ? at : limit;
  }
  return limit;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
