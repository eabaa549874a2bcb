/**
 * RELP's frames (https://www.rsyslog.com/doc/relp.html) as they arrive, piece by piece: any cutting of the same bytes gives the same
 * frames. Pure, never throws, and holds no more than one frame of limited size and one piece.
 *
 *     TXNR SP COMMAND SP DATALEN [SP DATA] LF
 */
export interface Frame {
  readonly kind: 'frame';
  /** 0 to 999,999,999. */
  readonly txnr: number;
  readonly command: string;
  /** Valid until the next `feed`; the first `dataBytesMax` of what was sent. */
  readonly data: Buffer;
  /** As sent. */
  readonly length: number;
}

/** What follows is no RELP; nothing more is read. */
export interface Broken {
  readonly kind: 'broken';
  readonly why: string;
}

/** The longest header: two numbers of nine digits, a command of 32 letters, two blanks. */
const headerBytesMax = 9 + 1 + 32 + 1 + 9;
const lineFeed = 0x0a;
const blank = 0x20;

interface Header {
  readonly txnr: number;
  readonly command: string;
  readonly length: number;
  /** Of the header and the blank that follows it. */
  readonly bytes: number;
}

export class Frames {
  readonly #dataBytesMax: number;
  #pending: Buffer = Buffer.alloc(0);
  #header: Header | undefined;
  #kept: Buffer | undefined;
  /** Of the data beyond what is kept. */
  #passing = 0;
  #broken = false;

  constructor(dataBytesMax: number) {
    this.#dataBytesMax = dataBytesMax;
  }

  /** The frames that this piece completes. */
  feed(piece: Uint8Array): (Frame | Broken)[] {
    const found: (Frame | Broken)[] = [];
    const fresh = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const all = this.#pending.length > 0 ? Buffer.concat([this.#pending, fresh]) : fresh;
    let at = 0;
    while (!this.#broken) {
      const next = this.#header ? this.#body(this.#header, all, at, found) : this.#head(all, at, found);
      if (next === undefined) break;
      at = next;
    }
    this.#pending = Buffer.from(all.subarray(this.#broken ? all.length : at));
    return found;
  }

  /** Each step gives where it got to, or undefined where more has to arrive. */
  #head(all: Buffer, at: number, found: (Frame | Broken)[]): number | undefined {
    const read = readHeader(all.subarray(at, at + headerBytesMax + 1));
    if (read === 'more') return undefined;
    if (read === 'none') return this.#break(found, 'a frame does not begin with TXNR COMMAND DATALEN');
    this.#header = read;
    return at + read.bytes;
  }

  #body(header: Header, all: Buffer, at: number, found: (Frame | Broken)[]): number | undefined {
    const { length } = header;
    if (length <= this.#dataBytesMax) {
      if (all.length - at <= length) return undefined;
      return this.#end(header, all.subarray(at, at + length), all[at + length], found) && at + length + 1;
    }
    if (this.#kept === undefined) return this.#keep(length, all, at);
    if (at >= all.length) return undefined;
    const passed = Math.min(this.#passing, all.length - at);
    this.#passing -= passed;
    if (passed > 0) return at + passed;
    return this.#end(header, this.#kept, all[at], found) && at + 1;
  }

  /** Of what is too long the beginning, copied: its end comes with a later piece. */
  #keep(length: number, all: Buffer, at: number): number | undefined {
    if (all.length - at < this.#dataBytesMax) return undefined;
    this.#kept = Buffer.from(all.subarray(at, at + this.#dataBytesMax));
    this.#passing = length - this.#dataBytesMax;
    return at + this.#dataBytesMax;
  }

  #end({ txnr, command, length }: Header, data: Buffer, next: number | undefined, found: (Frame | Broken)[]) {
    if (next !== lineFeed) return this.#break(found, 'a frame does not end with a line feed');
    found.push({ kind: 'frame', txnr, command, data, length });
    this.#header = undefined;
    this.#kept = undefined;
    return true;
  }

  #break(found: (Frame | Broken)[], why: string): undefined {
    this.#broken = true;
    found.push({ kind: 'broken', why });
  }
}

/** Up to the data, or to the line feed where there is none. */
function readHeader(bytes: Buffer): Header | 'more' | 'none' {
  const text = bytes.toString('latin1');
  const whole = /^(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})(?=[ \n])/.exec(text);
  if (whole === null) return mayBecomeHeader(text) ? 'more' : 'none';
  const [header, txnr, command, length] = whole as unknown as [string, string, string, string];
  const hasBlank = bytes[header.length] === blank;
  if (!hasBlank && Number(length) > 0) return 'none';
  return {
    txnr: Number(txnr),
    command,
    length: Number(length),
    bytes: header.length + (hasBlank ? 1 : 0),
  };
}

function mayBecomeHeader(text: string): boolean {
  return /^\d{0,9}$|^\d{1,9} [A-Za-z]{0,32}$|^\d{1,9} [A-Za-z]{1,32} \d{0,9}$/.test(text);
}
