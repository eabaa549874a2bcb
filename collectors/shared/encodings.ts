/**
 * Text in other encodings than UTF-8: where its lines end, and what they are as text. Lines are cut in the source's own bytes, so that cursors
 * stay offsets of the source; what does not decode becomes U+FFFD and is counted. Encodings are those of the WHATWG standard, as
 * the platform's TextDecoder has them (`latin1` is windows-1252 there).
 */
const lineFeed = 10;
const { indexOf, lastIndexOf } = Buffer.prototype;
const byteOrderMarkCode = 0xfeff;
const replacement = '\ufffd';

/** The encoding that a label names, in lower case; undefined for a label that nobody knows. */
export function encodingOf(label: string): string | undefined {
  const name = label.trim().toLowerCase();
  // TextDecoder takes it for utf-16le; here the byte order mark decides.
  if (name === 'utf-16') return name;
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return undefined;
  }
}

/** What a line has become, and how many sequences of it did not decode. */
export interface Decoded {
  readonly text: string;
  readonly undecodable: number;
}

/** One encoding, with its byte order settled. */
export class Encoding {
  readonly name: string;
  /** Bytes of a line feed, and what lines are aligned to: 1 or 2. */
  readonly unitBytes: number;
  readonly #isBigEndian: boolean;
  readonly #decoder: InstanceType<typeof TextDecoder>;

  constructor(name: string) {
    this.name = name;
    this.unitBytes = name.startsWith('utf-16') ? 2 : 1;
    this.#isBigEndian = name === 'utf-16be';
    this.#decoder = new TextDecoder(name, { ignoreBOM: true });
  }

  /** Where the unit begins that an offset of the source is in. */
  align(offset: number): number {
    return offset - (offset % this.unitBytes);
  }

  /** Behind the first line feed at or behind `from`, or −1. `bytes` begin at `offset` of the source, which units are aligned to. */
  lineEnd(bytes: Uint8Array, from: number, offset: number): number {
    if (this.unitBytes === 1) return indexOf.call(bytes, lineFeed, from) + 1 || -1;
    for (let at = indexOf.call(bytes, lineFeed, from); at !== -1; at = indexOf.call(bytes, lineFeed, at + 1)) {
      const end = this.#endOfUnit(bytes, at, offset);
      if (end > 0) return end;
    }
    return -1;
  }

  /** Behind the last line feed of the bytes, or −1. */
  lastLineEnd(bytes: Uint8Array, offset: number): number {
    if (this.unitBytes === 1) return lastIndexOf.call(bytes, lineFeed) + 1 || -1;
    for (
      let at = lastIndexOf.call(bytes, lineFeed);
      at !== -1;
      at = at > 0 ? lastIndexOf.call(bytes, lineFeed, at - 1) : -1
    ) {
      const end = this.#endOfUnit(bytes, at, offset);
      if (end > 0) return end;
    }
    return -1;
  }

  /** The line feed's byte stands at `at`: where its unit ends, or −1 where it is half of another character. */
  #endOfUnit(bytes: Uint8Array, at: number, offset: number): number {
    const isSecond = (offset + at) % 2 === 1;
    if (isSecond !== this.#isBigEndian) return -1;
    const other = isSecond ? at - 1 : at + 1;
    if (other < 0 || other >= bytes.length || bytes[other] !== 0) return -1;
    return isSecond ? at + 1 : at + 2;
  }

  /** Whole lines, or pieces of one, without their line feeds. Never throws. */
  decode(bytes: Uint8Array): Decoded {
    const text = this.#decoder.decode(bytes);
    const found = count(text);
    return { text, undecodable: found === 0 ? 0 : Math.max(0, found - this.#written(bytes)) };
  }

  /** How often U+FFFD stands in the bytes themselves. */
  #written(bytes: Uint8Array): number {
    if (this.unitBytes === 1 && this.name !== 'utf-8') return 0;
    const pattern = this.name === 'utf-8' ? [0xef, 0xbf, 0xbd] : this.#isBigEndian ? [0xff, 0xfd] : [0xfd, 0xff];
    const sought = Buffer.from(pattern);
    let found = 0;
    for (let at = indexOf.call(bytes, sought); at !== -1; at = indexOf.call(bytes, sought, at + 1))
      if (at % this.unitBytes === 0) found++;
    return found;
  }
}

/**
 * The encoding of a source that begins with these bytes (three are enough), and how long its byte order mark is. In UTF-16 the mark
 * decides the order, whatever was configured; without one `utf-16` is little-endian. undefined: too few bytes to tell.
 */
export function settled(
  name: string,
  start: Uint8Array,
): { readonly encoding: Encoding; readonly markBytes: number } | undefined {
  if (name === 'utf-8') {
    const isMark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf;
    return { encoding: encodingNamed(name), markBytes: isMark ? 3 : 0 };
  }
  if (!name.startsWith('utf-16')) return { encoding: encodingNamed(name), markBytes: 0 };
  if (start.length < 2) return undefined;
  const first = start[0]! * 256 + start[1]!;
  if (first === byteOrderMarkCode) return { encoding: encodingNamed('utf-16be'), markBytes: 2 };
  if (first === 0xfffe) return { encoding: encodingNamed('utf-16le'), markBytes: 2 };
  return { encoding: encodingNamed(name === 'utf-16' ? 'utf-16le' : name), markBytes: 0 };
}

const known = new Map<string, Encoding>();

/** One of each: decoders keep nothing between two calls. */
export function encodingNamed(name: string): Encoding {
  const encoding = known.get(name) ?? new Encoding(name);
  known.set(name, encoding);
  return encoding;
}

function count(text: string): number {
  let found = 0;
  for (let at = text.indexOf(replacement); at !== -1; at = text.indexOf(replacement, at + 1)) found++;
  return found;
}
