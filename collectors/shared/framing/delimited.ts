/** Frames that end with a byte: lines (LF; a CR before it belongs to the end) and NUL-terminated ones. Empty frames are frames. */
import { type Page, pageOver } from '../page.ts';
import { Frame } from './frame.ts';
import type { Framing } from './framing.ts';
import { Parts } from './parts.ts';

const nothing = Buffer.alloc(0);
const noPage = pageOver(nothing);
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
  #piece: Buffer = nothing;
  /** Of the piece. */
  #page: Page = noPage;
  #at = 0;

  constructor(delimiter: number, frameBytesMax: number) {
    this.#delimiter = delimiter;
    this.#parts = new Parts(frameBytesMax);
  }

  get heldBytes(): number {
    return this.#parts.memoryBytes;
  }

  feed(piece: Uint8Array): void {
    this.#piece = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    this.#page = pageOver(piece);
    this.#at = 0;
  }

  next(): Frame | undefined {
    const bytes = this.#piece;
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
      this.#piece = nothing;
      this.#at = 0;
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
    const cut = this.#delimiter === lf && end > from && this.#piece[end - 1] === cr ? end - 1 : end;
    return new Frame(this.#page, from, cut);
  }

  #withoutCr(frame: Frame): Frame {
    const { page, from, to, flaws } = frame;
    if (this.#delimiter !== lf || to === from || page.bytes[to - 1] !== cr) return frame;
    return new Frame(page, from, to - 1, flaws);
  }
}
