/**
 * From records to a request's body. Pure: the same records give the same bytes. `text` is the lines as they stood; `ndjson` is one
 * object a line in the terms of the OpenTelemetry log data model, see `docs/plain-protocol.md`.
 */
import { isUtf8 } from 'node:buffer';
import { gzipSync } from 'node:zlib';
import { eventOf, type Value } from '../../../spool/event.ts';
import type { SourceDescription } from '../../../spool/nouns.ts';
import type { Codec, UnixMs } from '../../../spool/ports.ts';
import type { DeadLetter } from '../../ports.ts';
import { type Contents, rangeOf, type Stretch } from './contents.ts';
import type { Piece } from './key.ts';

export type Encoding = 'text' | 'ndjson';
export type Compression = 'zstd' | 'gzip' | 'none';

export type DescriptionOf = (stretch: Stretch) => SourceDescription | undefined;

const contentTypes: Readonly<Record<Encoding, string>> = { text: 'text/plain', ndjson: 'application/x-ndjson' };
/** Little CPU at most of the gain. */
const gzipLevel = 3;

/** What a body is, for whoever reads it. */
export function headersOf(encoding: Encoding, compression: Compression): Record<string, string> {
  const type = { 'content-type': contentTypes[encoding] };
  return compression === 'none' ? type : { ...type, 'content-encoding': compression };
}

/** The body before it is compressed; undefined where it would take more than `bytesMax` and could be halved. */
export function encode(
  encoding: Encoding,
  contents: Contents,
  piece: Piece,
  describe: DescriptionOf,
  bytesMax: number,
): Uint8Array | undefined {
  const body = encoding === 'text' ? textOf(contents, piece) : ndjsonOf(contents, piece, describe, bytesMax);
  return body && (body.length <= bytesMax || piece.count === 1) ? body : undefined;
}

/** Compresses into memory that it keeps; what it gives is a copy of its own. */
export class Compressor {
  readonly #codec: Codec;
  readonly #compression: Compression;
  #into = Buffer.alloc(0);

  constructor(codec: Codec, compression: Compression) {
    this.#codec = codec;
    this.#compression = compression;
  }

  /** zstd: one frame with content size and checksum. */
  compress(body: Uint8Array): Uint8Array {
    switch (this.#compression) {
      case 'zstd': {
        const bytesMax = this.#codec.frameBytesMax(body.length);
        if (this.#into.length < bytesMax) this.#into = Buffer.allocUnsafeSlow(bytesMax);
        return Buffer.from(this.#into.subarray(0, this.#codec.compress(body, this.#into)));
      }
      case 'gzip':
        return gzipSync(body, { level: gzipLevel });
      case 'none':
        return Buffer.from(body);
      default:
        return this.#compression satisfies never;
    }
  }
}

function textOf(contents: Contents, piece: Piece): Uint8Array {
  return contents.raw.subarray(...rangeOf(contents, piece));
}

function ndjsonOf(contents: Contents, piece: Piece, describe: DescriptionOf, bytesMax: number): Uint8Array | undefined {
  const parts: string[] = [];
  let characters = 0;
  let begun:
    | { readonly stretch: Stretch; readonly description: Given['description']; readonly text: string }
    | undefined;
  for (const { stretch, number, bytes } of recordsOf(contents, piece)) {
    const flags = flagsOf(stretch, number);
    if (begun?.stretch !== stretch) {
      const description = describe(stretch);
      begun = { stretch, description, text: beginning(stretch.collectedAt, { description }) };
    }
    const plain = stretch.format === 'text' && flags === undefined;
    const line = plain
      ? `${begun.text}${textJson(bytes)}}\n`
      : lineOf(stretch, bytes, { description: begun.description, flags });
    parts.push(line);
    characters += line.length;
    if (characters > bytesMax && piece.count > 1) return undefined;
  }
  return Buffer.from(parts.join(''));
}

/** One record and where it stands. */
export interface RecordAt {
  readonly stretch: Stretch;
  /** Its number in the block. */
  readonly number: number;
  /** Without its LF; a view. */
  readonly bytes: Uint8Array;
}

export function* recordsOf(contents: Contents, piece: Piece): Generator<RecordAt> {
  const { raw, stretches } = contents;
  let [at] = rangeOf(contents, piece);
  const end = piece.first + piece.count;
  for (const stretch of stretches) {
    const last = Math.min(end, stretch.first + stretch.records);
    for (let number = Math.max(piece.first, stretch.first); number < last; number++) {
      const lf = raw.indexOf(0x0a, at);
      yield { stretch, number, bytes: raw.subarray(at, lf) };
      at = lf + 1;
    }
  }
}

/** What a part of a line has besides its source's attributes. */
function flagsOf({ continues, unterminated, first, records }: Stretch, number: number): Flags | undefined {
  const begins = continues && number === first;
  const ends = unterminated && number === first + records - 1;
  if (!begins && !ends) return undefined;
  return {
    ...(begins ? { 'tailspool.continues': true } : {}),
    ...(ends ? { 'tailspool.unterminated': true } : {}),
  };
}

type Flags = Readonly<Record<string, true>>;

/** The same for a record that stands alone. */
export function encodeOne(encoding: Encoding, letter: DeadLetter): Uint8Array {
  const { body } = letter;
  if (encoding === 'text') return Buffer.concat([body, Buffer.from('\n')]);
  return Buffer.from(lineOf(letter, body, { description: letter }));
}

/** A record as a line of NDJSON: its event, with what its source has for all its records. */
function lineOf(
  { format, collectedAt }: Pick<Stretch, 'format' | 'collectedAt'>,
  bytes: Uint8Array,
  given: Given,
): string {
  const parsed = format === 'json' ? parsedOf(bytes) : undefined;
  if (parsed === undefined) return `${beginning(collectedAt, given)}${textJson(bytes)}}\n`;
  const {
    observedTimestamp = isoTime(collectedAt),
    timestamp,
    resource,
    attributes,
    body = null,
    ...rest
  } = eventOf(parsed);
  return `${JSON.stringify({
    timestamp,
    observedTimestamp,
    resource: { ...given.description?.resource, ...resource },
    ...rest,
    attributes: { ...given.description?.attributes, ...attributes, ...given.flags },
    body,
  })}\n`;
}

interface Given {
  readonly description: Pick<SourceDescription, 'resource' | 'attributes'> | undefined;
  readonly flags?: Flags | undefined;
}

/** A text line up to its body. */
function beginning(collectedAt: UnixMs, { description, flags }: Given): string {
  const resource = JSON.stringify(description?.resource ?? {});
  const attributes = JSON.stringify({ ...description?.attributes, ...flags });
  return `{"observedTimestamp":"${isoTime(collectedAt)}","resource":${resource},"attributes":${attributes},"body":`;
}

function textJson(bytes: Uint8Array): string {
  return JSON.stringify(isUtf8(bytes) ? textOfBytes(bytes) : { bytes: Buffer.from(bytes).toString('base64') });
}

function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

export function isoTime(ms: UnixMs): string {
  return new Date(ms).toISOString();
}

/** Undefined: it calls itself JSON and is not. It goes out as text: a body has to be readable as a whole. */
function parsedOf(bytes: Uint8Array): Value | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = textOfBytes(bytes);
  try {
    return longNumber.test(text) ? JSON.parse(text, keepNumber) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Numbers that a double may not hold go out digit by digit as they came. */
const longNumber = /\d{16}/;

function keepNumber(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  return typeof value === 'number' && source !== undefined && source.length > 15 ? rawJson(source) : value;
}

/** ECMAScript's `JSON.rawJSON`, which TypeScript's library does not know yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };
