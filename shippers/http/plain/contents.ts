/** What a block holds: its records as bytes, and of each stretch of them whose they are. Pure. */
import type { BlockHeader } from '../../../spool/format.ts';
import { decodeHeader } from '../../../spool/format.ts';
import { type Layout, layoutOf } from '../../../spool/format-nesting.ts';
import type { RecordFormat, SourceNumber } from '../../../spool/nouns.ts';
import type { Codec, UnixMs } from '../../../spool/ports.ts';
import type { Piece } from './key.ts';

/** Records of one run. */
export interface Stretch {
  readonly source: SourceNumber;
  readonly format: RecordFormat;
  /** Where its bytes stand in `raw`. */
  readonly from: number;
  readonly upto: number;
  /** Number of its first record in the block, and how many there are. */
  readonly first: number;
  readonly records: number;
  readonly collectedAt: UnixMs;
  /** The first record goes on with the source's previous one. */
  readonly continues: boolean;
  /** The last one had no line feed at its source. */
  readonly unterminated: boolean;
}

export interface Contents {
  /** All records, each with its LF; valid until the next block is expanded. */
  readonly raw: Uint8Array;
  readonly records: number;
  readonly stretches: readonly Stretch[];
  readonly layout: Layout;
  /** The header that our own spool wrote. */
  readonly header: BlockHeader;
}

export interface StoredBlock {
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

/** Expands blocks one at a time into memory that it keeps. */
export class Expander {
  readonly #codec: Codec;
  #into = Buffer.alloc(0);

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** What the block holds, or why that cannot be had. */
  expand({ header, frame }: StoredBlock): Contents | string {
    const decoded = decodeHeader(header);
    if (decoded.kind !== 'header') return 'its header does not decode';
    const result = layoutOf(header, this.#codec);
    if (result.kind === 'damaged') return result.why;
    const { layout } = result;
    if (this.#into.length < layout.rawBytes) this.#into = Buffer.allocUnsafeSlow(layout.rawBytes);
    const raw = this.#into.subarray(0, layout.rawBytes);
    try {
      if (this.#codec.expand(frame, raw) !== raw.length) return 'its frame is shorter than its header says';
    } catch (error) {
      return `its frame does not expand: ${(error as Error).message}`;
    }
    return { raw, records: layout.records, stretches: stretchesOf(layout), layout, header: decoded.header };
  }

  /** Lets go of the memory that the largest block took. */
  release(): void {
    this.#into = Buffer.alloc(0);
  }
}

function stretchesOf({ runs }: Layout): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  let first = 0;
  for (const run of runs) {
    if (run.records === 0) continue;
    const { source, format, records, time: collectedAt, continues, unterminated } = run;
    const upto = from + run.bytes;
    stretches.push({ source, format, from, upto, first, records, collectedAt, continues, unterminated });
    from = upto;
    first += records;
  }
  return stretches;
}

/** Where the bytes of a piece's records stand in `raw`. */
export function rangeOf({ raw, stretches, records }: Contents, { first, count }: Piece): readonly [number, number] {
  if (count === records) return [0, raw.length];
  return [offsetOf(raw, stretches, first), offsetOf(raw, stretches, first + count)];
}

function offsetOf(raw: Uint8Array, stretches: readonly Stretch[], record: number): number {
  const stretch = stretches.find(({ first, records }) => record < first + records);
  if (!stretch) return raw.length;
  let at = stretch.from;
  for (let left = record - stretch.first; left > 0; left--) at = raw.indexOf(0x0a, at) + 1;
  return at;
}
