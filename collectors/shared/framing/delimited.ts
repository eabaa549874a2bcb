/** Frames that end with a byte: lines (LF; a CR before it belongs to the end) and NUL-terminated ones. Empty frames are frames. */
import type { Frame, Framing } from './framing.ts';
import { Parts } from './parts.ts';

const nothing = new Uint8Array(0);
const cr = 0x0d;
const lf = 0x0a;

/** `frameBytesMax` counts the CR too. */
export function lineFraming(frameBytesMax: number): Framing {
  return new Delimited(lf, frameBytesMax);
}

export function nulFraming(frameBytesMax: number): Framing {
  return new Delimited(0, frameBytesMax);
}

class Delimited implements Framing {
  readonly broken = undefined;
  readonly #delimiter: number;
  readonly #parts: Parts;
  #piece: Uint8Array = nothing;
  #at = 0;

  constructor(delimiter: number, frameBytesMax: number) {
    this.#delimiter = delimiter;
    this.#parts = new Parts(frameBytesMax);
  }

  get heldBytes(): number {
    return this.#parts.memoryBytes;
  }

  feed(piece: Uint8Array): void {
    this.#piece = piece;
    this.#at = 0;
  }

  next(): Frame | undefined {
    const found = this.#piece.indexOf(this.#delimiter, this.#at);
    const end = found < 0 ? this.#piece.length : found;
    const over = this.#parts.overflow(this.#piece, this.#at, end);
    if (over !== undefined) {
      this.#at = over.at;
      return over.frame;
    }
    const bytes = this.#piece.subarray(this.#at, end);
    if (found < 0) {
      this.#parts.keep(bytes);
      this.feed(nothing);
      return undefined;
    }
    this.#at = found + 1;
    return this.#withoutCr(this.#parts.close(bytes));
  }

  finish(clean: boolean): Frame | undefined {
    if (!this.#parts.begun) return undefined;
    return this.#withoutCr(this.#parts.close(nothing, clean ? undefined : { incomplete: true }));
  }

  #withoutCr(frame: Frame): Frame {
    const { bytes, flaws } = frame;
    if (this.#delimiter !== lf || bytes[bytes.length - 1] !== cr) return frame;
    return { bytes: bytes.subarray(0, -1), flaws };
  }
}
