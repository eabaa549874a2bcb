/**
 * Octet counting or lines, told apart once for each connection by how it begins (RFC 6587 section 3.4): up to nine digits, a blank and
 * `<` are a count and a priority, and anything else is a line.
 */
import { octetCountedFraming } from './counted.ts';
import { lineFraming } from './delimited.ts';
import type { Frame, Framing } from './framing.ts';

const beginningBytesMax = 11;

export class ToldApart implements Framing {
  readonly #frameBytesMax: number;
  #beginning = Buffer.alloc(0);
  #chosen: Framing | undefined;
  /** What follows the beginning, until that was cut. */
  #waiting: Uint8Array | undefined;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  get broken(): string | undefined {
    return this.#chosen?.broken;
  }

  get heldBytes(): number {
    return this.#chosen?.heldBytes ?? this.#beginning.length;
  }

  feed(piece: Uint8Array): void {
    if (this.#chosen !== undefined) {
      this.#chosen.feed(piece);
      return;
    }
    const upto = Math.min(piece.length, beginningBytesMax - this.#beginning.length);
    this.#beginning = Buffer.concat([this.#beginning, piece.subarray(0, upto)]);
    const text = this.#beginning.toString('latin1');
    // Not yet told apart: all of it may be the beginning of a count.
    if (/^\d{0,9} ?$/.test(text)) return;
    this.#choose(/^[1-9]\d{0,8} </.test(text), piece.subarray(upto));
  }

  next(): Frame | undefined {
    const frame = this.#chosen?.next();
    if (frame !== undefined || this.#waiting === undefined) return frame;
    this.#chosen?.feed(this.#waiting);
    this.#waiting = undefined;
    return this.#chosen?.next();
  }

  finish(clean: boolean): Frame | undefined {
    if (this.#chosen === undefined) {
      if (this.#beginning.length === 0) return undefined;
      this.#choose(false, new Uint8Array(0));
      while (this.next() !== undefined);
    }
    return this.#chosen?.finish(clean);
  }

  #choose(counted: boolean, rest: Uint8Array): void {
    this.#chosen = counted ? octetCountedFraming(this.#frameBytesMax) : lineFraming(this.#frameBytesMax);
    this.#chosen.feed(this.#beginning);
    this.#waiting = rest;
  }
}
