/**
 * Lines in another encoding, as lines of UTF-8. They are cut in the source's own bytes; each is decoded by itself, so that a broken one costs no
 * other. A line that is too long, or has no end yet, goes in pieces that no character is torn by.
 */
import { type Encoding, settled } from './encodings.ts';
import { type Fresh, nothingTaken, type Shape, type Shaped, shapedBytesTarget } from './shape.ts';

/** UTF-8 takes at most three bytes for one of the source. */
export const encodedLineBytesMax = 4 * 1024 * 1024;
/** Bytes of one character, at most, in any encoding there is. */
const characterBytesMax = 4;

export class EncodedLines implements Shape {
  readonly format = 'text';
  readonly timeoutMs = 0;
  readonly openBytesMax: number;
  readonly #name: string;
  readonly #lineBytesMax: number;

  constructor(name: string, lineBytesMax: number) {
    this.#name = name;
    this.#lineBytesMax = lineBytesMax;
    this.openBytesMax = lineBytesMax + 8;
  }

  encodingOf(start: Uint8Array): Encoding | undefined {
    return settled(this.#name, start)?.encoding;
  }

  cut(fresh: Fresh): Shaped {
    const { bytes, offset, start, ends, unterminated } = fresh;
    const known = settled(this.#name, start);
    if (!known && !ends) return { ...nothingTaken, unterminated, state: 0, openLine: true };
    const { encoding, markBytes } = known ?? settled(this.#name, Buffer.alloc(2))!;
    const skipped = skippedBytes(fresh, encoding, markBytes);
    const lines = wholeLines(bytes, skipped, offset, encoding, this.#lineBytesMax);
    if (lines.taken > 0) return { ...lines, unterminated: false, state: 0, openLine: true, split: 0, unparsed: 0 };
    // Half a unit may become a line feed.
    const isTooLong = encoding.align(bytes.length - skipped) > this.#lineBytesMax;
    if (!ends && !isTooLong) return { ...nothingTaken, unterminated, state: 0, openLine: true };
    const upto = isTooLong ? skipped + encoding.align(this.#lineBytesMax) : bytes.length;
    return { ...nothingTaken, ...piece(bytes, skipped, upto, encoding), state: 0, openLine: true };
  }
}

/** The byte order mark, and the second half of a unit whose first half was given up. */
export function skippedBytes({ bytes, offset }: Fresh, encoding: Encoding, markBytes: number): number {
  const skipped = offset === 0 ? markBytes : offset - encoding.align(offset);
  return Math.min(bytes.length, skipped);
}

function wholeLines(bytes: Uint8Array, from: number, offset: number, encoding: Encoding, lineBytesMax: number) {
  const records: Uint8Array[] = [];
  let undecodable = 0;
  let at = from;
  for (let made = 0; made < shapedBytesTarget; ) {
    const end = encoding.lineEnd(bytes, at, offset);
    if (end === -1 || end - encoding.unitBytes - at > lineBytesMax) break;
    const line = encoding.decode(bytes.subarray(at, end - encoding.unitBytes));
    undecodable += line.undecodable;
    const record = recordOf(line.text);
    made += record.length;
    records.push(record);
    at = end;
  }
  return { taken: records.length > 0 ? at : 0, records, undecodable };
}

/** A decoder that gives a line feed where none stands would make two records of one. */
function recordOf(text: string): Buffer {
  return Buffer.from(`${text.includes('\n') ? text.replaceAll('\n', '\ufffd') : text}\n`);
}

function piece(bytes: Uint8Array, from: number, upto: number, encoding: Encoding) {
  if (upto <= from) return { taken: upto, unterminated: false };
  const { end, text, undecodable } = wholeCharacters(bytes, from, upto, encoding);
  return { taken: end, records: [recordOf(text)], undecodable, unterminated: true };
}

/** A stretch that ends up to three bytes sooner where that leaves fewer broken characters: the last one goes on behind it. */
export function wholeCharacters(bytes: Uint8Array, from: number, upto: number, encoding: Encoding) {
  let best = { end: upto, ...encoding.decode(bytes.subarray(from, upto)) };
  const { unitBytes } = encoding;
  for (let less = unitBytes; less < characterBytesMax; less += unitBytes) {
    if (best.undecodable === 0 || upto - less <= from) break;
    const shorter = encoding.decode(bytes.subarray(from, upto - less));
    if (shorter.undecodable < best.undecodable) best = { end: upto - less, ...shorter };
  }
  return best;
}
