/**
 * Puts the small pieces of a batch together per file, so that a block with a line of each of a thousand files does not
 * become a thousand writes; large pieces go straight to their file. Order within a file is kept.
 */
import type { Shelf, Target } from './shelf.ts';

const arenaBytes = 4 * 1024 * 1024;
const directBytesMin = 32 * 1024;

/** Reusable: one batch after the other. Its memory is let go with `release`. */
export class Gather {
  #arena: Buffer | undefined;
  #usedBytes = 0;
  /** For each file, offset and length of its pieces in the arena, one after the other. */
  readonly #pieces = new Map<Target, number[]>();

  /** Copies what it does not write at once. */
  add(target: Target, bytes: Uint8Array, shelf: Shelf): void {
    if (bytes.length === 0) return;
    if (bytes.length >= directBytesMin) {
      this.write(target, shelf);
      shelf.append(target, bytes);
      return;
    }
    if (this.#usedBytes + bytes.length > arenaBytes) this.#flush(shelf);
    this.#arena ??= Buffer.allocUnsafeSlow(arenaBytes);
    this.#arena.set(bytes, this.#usedBytes);
    const pieces = this.#pieces.get(target);
    if (pieces) pieces.push(this.#usedBytes, bytes.length);
    else this.#pieces.set(target, [this.#usedBytes, bytes.length]);
    this.#usedBytes += bytes.length;
  }

  /** Writes what waits for one file. */
  write(target: Target, shelf: Shelf): void {
    const pieces = this.#pieces.get(target);
    if (!pieces) return;
    this.#pieces.delete(target);
    shelf.append(target, this.#joined(pieces));
  }

  /** Forgets what was not written, and the memory for it. */
  release(): void {
    this.#pieces.clear();
    this.#usedBytes = 0;
    this.#arena = undefined;
  }

  #flush(shelf: Shelf): void {
    for (const target of [...this.#pieces.keys()]) this.write(target, shelf);
    this.#usedBytes = 0;
  }

  #joined(pieces: readonly number[]): Uint8Array {
    const arena = this.#arena!;
    if (pieces.length === 2) return arena.subarray(pieces[0]!, pieces[0]! + pieces[1]!);
    let length = 0;
    for (let at = 1; at < pieces.length; at += 2) length += pieces[at]!;
    const joined = Buffer.allocUnsafeSlow(length);
    let to = 0;
    for (let at = 0; at < pieces.length; at += 2)
      to += arena.copy(joined, to, pieces[at]!, pieces[at]! + pieces[at + 1]!);
    return joined;
  }
}
