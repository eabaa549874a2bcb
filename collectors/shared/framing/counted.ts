/**
 * Frames that say their length first: in decimal digits and a blank (octet counting, RFC 6587 section 3.4.1), or in one, two or four
 * bytes. A count that is none breaks the framing: nobody knows where the next one stands.
 */
import { type Page, pageOver } from '../page.ts';
import { Frame, frameOf } from './frame.ts';
import type { Framing } from './framing.ts';
import { Parts } from './parts.ts';

export interface PrefixOptions {
  readonly bytes: 1 | 2 | 4;
  readonly order: 'big' | 'little';
}

/** Lengths of up to nine digits. Line ends between frames, which some senders add, are passed over. */
export function octetCountedFraming(frameBytesMax: number): Framing {
  return new Counted(frameBytesMax, new DecimalCount());
}

/** The length does not count itself. */
export function prefixedFraming(frameBytesMax: number, options: PrefixOptions): Framing {
  return new Counted(frameBytesMax, new BinaryCount(options));
}

/** Reads a count byte by byte: the count, undefined while it goes on, or why it is none. */
interface Count {
  push(byte: number): number | string | undefined;
  /** Bytes of a count that has not ended. */
  readonly begun: Uint8Array;
}

const nothing = new Uint8Array(0);
const noPage = pageOver(nothing);

class Counted implements Framing {
  readonly #count: Count;
  readonly #parts: Parts;
  #piece: Uint8Array = nothing;
  /** Of the piece. */
  #page: Page = noPage;
  #at = 0;
  /** Of the frame that is being read; undefined while its count is. */
  #left: number | undefined;
  #broken: string | undefined;

  constructor(frameBytesMax: number, count: Count) {
    this.#parts = new Parts(frameBytesMax);
    this.#count = count;
  }

  get broken(): string | undefined {
    return this.#broken;
  }

  get heldBytes(): number {
    return this.#parts.memoryBytes;
  }

  feed(piece: Uint8Array): void {
    this.#piece = piece;
    this.#page = piece.length === 0 ? noPage : pageOver(piece);
    this.#at = 0;
  }

  next(): Frame | undefined {
    if (this.#broken !== undefined) return undefined;
    this.#left ??= this.#readCount();
    if (this.#left === undefined) return undefined;
    if (this.#left <= this.#piece.length - this.#at && this.#parts.fits(this.#left)) return this.#within(this.#left);
    const end = Math.min(this.#piece.length, this.#at + this.#left);
    const over = this.#parts.overflow(this.#piece, this.#at, end);
    const upto = over?.at ?? end;
    const bytes = this.#piece.subarray(this.#at, upto);
    this.#left -= upto - this.#at;
    this.#at = upto;
    if (over !== undefined) return over.frame;
    if (this.#left === 0) {
      this.#left = undefined;
      return this.#parts.close(bytes);
    }
    this.#parts.keep(bytes);
    this.feed(nothing);
    return undefined;
  }

  /** The usual case: nothing of it has to be copied. */
  #within(length: number): Frame {
    const from = this.#at;
    this.#at += length;
    this.#left = undefined;
    return new Frame(this.#page, from, this.#at);
  }

  finish(): Frame | undefined {
    if (this.#broken !== undefined) {
      const rest = this.#piece.subarray(this.#at);
      this.feed(nothing);
      return rest.length > 0 ? frameOf(rest, { malformed: true }) : undefined;
    }
    if (this.#left !== undefined) return this.#parts.close(nothing, { incomplete: true });
    const { begun } = this.#count;
    return begun.length > 0 ? frameOf(begun, { malformed: true }) : undefined;
  }

  #readCount(): number | undefined {
    while (this.#at < this.#piece.length) {
      const count = this.#count.push(this.#piece[this.#at]!);
      if (typeof count === 'string') {
        this.#broken = count;
        return undefined;
      }
      this.#at++;
      if (count !== undefined) return count;
    }
    return undefined;
  }
}

const digitsMax = 9;

class DecimalCount implements Count {
  #digits = '';

  get begun(): Uint8Array {
    return Buffer.from(this.#digits);
  }

  push(byte: number): number | string | undefined {
    if (byte >= 0x30 && byte <= 0x39) {
      if (this.#digits.length === digitsMax) return `a length of more than ${digitsMax} digits`;
      this.#digits += String.fromCharCode(byte);
      return undefined;
    }
    if (this.#digits === '')
      return byte === 0x0a || byte === 0x0d || byte === 0 ? undefined : 'no length where a frame begins';
    if (byte !== 0x20) return 'no blank behind the length of a frame';
    const count = Number(this.#digits);
    this.#digits = '';
    return count;
  }
}

class BinaryCount implements Count {
  readonly #options: PrefixOptions;
  #bytes: number[] = [];

  constructor(options: PrefixOptions) {
    this.#options = options;
  }

  get begun(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  push(byte: number): number | undefined {
    this.#bytes.push(byte);
    if (this.#bytes.length < this.#options.bytes) return undefined;
    const order = this.#options.order === 'big' ? this.#bytes : this.#bytes.toReversed();
    this.#bytes = [];
    return order.reduce((sum, each) => sum * 256 + each, 0);
  }
}
