/** A piece of a stream, and frames that lie within it: their bytes, or their text, are made only where somebody asks for them. */
import { isAscii } from 'node:buffer';
import type { Frame } from './framing.ts';

export class Piece {
  readonly bytes: Buffer;
  /** Of all of it; null where it is not ASCII. */
  #text: string | null | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  textOf(from: number, to: number): string | undefined {
    if (this.#text === undefined) this.#text = isAscii(this.bytes) ? this.bytes.toString('latin1') : null;
    return this.#text === null ? undefined : this.#text.slice(from, to);
  }
}

export class PieceFrame implements Frame {
  readonly flaws = undefined;
  readonly #piece: Piece;
  readonly #from: number;
  readonly #to: number;

  constructor(piece: Piece, from: number, to: number) {
    this.#piece = piece;
    this.#from = from;
    this.#to = to;
  }

  get bytes(): Uint8Array {
    return this.#piece.bytes.subarray(this.#from, this.#to);
  }

  get text(): string | undefined {
    return this.#piece.textOf(this.#from, this.#to);
  }
}
