/**
 * From a body to records, in the memory that it stands in: `text` lines as they are, JSON values one a line. Every record or none:
 * what is wrong anywhere is told with its place, and nothing is taken.
 */
import { isUtf8 } from 'node:buffer';
import type { RecordFormat } from '../../spool/nouns.ts';
import { limits } from '../../spool/nouns.ts';
import { JsonScanner } from '../shared/json-scanner.ts';
import type { Content } from '../web/content.ts';
import { Refusal } from '../web/refusal.ts';

/** `lines`: text. `ndjson`: one JSON value a line. `json`: JSON values, and those in arrays. */
export type BodyFormat = 'lines' | 'ndjson' | 'json';

/** `event`: an object that has only an event's fields is one (docs/events.md), anything else a body. `body`: all of it is a body. */
export type Meaning = 'event' | 'body';

export interface Records {
  /** Each record with a line feed; at most as many as a block holds. */
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly format: RecordFormat;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
const wrapping = [Buffer.from('{"body":'), Buffer.from('}')] as const;

/** Throws a `Refusal` that says where the body is wrong. */
export function recordsOf(content: Content, format: BodyFormat, meaning: Meaning): Records {
  if (format === 'lines') return linesOf(content);
  const values = valuesOf(content, format);
  return meaning === 'event' ? values : wrapped(values, content);
}

/** What a content type says that a body is (RFC 9110 section 8.3); undefined where it says something else. */
export function formatOf(contentType: string | undefined): BodyFormat | undefined {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  switch (type) {
    case 'application/x-ndjson':
    case 'application/ndjson':
    case 'application/jsonl':
    case 'application/x-jsonlines':
    case 'application/json-lines':
      return 'ndjson';
    case 'application/json':
    case 'text/json':
      return 'json';
    // What curl says of --data-binary where it is told nothing else.
    case 'application/x-www-form-urlencoded':
    case 'application/octet-stream':
    case '':
      return 'lines';
    default:
      return type.startsWith('text/') ? 'lines' : undefined;
  }
}

function linesOf(content: Content): Records {
  if (content.length === 0) return { bytes: content.bytes, count: 0, format: 'text' };
  const ended = content.bytes[content.length - 1] === lineFeed;
  const bytes = content.withRoom(ended ? 0 : 1);
  if (!ended) bytes[bytes.length - 1] = lineFeed;
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count++;
  return { bytes, count, format: 'text' };
}

function valuesOf(content: Content, format: 'ndjson' | 'json'): Records {
  if (!isUtf8(content.bytes)) throw new Refusal('bad_request', 'The body is JSON and not UTF-8.');
  const packed = new Packed(content.withRoom(1), content.length);
  if (format === 'ndjson') eachLine(packed);
  else eachValue(packed);
  return { bytes: packed.bytes, count: packed.count, format: 'json' };
}

function eachLine(packed: Packed): void {
  for (let from = packed.skip(0, packed.end); from < packed.end; ) {
    const feed = packed.memory.indexOf(lineFeed, from);
    const upto = feed < 0 || feed > packed.end ? packed.end : feed;
    const end = packed.take(from, upto);
    const rest = packed.skip(end, upto);
    if (rest < upto) throw packed.wrong(rest, 'more than one value in a line');
    from = packed.skip(upto, packed.end);
  }
}

/** Values one behind the other; those in an array one by one. */
function eachValue(packed: Packed): void {
  for (let from = packed.skip(0, packed.end); from < packed.end; ) {
    const end = packed.memory[from] === 0x5b ? eachElement(packed, from) : packed.take(from, packed.end);
    from = packed.skip(end, packed.end);
  }
}

function eachElement(packed: Packed, opening: number): number {
  let at = packed.skip(opening + 1, packed.end);
  if (packed.memory[at] === 0x5d && at < packed.end) return at + 1;
  for (;;) {
    at = packed.skip(packed.take(at, packed.end), packed.end);
    const byte = at < packed.end ? packed.memory[at] : undefined;
    if (byte === 0x5d) return at + 1;
    if (byte !== 0x2c) throw packed.wrong(at, byte === undefined ? 'it ends too early' : 'expected , or ]');
    at++;
  }
}

/**
 * Moves records to the front of the memory that they are read from. Something stands between any two of them, so none is written
 * over what was not read yet; the line feed behind a record waits for the next one, since it may stand where that begins to be read.
 */
class Packed {
  readonly memory: Buffer;
  /** Of what is to be read. */
  readonly end: number;
  count = 0;
  readonly #scanner = new JsonScanner();
  #written = 0;

  /** `memory` has a byte behind `end` for the last line feed. */
  constructor(memory: Buffer, end: number) {
    this.memory = memory;
    this.end = end;
  }

  /** To be asked at the end. */
  get bytes(): Uint8Array {
    if (this.count > 0) this.memory[this.#written] = lineFeed;
    return this.memory.subarray(0, this.count > 0 ? this.#written + 1 : 0);
  }

  skip(from: number, upto: number): number {
    return JsonScanner.skip(this.memory, from, upto);
  }

  /** The value at `from`, which has to end by `upto`; gives where. */
  take(from: number, upto: number): number {
    const begin = this.skip(from, upto);
    if (!this.#scanner.value(this.memory, begin, upto)) throw this.wrong(this.#scanner.at, this.#scanner.why);
    const end = this.#scanner.at;
    if (this.count > 0) {
      if (begin === this.#written) throw this.wrong(begin, 'expected white space before it');
      this.memory[this.#written++] = lineFeed;
    }
    this.memory.copyWithin(this.#written, begin, end);
    const written = this.memory.subarray(this.#written, this.#written + end - begin);
    // Line breaks between values; within strings JSON has none.
    if (written.includes(lineFeed) || written.includes(carriageReturn)) blankOut(written);
    this.#written += written.length;
    this.count++;
    return end;
  }

  wrong(at: number, why: string): Refusal {
    return new Refusal('bad_request', `Record ${this.count + 1}, at byte ${at} of the body: ${why}.`);
  }
}

function blankOut(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++)
    if (bytes[at] === lineFeed || bytes[at] === carriageReturn) bytes[at] = blank;
}

/** Every value as the body of an event, whatever fields it has. */
function wrapped({ bytes, count, format }: Records, content: Content): Records {
  const [before, behind] = wrapping;
  const length = bytes.length + count * (before.length + behind.length);
  if (length > limits.blockBytesMax)
    throw new Refusal('too_large', `Its records would take ${length} bytes; send fewer at a time.`);
  content.charge(length);
  const into = Buffer.allocUnsafeSlow(length);
  let written = 0;
  for (let from = 0; from < bytes.length; ) {
    const feed = bytes.indexOf(lineFeed, from);
    into.set(before, written);
    into.set(bytes.subarray(from, feed), written + before.length);
    written += before.length + feed - from;
    into.set(behind, written);
    written += behind.length;
    into[written++] = lineFeed;
    from = feed + 1;
  }
  return { bytes: into, count, format };
}
