/** Frames that end with a byte: lines (LF; a CR before it belongs to the end) and NUL-terminated ones. Empty frames are frames. */
import type { Frame, Framing } from './framing.ts';
import { Parts } from './parts.ts';
import { Piece, PieceFrame } from './piece.ts';

const nothing = new Uint8Array(0);
const noPiece = new Piece(nothing);
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
  #piece = noPiece;
  #at = 0;

  constructor(delimiter: number, frameBytesMax: number) {
    this.#delimiter = delimiter;
    this.#parts = new Parts(frameBytesMax);
  }

  get heldBytes(): number {
    return this.#parts.memoryBytes;
  }

  feed(piece: Uint8Array): void {
    this.#piece = piece.length === 0 ? noPiece : new Piece(piece);
    this.#at = 0;
  }

  next(): Frame | undefined {
    const { bytes } = this.#piece;
    const found = bytes.indexOf(this.#delimiter, this.#at);
    if (found >= 0 && this.#parts.fits(found - this.#at)) return this.#within(found);
    const end = found < 0 ? bytes.length : found;
    const over = this.#parts.overflow(bytes, this.#at, end);
    if (over !== undefined) {
      this.#at = over.at;
      return over.frame;
    }
    const rest = bytes.subarray(this.#at, end);
    if (found < 0) {
      this.#parts.keep(rest);
      this.feed(nothing);
      return undefined;
    }
    this.#at = found + 1;
    return this.#withoutCr(this.#parts.close(rest));
  }

  finish(clean: boolean): Frame | undefined {
    if (!this.#parts.begun) return undefined;
    return this.#withoutCr(this.#parts.close(nothing, clean ? undefined : { incomplete: true }));
  }

  /** The usual case: nothing of it has to be copied. */
  #within(end: number): Frame {
    const from = this.#at;
    this.#at = end + 1;
    const cut = this.#delimiter === lf && end > from && this.#piece.bytes[end - 1] === cr ? end - 1 : end;
    return new PieceFrame(this.#piece, from, cut);
  }

  #withoutCr(frame: Frame): Frame {
    const { bytes, flaws } = frame;
    if (this.#delimiter !== lf || bytes[bytes.length - 1] !== cr) return frame;
    return { bytes: bytes.subarray(0, -1), flaws };
  }
}
