/**
 * Lines of a stream of bytes (standard input, a program's output) into one source of the spool, byte for byte, or through a shape
 * (groups of lines, other encodings). Reads only what the spool takes, so a writer that is faster waits. A line longer than
 * `lineBytesMax` goes in flagged parts; so does one that has no line feed for `partialTimeoutMs`, and what comes behind it. The
 * stream's end ends its last line.
 */
import type { Clock, Timer } from '../../spool/ports.ts';
import type { ByteReader } from '../ports.ts';
import type { Deposit } from './deposit.ts';
import type { MultilineOptions } from './multiline.ts';
import { noShapeCounts, type Shape, type ShapeCounts, startBytes } from './shape.ts';
import { shapeOf } from './shapes.ts';

export interface LineStreamOptions {
  readonly lineBytesMax: number;
  readonly partialTimeoutMs: number;
  readonly encoding?: string | undefined;
  readonly multiline?: MultilineOptions | undefined;
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
  readonly #shape: Shape | undefined;
  readonly #counts: ShapeCounts;
  #shapeState = 0;
  /** How the stream began. */
  #start: Uint8Array = new Uint8Array(0);
  /** Through a shape: what is held ends within a line. */
  #openLine = true;

  /** `counts`: what a shape comes upon is added to them. */
  constructor(options: LineStreamOptions, deposit: Deposit, clock: Clock, counts = noShapeCounts()) {
    this.#options = options;
    this.#shape = shapeOfLines(options);
    this.#counts = counts;
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
      this.#endLine();
      await this.#put(true);
      this.#open = false;
    }
  }

  /** Waits for nothing any more: what has no room is given up, and counted. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#endLine();
    while (this.#length > 0 && (this.#shape ? this.#putShaped(this.#shape, true) : this.#putNext(true)) === true);
    if (this.#length > 0) this.#deposit.drop('vanished', linesIn(this.#buffer.subarray(0, this.#length)), this.#length);
    this.#length = 0;
  }

  /** Always enough: what came is put at once, and only then more is read. */
  #take(piece: Uint8Array): false {
    this.#hold(piece);
    return false;
  }

  /** Nothing goes on with the last line any more. (Where a character takes two bytes it stays flagged.) */
  #endLine(): void {
    const oneByte = (this.#shape?.encodingOf(this.#start)?.unitBytes ?? 1) === 1;
    const isOpen = this.#length > 0 ? this.#buffer[this.#length - 1] !== lineFeed : this.#open;
    if (isOpen && oneByte) this.#hold(newLine);
  }

  #hold(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    if (this.#start.length < startBytes)
      this.#start = Buffer.concat([this.#start, piece.subarray(0, startBytes)]).subarray(0, startBytes);
    this.#length += piece.length;
    this.#bytes += piece.length;
  }

  async #put(all: boolean): Promise<void> {
    this.#timer?.cancel();
    while (!this.#stopped && this.#due(all)) {
      const put = this.#shape ? this.#putShaped(this.#shape, all) : this.#putNext(all);
      if (put === 'nothing') break;
      if (!put) await this.#deposit.room();
    }
    if (this.#length === 0 || this.#stopped) return;
    const timeoutMs = this.#shape && !this.#openLine ? this.#shape.timeoutMs : this.#options.partialTimeoutMs;
    this.#timer = this.#clock.after(timeoutMs, () => void this.#put(true));
  }

  #due(all: boolean): boolean {
    if (this.#length === 0) return false;
    if (this.#shape) return true;
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

  /** Puts what a shape makes of what is held. False where there is no room; `nothing`: more has to come first. */
  #putShaped(shape: Shape, all: boolean): boolean | 'nothing' {
    const memory = { unterminated: this.#open, state: this.#shapeState };
    const held = { bytes: this.#held, offset: this.#bytes - this.#length, start: this.#start };
    const { taken, records, unterminated, state, openLine, ...counts } = shape.cut({ ...held, ...memory, ends: all });
    this.#openLine = openLine;
    if (taken === 0) return 'nothing';
    const isText = shape.format === 'text';
    const open = { continues: isText && this.#open, unterminated: isText && unterminated && records.length > 0 };
    if (records.length > 0 && !this.#deposit.putWhole(Buffer.concat(records), records.length, shape.format, open))
      return false;
    this.#counts.undecodable += counts.undecodable;
    this.#counts.split += counts.split;
    this.#open = unterminated;
    this.#shapeState = state;
    this.#buffer.copyWithin(0, taken, this.#length);
    this.#length -= taken;
    return true;
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

/** undefined: lines are taken as they stand. */
export function shapeOfLines({
  encoding,
  multiline,
  lineBytesMax: maxLineBytes,
}: LineStreamOptions): Shape | undefined {
  return shapeOf({ encoding, multiline, maxLineBytes });
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
