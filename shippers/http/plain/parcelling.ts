/**
 * From a block and a piece of it to the body of a request, and to the dead letters where records are refused for good. A whole
 * block as text and zstd goes out as it lies in the spool: one frame with its content size.
 */
import { decodeHeader, tallyOf } from '../../../spool/format.ts';
import type { Outlet, Tally } from '../../../spool/nouns.ts';
import type { Clock, Codec } from '../../../spool/ports.ts';
import type { DeadLetter } from '../../ports.ts';
import { type Compression, Compressor, type Encoding, encode, encodeOne, type RecordAt, recordsOf } from './body.ts';
import type { BodySize } from './body-limit.ts';
import { type Contents, Expander, type Stretch } from './contents.ts';
import type { Piece } from './key.ts';
import type { Refused } from './narrow.ts';
import { Sources } from './sources.ts';
import type { SpoolBlock } from './supply.ts';

export interface ParcellingOptions {
  readonly encoding: Encoding;
  readonly compression: Compression;
  /** A body before compression; a single record may be larger. */
  readonly bodyBytesMax: number;
}

export type Parcelled =
  | { readonly kind: 'body'; readonly body: Uint8Array; readonly size: BodySize }
  /** It is more than a body may hold: to be halved. */
  | { readonly kind: 'large' }
  | { readonly kind: 'damaged'; readonly why: string };

/** What is to be kept of the records that a block lost, and what it counts for. */
export interface Refusals {
  readonly letters: readonly DeadLetter[];
  readonly tallies: ReadonlyMap<string, Tally>;
}

export class Parcelling {
  readonly #options: ParcellingOptions;
  readonly #clock: Clock;
  readonly #expander: Expander;
  readonly #compressor: Compressor;
  readonly #sources: Sources;

  constructor(options: ParcellingOptions, outlet: Outlet, clock: Clock, codec: Codec) {
    this.#options = options;
    this.#clock = clock;
    this.#expander = new Expander(codec);
    this.#compressor = new Compressor(codec, options.compression);
    this.#sources = new Sources(outlet, clock);
  }

  body(block: SpoolBlock, piece: Piece): Parcelled {
    const { encoding, bodyBytesMax } = this.#options;
    const rawBytes = this.#asItLies(block, piece);
    if (rawBytes !== undefined) return made(block.frame, rawBytes);
    const contents = this.#contents(block);
    if (typeof contents === 'string') return { kind: 'damaged', why: contents };
    const { layout } = contents;
    const describe = ({ source }: Stretch) => this.#sources.of(layout, source);
    const body = encode(encoding, contents, piece, describe, bodyBytesMax);
    return body ? made(this.#compressor.compress(body), body.length) : { kind: 'large' };
  }

  /** A dead letter as a body of its own. */
  letter(letter: DeadLetter): Uint8Array {
    return this.#compressor.compress(encodeOne(this.#options.encoding, letter));
  }

  /** How many bytes the block's own frame stands for, where that can be the body. */
  #asItLies({ header, records }: SpoolBlock, { count }: Piece): number | undefined {
    const { encoding, compression, bodyBytesMax } = this.#options;
    if (encoding !== 'text' || compression !== 'zstd' || count < records) return undefined;
    const decoded = decodeHeader(header);
    if (decoded.kind !== 'header' || decoded.header.rawBytes > bodyBytesMax) return undefined;
    return decoded.header.rawBytes;
  }

  /** Who the records were of that were refused. */
  refusals(block: SpoolBlock, refused: readonly Refused[]): Refusals {
    const contents = this.#contents(block);
    if (typeof contents === 'string') throw new Error(`BUG: a block that was sent cannot be expanded: ${contents}`);
    const letters: DeadLetter[] = [];
    const tallies = new Map<string, Tally>();
    for (const { record, refusal } of refused) {
      const letter = this.#letter(contents, record, refusal);
      const before = tallies.get(letter.collector) ?? { records: 0, bytes: 0 };
      const bytes = before.bytes + this.#sourceBytes(contents, record, letter.body);
      letters.push(letter);
      tallies.set(letter.collector, { records: before.records + 1, bytes });
    }
    return { letters, tallies };
  }

  #contents(block: SpoolBlock): Contents | string {
    const contents = this.#expander.expand(block);
    if (typeof contents !== 'string') this.#sources.learn(contents.layout);
    return contents;
  }

  #letter(contents: Contents, record: number, { status, reason }: Refused['refusal']): DeadLetter {
    const [{ stretch, bytes }] = [...recordsOf(contents, { first: record, count: 1 })] as [RecordAt];
    const description = this.#sources.of(contents.layout, stretch.source);
    return {
      record,
      refusedAt: this.#clock.now(),
      status,
      reason,
      collector: this.#collectorOf(contents, record),
      collectedAt: stretch.collectedAt,
      resource: description?.resource ?? {},
      attributes: description?.attributes ?? {},
      format: stretch.format,
      // The next block overwrites what it is a view of.
      body: Buffer.from(bytes),
    };
  }

  /** Of our own spool: a block that came from elsewhere counts for the collector that received it. */
  #collectorOf({ header }: Contents, record: number): string {
    let first = 0;
    for (const run of header.runs) {
      first += run.records;
      if (record < first) return this.#sources.of(header, run.source)?.collector ?? '';
    }
    return '';
  }

  #sourceBytes({ header }: Contents, record: number, body: Uint8Array): number {
    let first = 0;
    for (const run of header.runs) {
      first += run.records;
      if (record >= first) continue;
      const last = record === first - 1;
      return body.length + 1 - (last && run.unterminated ? run.bytes - tallyOf(run).bytes : 0);
    }
    return body.length + 1;
  }
}

function made(body: Uint8Array, rawBytes: number): Parcelled {
  return { kind: 'body', body, size: { wireBytes: body.length, rawBytes } };
}
