/**
 * Checks JSON (RFC 8259) as bytes, value by value, without making anything of it: a body of megabytes may hold millions of small
 * values, and takes no memory here. That it is UTF-8 has to be checked beside it.
 */

/** Arrays and objects within each other; deeper ones would be hard on whoever reads them later. */
const depthMax = 128;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const minus = 0x2d;
const literals = ['true', 'false', 'null'].map((word) => Buffer.from(word));

export class JsonScanner {
  /** Where `value` stopped: behind the value, or at what is wrong. */
  at = 0;
  /** What is wrong there. */
  why = '';
  #bytes: Uint8Array = new Uint8Array(0);
  #upto = 0;
  readonly #closers = new Uint8Array(depthMax);
  #depth = 0;

  /** The first place from `from` on that is no white space. */
  static skip(bytes: Uint8Array, from: number, upto: number): number {
    let at = from;
    while (at < upto && isSpace(bytes[at]!)) at++;
    return at;
  }

  /** True where one value stands at `from` (white space before it is passed over) and ends by `upto`. */
  value(bytes: Uint8Array, from: number, upto: number): boolean {
    this.#bytes = bytes;
    this.#upto = upto;
    this.#depth = 0;
    this.at = from;
    for (;;) {
      if (!this.#begin()) return false;
      if (this.#depth > 0 && this.#opened) continue;
      for (;;) {
        if (this.#depth === 0) return true;
        const next = this.#afterValue();
        if (next === undefined) return false;
        if (next === 'value') break;
      }
    }
  }

  /** The last thing that began was an array or object with something in it. */
  #opened = false;

  /** A scalar, an empty container, or the beginning of a container up to its first value. */
  #begin(): boolean {
    this.#opened = false;
    const byte = this.#next();
    switch (byte) {
      case quote:
        return this.#string();
      case openArray:
      case openObject:
        return this.#open(byte);
      default:
        return byte === minus || isDigit(byte) ? this.#number() : this.#literal();
    }
  }

  #open(byte: number): boolean {
    if (this.#depth === depthMax) return this.#wrong(`more than ${depthMax} arrays and objects within each other`);
    const closer = byte === openArray ? closeArray : closeObject;
    this.at++;
    if (this.#next() === closer) {
      this.at++;
      return true;
    }
    this.#closers[this.#depth++] = closer;
    this.#opened = true;
    return closer === closeArray || this.#key();
  }

  /** Behind a value within a container: to the next value, or out of the container. */
  #afterValue(): 'value' | 'closed' | undefined {
    const closer = this.#closers[this.#depth - 1];
    const byte = this.#next();
    if (byte === closer) {
      this.at++;
      this.#depth--;
      return 'closed';
    }
    if (byte !== comma) {
      this.#wrong(`expected , or ${closer === closeArray ? ']' : '}'}`);
      return undefined;
    }
    this.at++;
    if (closer === closeArray) return 'value';
    return this.#key() ? 'value' : undefined;
  }

  /** A member's name and its colon. */
  #key(): boolean {
    if (this.#next() !== quote) return this.#wrong('expected a name in quotes');
    if (!this.#string()) return false;
    if (this.#next() !== colon) return this.#wrong('expected :');
    this.at++;
    return true;
  }

  #string(): boolean {
    const bytes = this.#bytes;
    for (let at = this.at + 1; at < this.#upto; at++) {
      const byte = bytes[at]!;
      if (byte === quote) {
        this.at = at + 1;
        return true;
      }
      if (byte < 0x20) return this.#wrong('a control character in a string', at);
      if (byte !== backslash) continue;
      const length = escapeLength(bytes, at, this.#upto);
      if (length === 0) return this.#wrong('an unknown escape in a string', at);
      at += length - 1;
    }
    return this.#wrong('a string that does not end');
  }

  #number(): boolean {
    const bytes = this.#bytes;
    let at = this.at;
    if (bytes[at] === minus) at++;
    if (bytes[at] === 0x30 && at < this.#upto) at++;
    else {
      const digits = this.#digits(at);
      if (digits === at) return this.#wrong('a number without digits', at);
      at = digits;
    }
    if (at < this.#upto && bytes[at] === 0x2e) {
      const digits = this.#digits(at + 1);
      if (digits === at + 1) return this.#wrong('a fraction without digits', at);
      at = digits;
    }
    if (at < this.#upto && (bytes[at]! | 0x20) === 0x65) {
      const signed = at + 1 < this.#upto && (bytes[at + 1] === 0x2b || bytes[at + 1] === minus) ? at + 2 : at + 1;
      const digits = this.#digits(signed);
      if (digits === signed) return this.#wrong('an exponent without digits', at);
      at = digits;
    }
    this.at = at;
    return true;
  }

  #digits(from: number): number {
    let at = from;
    while (at < this.#upto && isDigit(this.#bytes[at]!)) at++;
    return at;
  }

  #literal(): boolean {
    for (const word of literals) {
      if (!word.every((byte, index) => this.at + index < this.#upto && this.#bytes[this.at + index] === byte)) continue;
      this.at += word.length;
      return true;
    }
    return this.#wrong(this.at >= this.#upto ? 'it ends too early' : 'expected a value');
  }

  /** The next byte that is no white space; −1 at the end. */
  #next(): number {
    this.at = JsonScanner.skip(this.#bytes, this.at, this.#upto);
    return this.at < this.#upto ? this.#bytes[this.at]! : -1;
  }

  #wrong(why: string, at = this.at): false {
    this.at = at;
    this.why = this.at >= this.#upto ? 'it ends too early' : why;
    return false;
  }
}

/** Of the escape that begins with the backslash at `at`; 0 where it is none. */
function escapeLength(bytes: Uint8Array, at: number, upto: number): number {
  const kind = at + 1 < upto ? bytes[at + 1]! : -1;
  if (kind !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(kind)) && kind > 0 ? 2 : 0;
  if (at + 6 > upto) return 0;
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHex(bytes[digit]!)) return 0;
  return 6;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
