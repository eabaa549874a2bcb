/**
 * Puts the small pieces of a batch together per file, so that a block with a line of each of a thousand files does not
 * become a thousand writes; large pieces go straight to their file. Order within a file is kept.
 */
import type { Shelf, Target } from './shelf.ts';

const gatheredBytesMax = 4 * 1024 * 1024;
const directBytesMin = 32 * 1024;

export class Gather {
  readonly #shelf: Shelf;
  readonly #waiting = new Map<Target, Uint8Array[]>();
  #waitingBytes = 0;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** Copies what it does not write at once. */
  add(target: Target, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (bytes.length >= directBytesMin) {
      this.#write(target);
      this.#shelf.append(target, bytes);
      return;
    }
    const pieces = this.#waiting.get(target);
    if (pieces) pieces.push(Uint8Array.from(bytes));
    else this.#waiting.set(target, [Uint8Array.from(bytes)]);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= gatheredBytesMax) this.flush();
  }

  flush(): void {
    for (const target of [...this.#waiting.keys()]) this.#write(target);
  }

  #write(target: Target): void {
    const pieces = this.#waiting.get(target);
    if (!pieces) return;
    this.#waiting.delete(target);
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    this.#waitingBytes -= bytes.length;
    this.#shelf.append(target, bytes);
  }
}
