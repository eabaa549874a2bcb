/**
 * The memory that bodies are collected in. A few large pieces are used again and again: left to the garbage collector, the bodies
 * of a gibibyte of log cost more than all else that the receiver does.
 */

/** Holds an ordinary batch; bodies that need more at once get memory of their own. */
const pieceBytes = 2 * 1024 * 1024;
/** Bodies below this get just what they need. */
const pieceBytesMin = 128 * 1024;
/** What others begin with, however much they say is to come; it grows as bytes arrive. */
const startBytes = 256 * 1024;
/** Of many clients at once, only the first get whole pieces. */
const piecesMax = 3;

export class BodyMemory {
  readonly #spares: Buffer[] = [];
  #pieces = 0;

  /** For a body of which `bytes` are to come: a start, which need not be all. */
  begin(bytes: number): Buffer {
    if (bytes >= pieceBytesMin) {
      const spare = this.#spares.pop();
      if (spare) return spare;
      if (this.#pieces < piecesMax) {
        this.#pieces++;
        return Buffer.allocUnsafeSlow(pieceBytes);
      }
    }
    return Buffer.allocUnsafeSlow(Math.min(bytes, startBytes));
  }

  /** Nobody looks at it any more. */
  giveBack(memory: Buffer): void {
    if (memory.length === pieceBytes && this.#spares.length < piecesMax) this.#spares.push(memory);
  }
}
