/**
 * Where MessagePack values end, as their bytes arrive: gives each whole value's bytes, undecoded. Pure, never throws; any cutting
 * of the same bytes gives the same values. Holds one value of limited size, of limited depth and number of parts, so that
 * decoding it is bounded too. https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export interface FramerLimits {
  readonly valueBytesMax: number;
  readonly depthMax: number;
  /** Values within a value, all of them. */
  readonly partsMax: number;
}

export type Wrong = 'too_large' | 'too_deep' | 'malformed';

export type Framed =
  | { readonly kind: 'value'; readonly bytes: Buffer }
  /** Nothing more is read. */
  | { readonly kind: 'broken'; readonly why: Wrong };

/** What a length that follows the type byte is the length of. */
type Lengthy = 'payload' | 'extension' | 'array' | 'map';

/** One that is being read. */
interface Length {
  readonly of: Lengthy;
  /** Bytes of it that are still to come. */
  left: number;
  value: number;
}

/** From 0xc0 on: bytes of a payload, or of a length and of what it is. */
const types: readonly (number | readonly [number, Lengthy] | undefined)[] = [
  ...[0, undefined, 0, 0], // nil, never used, false, true
  ...([
    [1, 'payload'],
    [2, 'payload'],
    [4, 'payload'],
  ] as const), // bin
  ...([
    [1, 'extension'],
    [2, 'extension'],
    [4, 'extension'],
  ] as const),
  ...[4, 8, 1, 2, 4, 8, 1, 2, 4, 8], // float, uint, int
  ...[2, 3, 5, 9, 17], // fixext
  ...([
    [1, 'payload'],
    [2, 'payload'],
    [4, 'payload'],
  ] as const), // str
  ...([
    [2, 'array'],
    [4, 'array'],
    [2, 'map'],
    [4, 'map'],
  ] as const),
];

export class ValueFramer {
  readonly #limits: FramerLimits;
  /** Earlier pieces of the value that is being read. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** How many values each open array and map still has to get. */
  #open: number[] = [];
  #parts = 0;
  /** Of a payload, still to come. */
  #payload = 0;
  #length: Length | undefined;
  #broken = false;

  constructor(limits: FramerLimits) {
    this.#limits = limits;
  }

  /** Of a value that has begun and not ended. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The values that this piece completes; views of it where they stand in it whole. */
  feed(piece: Uint8Array): Framed[] {
    const found: Framed[] = [];
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    let begin = 0;
    for (let at = 0; at < bytes.length && !this.#broken; ) {
      const passed = Math.min(this.#payload, bytes.length - at);
      const outcome = passed > 0 ? this.#pass(passed) : this.#byte(bytes[at] as number);
      at += passed || 1;
      if (this.#heldBytes + at - begin + this.#payload > this.#limits.valueBytesMax) this.#break('too_large', found);
      else if (outcome === 'whole') {
        found.push({ kind: 'value', bytes: this.#whole(bytes.subarray(begin, at)) });
        begin = at;
      } else if (outcome !== 'more') this.#break(outcome, found);
    }
    if (!this.#broken && begin < bytes.length) this.#hold(Buffer.from(bytes.subarray(begin)));
    return found;
  }

  #pass(bytes: number): 'more' | 'whole' {
    this.#payload -= bytes;
    return this.#payload > 0 ? 'more' : this.#ended();
  }

  #byte(byte: number): 'more' | 'whole' | Wrong {
    if (this.#length) return this.#lengthByte(this.#length, byte);
    if (byte < 0x80 || byte >= 0xe0) return this.#ended();
    if (byte < 0x90) return this.#container(2 * (byte & 0x0f));
    if (byte < 0xa0) return this.#container(byte & 0x0f);
    if (byte < 0xc0) return this.#bytes(byte & 0x1f);
    const type = types[byte - 0xc0];
    if (type === undefined) return 'malformed';
    if (typeof type === 'number') return this.#bytes(type);
    this.#length = { of: type[1], left: type[0], value: 0 };
    return 'more';
  }

  #lengthByte(length: Length, byte: number): 'more' | 'whole' | Wrong {
    length.value = length.value * 256 + byte;
    length.left -= 1;
    if (length.left > 0) return 'more';
    this.#length = undefined;
    const { of, value } = length;
    switch (of) {
      case 'payload':
        return this.#bytes(value);
      case 'extension':
        return this.#bytes(value + 1);
      case 'array':
        return this.#container(value);
      case 'map':
        return this.#container(2 * value);
      default:
        return of satisfies never;
    }
  }

  #bytes(count: number): 'more' | 'whole' {
    this.#payload = count;
    return count > 0 ? 'more' : this.#ended();
  }

  #container(count: number): 'more' | 'whole' | Wrong {
    this.#parts += count;
    if (this.#parts > this.#limits.partsMax) return 'too_large';
    if (count === 0) return this.#ended();
    if (this.#open.length >= this.#limits.depthMax) return 'too_deep';
    this.#open.push(count);
    return 'more';
  }

  /** A value has ended, and with it those whose last it was. */
  #ended(): 'more' | 'whole' {
    for (let last = this.#open.length - 1; last >= 0; last--) {
      const left = (this.#open[last] as number) - 1;
      this.#open[last] = left;
      if (left > 0) return 'more';
      this.#open.pop();
    }
    this.#parts = 0;
    return 'whole';
  }

  #whole(end: Buffer): Buffer {
    if (this.#held.length === 0) return end;
    const whole = Buffer.concat([...this.#held, end]);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #break(why: Wrong, found: Framed[]): void {
    this.#broken = true;
    this.#held = [];
    this.#heldBytes = 0;
    found.push({ kind: 'broken', why });
  }
}
