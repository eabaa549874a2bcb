/**
 * Lines that belong together as one record: `{"body": "first\nsecond"}`, one JSON object a line. The bodies, each with a line feed behind it, are the
 * file's bytes again; where `tailspool.unterminated` says so the line goes on in the next record, and there is none. What is not
 * UTF-8, in a file of which no encoding is configured, is `{"bytes": base64}`.
 */

import { skippedBytes, wholeCharacters } from './encoded-lines.ts';
import { type Encoding, settled } from './encodings.ts';
import { bytesValue, encodeEvent, type Value } from './event.ts';
import { type Grammar, Grouping, grammarOf, headCharactersMax, type MultilineOptions } from './multiline.ts';
import { type Fresh, nothingTaken, type Shape, type Shaped, shapedBytesTarget } from './shape.ts';

/** A control character takes six bytes as JSON, and a record has to fit a block. */
export const groupBytesMax = 2 * 1024 * 1024;

const lineFeed = 10;
const carriageReturn = 13;
const { indexOf } = Buffer.prototype;

export class LineGroups implements Shape {
  readonly format = 'json';
  readonly openBytesMax: number;
  readonly timeoutMs: number;
  readonly #options: MultilineOptions;
  readonly #grammar: Grammar;
  readonly #lineBytesMax: number;
  readonly #encoding: string | undefined;

  constructor(options: MultilineOptions, encoding: string | undefined, lineBytesMax: number) {
    this.#options = options;
    this.#grammar = grammarOf(options);
    this.#encoding = encoding;
    this.#lineBytesMax = Math.min(lineBytesMax, options.bytesMax);
    this.openBytesMax = options.bytesMax + this.#lineBytesMax + 8;
    this.timeoutMs = options.timeoutMs;
  }

  encodingOf(start: Uint8Array): Encoding | undefined {
    return this.#encoding === undefined ? undefined : settled(this.#encoding, start)?.encoding;
  }

  cut(fresh: Fresh): Shaped {
    const { ends, unterminated, state, start } = fresh;
    const known = this.#encoding === undefined ? undefined : settled(this.#encoding, start);
    if (this.#encoding !== undefined && !known && !ends)
      return { ...nothingTaken, unterminated, state, openLine: true };
    const settledOn = known ?? (this.#encoding === undefined ? undefined : settled(this.#encoding, Buffer.alloc(2)));
    const grouping = new Grouping(this.#grammar, this.#options, state);
    const cutting = new Cutting(fresh, grouping, this.#lineBytesMax, settledOn?.encoding, settledOn?.markBytes ?? 0);
    return cutting.run();
  }
}

interface OpenRecord {
  readonly from: number;
  /** Behind its last line's content, and behind that line's end. */
  contentEnd: number;
  readonly continues: boolean;
}

/** One call of `cut`: from line to line, a record open between them. */
class Cutting {
  readonly #fresh: Fresh;
  readonly #grouping: Grouping;
  readonly #lineBytesMax: number;
  readonly #encoding: Encoding | undefined;
  readonly #unitBytes: number;
  readonly #records: Uint8Array[] = [];
  #madeBytes = 0;
  #taken = 0;
  #at: number;
  #open: OpenRecord | undefined;
  #unterminated: boolean;
  /** Of the grouping behind what is taken. */
  #state: number;
  #undecodable = 0;
  #split = 0;

  constructor(fresh: Fresh, grouping: Grouping, lineBytesMax: number, encoding: Encoding | undefined, mark: number) {
    this.#fresh = fresh;
    this.#grouping = grouping;
    this.#lineBytesMax = lineBytesMax;
    this.#encoding = encoding;
    this.#unitBytes = encoding?.unitBytes ?? 1;
    this.#unterminated = fresh.unterminated;
    this.#state = fresh.state;
    this.#at = encoding ? skippedBytes(fresh, encoding, mark) : 0;
  }

  run(): Shaped {
    const { bytes, ends } = this.#fresh;
    let openLine = false;
    while (this.#at < bytes.length && (this.#open || this.#madeBytes < shapedBytesTarget)) {
      const end = this.#lineEnd(bytes);
      // Half a unit may become a line feed.
      const contentBytes = end === -1 ? this.#align(bytes.length - this.#at) : end - this.#unitBytes - this.#at;
      if (contentBytes > this.#lineBytesMax) this.#takePiece(this.#at + this.#align(this.#lineBytesMax));
      else if (end !== -1) this.#takeLine(end);
      else if (!ends) {
        openLine = true;
        break;
      } else this.#takePiece(bytes.length);
    }
    if (ends && this.#at >= bytes.length) {
      if (this.#open) this.#close(false);
      this.#taken = bytes.length;
    }
    const { length: records } = this.#records;
    if (records === 0 && !(ends && bytes.length > 0)) return { ...nothingTaken, ...this.#memory, openLine };
    const [undecodable, split] = [this.#undecodable, this.#split];
    return { taken: this.#taken, records: this.#records, ...this.#memory, openLine, undecodable, split, unparsed: 0 };
  }

  get #memory() {
    return { unterminated: this.#unterminated, state: this.#state };
  }

  /** A whole line of bearable length. */
  #takeLine(end: number): void {
    const contentEnd = end - this.#unitBytes;
    const from = this.#at;
    this.#at = end;
    if (this.#unterminated) {
      this.#unterminated = false;
      this.#give({ from, contentEnd, continues: true }, end);
      return;
    }
    const before = this.#grouping.state;
    const placement = this.#grouping.next(this.#head(from, contentEnd), end - from);
    if (placement.kind === 'joins' && this.#open) {
      this.#open.contentEnd = contentEnd;
      return;
    }
    this.#closeBefore(from, before, placement.split);
    this.#open = { from, contentEnd, continues: placement.kind === 'goes_on' };
    if (!this.#grouping.isOpen) this.#close(false);
  }

  /** The beginning or a further part of a line whose end is not at hand. */
  #takePiece(upto: number): void {
    const { bytes } = this.#fresh;
    const from = this.#at;
    const end = this.#encoding ? wholeCharacters(bytes, from, upto, this.#encoding).end : upto;
    this.#at = end;
    if (this.#unterminated) {
      this.#give({ from, contentEnd: end, continues: true }, end);
      return;
    }
    const before = this.#grouping.state;
    const placement = this.#grouping.next(this.#head(from, end), end - from);
    this.#unterminated = true;
    if (placement.kind === 'joins' && this.#open) {
      this.#open.contentEnd = end;
      this.#close(false);
      return;
    }
    this.#unterminated = false;
    this.#closeBefore(from, before, placement.split);
    this.#unterminated = true;
    this.#give({ from, contentEnd: end, continues: placement.kind === 'goes_on' }, end);
  }

  #closeBefore(from: number, state: number, split: boolean): void {
    if (!this.#open) return;
    const after = this.#grouping.state;
    this.#grouping.state = state;
    const record = this.#open;
    this.#open = undefined;
    if (split) this.#split++;
    this.#push(record, from, split);
    this.#grouping.state = after;
  }

  #close(split: boolean): void {
    const record = this.#open!;
    this.#open = undefined;
    this.#grouping.close();
    this.#push(record, this.#at, split);
  }

  #give(record: OpenRecord, end: number): void {
    this.#grouping.close();
    this.#push(record, end, false);
  }

  #push({ from, contentEnd, continues }: OpenRecord, end: number, split: boolean): void {
    const body = this.#body(this.#fresh.bytes.subarray(from, contentEnd));
    const flags = flagsOf(continues, this.#unterminated, split);
    const record = Buffer.from(`${encodeEvent({ body, ...(flags ? { attributes: flags } : {}) })}\n`);
    this.#records.push(record);
    this.#madeBytes += record.length;
    this.#taken = end;
    this.#state = this.#grouping.state;
  }

  #body(content: Uint8Array): Value {
    if (!this.#encoding) return bytesValue(content);
    const { text, undecodable } = this.#encoding.decode(content);
    this.#undecodable += undecodable;
    return text;
  }

  /** What patterns are shown of a line. */
  #head(from: number, contentEnd: number): string {
    const { bytes } = this.#fresh;
    const upto = Math.min(contentEnd, from + headCharactersMax * this.#unitBytes);
    const head = bytes.subarray(from, upto);
    const text = this.#encoding?.decode(head).text ?? Buffer.from(head.buffer, head.byteOffset, head.length).toString();
    return text.charCodeAt(text.length - 1) === carriageReturn ? text.slice(0, -1) : text;
  }

  #lineEnd(bytes: Uint8Array): number {
    if (this.#encoding) return this.#encoding.lineEnd(bytes, this.#at, this.#fresh.offset);
    return indexOf.call(bytes, lineFeed, this.#at) + 1 || -1;
  }

  #align(length: number): number {
    return length - (length % this.#unitBytes);
  }
}

/** What a record is besides a whole group; undefined: nothing. */
export function flagsOf(
  continues: boolean,
  unterminated: boolean,
  split: boolean,
): Readonly<Record<string, true>> | undefined {
  if (!continues && !unterminated && !split) return undefined;
  return {
    ...(continues ? { 'tailspool.continues': true as const } : {}),
    ...(unterminated ? { 'tailspool.unterminated': true as const } : {}),
    ...(split ? { 'tailspool.split': true as const } : {}),
  };
}
