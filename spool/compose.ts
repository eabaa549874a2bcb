/**
 * Makes blocks: gives each its place in the spool, its bytes, and the link to the block before it. What is made is kept by
 * the writer until it is durable, and may get another place by a repair.
 */
import type { BlockArena } from './arena.ts';
import { ByteWriter } from './bytes.ts';
import type { BlockHeader } from './format.ts';
import { encodeHeader, hashOf, sealHeader } from './format.ts';
import { checksum } from './format-checksum.ts';
import type { BlockHash, Id, Position } from './nouns.ts';
import type { Codec, UnixMs } from './ports.ts';

/** What a block is made of before it has a place. */
export interface NewBlock
  extends Partial<Pick<BlockHeader, 'runs' | 'descriptions' | 'drops' | 'origin' | 'originDescriptions'>> {
  readonly time: UnixMs;
  readonly records: number;
  /** Raw records, to be compressed; or a finished frame with its checksum and what it expands to. */
  readonly body:
    | { readonly raw: Uint8Array }
    | { readonly frame: Uint8Array; readonly frameCrc: number; readonly rawBytes: number };
}

/** A block with its place and its bytes. */
export interface PlacedBlock {
  readonly bytes: Buffer;
  readonly header: BlockHeader;
  readonly headerBytes: number;
  /** Its bytes lie in the arena: to be freed when it is durable. */
  readonly inArena: boolean;
}

/** Where a block stands: what the one before it and the spool say. */
export type Place = Pick<
  BlockHeader,
  'position' | 'epoch' | 'previous' | 'previousEnd' | 'vouched' | 'recordsBefore' | 'sourceBytesBefore'
>;

/** What only the first block of a segment says. */
export type FirstOfSegment = Pick<BlockHeader, 'table' | 'opening'>;

export class Composer {
  readonly #spool: Id;
  readonly #codec: Codec;
  readonly #arena: BlockArena;
  readonly #header = new ByteWriter(1024);

  constructor(spool: Id, codec: Codec, arena: BlockArena) {
    this.#spool = spool;
    this.#codec = codec;
    this.#arena = arena;
  }

  /** Whether there is room for a block of so many raw (or frame) bytes. */
  fits(bodyBytes: number): boolean {
    return this.#arena.fits(this.#codec.frameBytesMax(bodyBytes) + headerBytesUsual);
  }

  /** The block at its place, in the arena. */
  compose(block: NewBlock, place: Place, first?: FirstOfSegment): PlacedBlock {
    const { body } = block;
    const header: BlockHeader = {
      frameBytes: 0,
      frameCrc: 0,
      rawBytes: 'raw' in body ? body.raw.length : body.rawBytes,
      spool: this.#spool,
      ...place,
      time: block.time,
      records: block.records,
      runs: block.runs ?? [],
      descriptions: block.descriptions ?? [],
      drops: block.drops ?? [],
      origin: block.origin,
      originDescriptions: block.originDescriptions,
      ...first,
    };
    encodeHeader(header, this.#header);
    const headerBytes = this.#header.length;
    const frameMax = 'raw' in body ? this.#codec.frameBytesMax(body.raw.length) : body.frame.length;
    const room = this.#arena.take(headerBytes + frameMax);
    const frameBytes = fillFrame(body, room.subarray(headerBytes), this.#codec);
    this.#arena.keep(headerBytes + frameBytes);
    const bytes = room.subarray(0, headerBytes + frameBytes);
    const frameCrc = 'raw' in body ? checksum(bytes.subarray(headerBytes)) : body.frameCrc;
    this.#header.bytes.copy(bytes);
    sealHeader(bytes.subarray(0, headerBytes), frameBytes, frameCrc);
    return { bytes, header: { ...header, frameBytes, frameCrc }, headerBytes, inArena: true };
  }

  /** The same block at another place, in memory of its own. Its counts stay. */
  move(block: PlacedBlock, place: Omit<Place, 'recordsBefore' | 'sourceBytesBefore'>): PlacedBlock {
    const header = { ...block.header, ...place };
    encodeHeader(header, this.#header);
    const bytes = Buffer.concat([this.#header.bytes, block.bytes.subarray(block.headerBytes)]);
    return { bytes, header, headerBytes: this.#header.length, inArena: false };
  }
}

/** Where the block ends, and its hash: what the next one says of it. */
export function endOf(block: PlacedBlock): { readonly end: Position; readonly hash: BlockHash } {
  return {
    end: block.header.position + block.bytes.length,
    hash: hashOf(block.bytes.subarray(0, block.headerBytes)),
  };
}

/** What most headers stay below; a block with many runs takes more, and gets it. */
const headerBytesUsual = 16 * 1024;

function fillFrame(body: NewBlock['body'], into: Buffer, codec: Codec): number {
  if (!('raw' in body)) {
    into.set(body.frame);
    return body.frame.length;
  }
  return body.raw.length === 0 ? 0 : codec.compress(body.raw, into);
}
