/** Bytes to the inside of a JSON string, in one pass: copied, escaped and checked to be UTF-8 at once; and pieces of JSON that are known before. */
import type { Page } from './page.ts';

/** The most that a byte can become (`\u0001`). */
export const bytesPerByteMax = 6;

/** 1: stands for itself; 2: begins a sequence of UTF-8, or is none; 0: has to be escaped. */
const kinds = new Uint8Array(256);
for (let byte = 0x20; byte < 256; byte++) kinds[byte] = byte >= 0x80 ? 2 : byte === 0x22 || byte === 0x5c ? 0 : 1;

/** A stretch of JSON, ready to be copied. */
export interface Piece {
  /** In UTF-8. */
  readonly length: number;
  readonly words: Int32Array;
}

/** What `put` may write beyond a piece's length. */
export const pieceSlackBytes = 3;

export function piece(text: string): Piece {
  const bytes = Buffer.alloc((Buffer.byteLength(text) + pieceSlackBytes) & ~pieceSlackBytes);
  const length = bytes.write(text);
  return { length, words: Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(at * 4)) };
}

/** Four bytes at a time; what that writes too much is written over by what follows. */
export function put({ words, length }: Piece, out: Page, at: number): number {
  for (let i = 0; i < words.length; i++) out.view.setInt32(at + i * 4, words[i]!, true);
  return at + length;
}

/** Writes to `out` from `at` on; gives the end, or −1 where the bytes are not UTF-8 (what was written then means nothing). */
export function writeText(source: Page, from: number, to: number, out: Page, at: number): number {
  const { bytes, view } = source;
  let next = at;
  let i = from;
  while (i < to) {
    // Four at once, as long as each stands for itself.
    for (; i + 4 <= to; i += 4, next += 4) {
      const four = view.getInt32(i, true);
      if (hasSpecial(four)) break;
      out.view.setInt32(next, four, true);
    }
    for (const end = Math.min(to, i + 4); i < end; i++) {
      const byte = bytes[i]!;
      const kind = kinds[byte];
      if (kind === 1) out.bytes[next++] = byte;
      else if (kind === 0) next = writeEscaped(byte, out.bytes, next);
      else {
        const length = sequenceLength(bytes, i, to);
        if (length === 0) return -1;
        for (let more = 0; more < length; more++) out.bytes[next++] = bytes[i + more]!;
        i += length - 1;
      }
    }
  }
  return next;
}

/** One of the four is a control character, a quote, a backslash or no ASCII. May say so where none is, never the other way. */
function hasSpecial(four: number): boolean {
  const quotes = four ^ 0x22222222;
  const slashes = four ^ 0x5c5c5c5c;
  return (((four - 0x20202020) | four | (quotes - 0x01010101) | (slashes - 0x01010101)) & 0x80808080) !== 0;
}

const shortEscapes: Readonly<Record<number, number>> = {
  8: 0x62,
  9: 0x74,
  10: 0x6e,
  12: 0x66,
  13: 0x72,
  34: 0x22,
  92: 0x5c,
};

function writeEscaped(byte: number, out: Uint8Array, at: number): number {
  out[at] = 0x5c;
  const short = shortEscapes[byte];
  if (short !== undefined) {
    out[at + 1] = short;
    return at + 2;
  }
  out[at + 1] = 0x75;
  out[at + 2] = 0x30;
  out[at + 3] = 0x30;
  out[at + 4] = 0x30 + (byte >> 4);
  const low = byte & 15;
  out[at + 5] = low < 10 ? 0x30 + low : 0x57 + low;
  return at + 6;
}

/** Of the well-formed sequence of two to four bytes at `at` (Unicode, table 3-7); 0 where it is none. */
function sequenceLength(bytes: Uint8Array, at: number, to: number): number {
  const first = bytes[at]!;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > to) return 0;
  const second = bytes[at + 1]!;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = at + 2; i < at + length; i++) if ((bytes[i]! & 0xc0) !== 0x80) return 0;
  return length;
}
