/**
 * Lines of a stream of bytes (standard input, a program's output) into one source of the spool, byte for byte. Reads only what
 * the spool takes, so a writer that is faster waits. A line longer than `lineBytesMax` goes in flagged parts; so does one that has
 * no line feed for `partialTimeoutMs`, and what comes behind it.
 */
import type { Clock, Timer } from '../../spool/ports.ts';
import type { ByteReader } from '../ports.ts';
import type { Deposit } from './deposit.ts';

export interface LineStreamOptions {
  readonly lineBytesMax: number;
  readonly partialTimeoutMs: number;
}

const lineFeed = 0x0a;
/** Besides an open line: what is read before records are made of it. */
const pieceBytes = 64 * 1024;

export class LineStream {
  readonly #options: LineStreamOptions;
  readonly #deposit: Deposit;
  readonly #clock: Clock;
  #buffer = Buffer.allocUnsafeSlow(pieceBytes);
  #length = 0;
  /** The record that was put last has no end yet. */
  #open = false;
  #timer: Timer | undefined;
  #stopped = false;
  #bytes = 0;

  constructor(options: LineStreamOptions, deposit: Deposit, clock: Clock) {
    this.#options = options;
    this.#deposit = deposit;
    this.#clock = clock;
  }

  /** Bytes that came. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that came and are not in the spool. */
  get heldBytes(): number {
    return this.#length;
  }

  /**
   * Reads to the end of the stream; all of it is in the spool then. Throws what reading throws, then too. `enough`: asked with
   * all bytes so far; true ends the reading as the stream's end does.
   */
  async run(reader: ByteReader, enough: (bytes: number) => boolean = () => false): Promise<void> {
    try {
      while (!this.#stopped && !enough(this.#bytes) && (await reader.read((piece) => this.#take(piece))))
        await this.#put(false);
    } finally {
      this.#timer?.cancel();
      await this.#put(true);
      this.#open = false;
    }
  }

  /** Waits for nothing any more: what has no room is given up, and counted. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    while (this.#length > 0 && this.#putNext(true));
    if (this.#length > 0) this.#deposit.drop('vanished', linesIn(this.#buffer.subarray(0, this.#length)), this.#length);
    this.#length = 0;
  }

  /** Always enough: what came is put at once, and only then more is read. */
  #take(piece: Uint8Array): false {
    const needed = this.#length + piece.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length += piece.length;
    this.#bytes += piece.length;
    return false;
  }

  async #put(all: boolean): Promise<void> {
    this.#timer?.cancel();
    while (!this.#stopped && this.#due(all)) if (!this.#putNext(all)) await this.#deposit.room();
    if (this.#length === 0 || this.#stopped) return;
    this.#timer = this.#clock.after(this.#options.partialTimeoutMs, () => void this.#put(true));
  }

  #due(all: boolean): boolean {
    if (this.#length === 0) return false;
    return all || this.#length > this.#options.lineBytesMax || this.#held.includes(lineFeed);
  }

  get #held(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Puts whole lines, or else a part of one. False where there is no room. */
  #putNext(all: boolean): boolean {
    const { lineBytesMax } = this.#options;
    const whole = wholeLines(this.#held, lineBytesMax);
    if (whole.bytes > 0) return this.#putBytes(whole.bytes, whole.lines, true);
    if (this.#length <= lineBytesMax && !all) return true;
    return this.#putBytes(Math.min(this.#length, lineBytesMax), 1, false);
  }

  #putBytes(bytes: number, records: number, ended: boolean): boolean {
    // A line feed for the part of a line that has none; what stands there is put back.
    const record = ended ? this.#buffer.subarray(0, bytes) : Buffer.concat([this.#held.subarray(0, bytes), newLine]);
    const open = { continues: this.#open, unterminated: !ended };
    if (!this.#deposit.putWhole(record, records, 'text', open)) return false;
    this.#open = !ended;
    this.#buffer.copyWithin(0, bytes, this.#length);
    this.#length -= bytes;
    return true;
  }
}

const newLine = Buffer.from('\n');

/** The lines at the front that are whole and not too long. */
function wholeLines(held: Buffer, lineBytesMax: number): { readonly bytes: number; readonly lines: number } {
  let bytes = 0;
  let lines = 0;
  for (
    let feed = held.indexOf(lineFeed);
    feed >= 0 && feed - bytes <= lineBytesMax;
    feed = held.indexOf(lineFeed, bytes)
  ) {
    bytes = feed + 1;
    lines++;
  }
  return { bytes, lines };
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = 0; at < bytes.length; lines++) {
    const feed = bytes.indexOf(lineFeed, at);
    at = feed < 0 ? bytes.length : feed + 1;
  }
  return lines;
}
