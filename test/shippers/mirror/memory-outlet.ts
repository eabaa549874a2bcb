/** A small honest spool in memory: real headers and frames, and the outlet's rules (a durable end, a cursor that survives). */
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../../../spool/bytes.ts';
import { type BlockHeader, decodeHeader, encodeHeader, hashOf } from '../../../spool/format.ts';
import { encodeDescriptions } from '../../../spool/format-descriptions.ts';
import { encodeTable } from '../../../spool/format-table.ts';
import {
  type BlockView,
  type DropReason,
  type Epoch,
  type Gap,
  type Id,
  type Outlet,
  type Position,
  type ReadResult,
  type Run,
  type ShipperCursor,
  type SourceDescription,
  type Tally,
  zeroHash,
} from '../../../spool/nouns.ts';
import type { Codec } from '../../../spool/ports.ts';

export interface Piece {
  readonly source: number;
  /** With its LFs; where `unterminated` is set the last one is added here. */
  readonly bytes: Uint8Array;
  readonly unterminated?: boolean;
  readonly continues?: boolean;
  readonly format?: 'text' | 'json';
}

export interface BlockParts {
  readonly pieces?: readonly Piece[];
  readonly descriptions?: ReadonlyMap<number, SourceDescription>;
  /** The sources in the table, which makes it a segment's first block. */
  readonly table?: ReadonlyMap<number, SourceDescription>;
  readonly nextSource?: number;
}

export interface RawBlock {
  readonly header: Buffer;
  readonly frame: Buffer;
  readonly frameCrc: number;
}

/** Writes blocks as one spool would, one after the other. */
export class BlockMaker {
  readonly spool: Id;
  readonly #codec: Codec;
  epoch: Epoch;
  position: Position = 0;
  #previous = zeroHash;

  constructor(spool: Id, epoch: Epoch, codec: Codec, position = 0) {
    this.spool = spool;
    this.epoch = epoch;
    this.#codec = codec;
    this.position = position;
  }

  own(parts: BlockParts): RawBlock {
    const pieces = parts.pieces ?? [];
    const raw = Buffer.concat(pieces.map((piece) => withLf(piece)));
    const runs = pieces.map((piece, index) => runOf(piece, index));
    const table =
      parts.table &&
      encodeTable(
        {
          nextSource: parts.nextSource ?? Math.max(0, ...parts.table.keys()) + 1,
          spooledBytes: 0,
          sources: [...parts.table].map(([number, description]) => ({
            number,
            description,
            cursor: { offset: 0, mark: new Uint8Array(0) },
            state: new Uint8Array(0),
          })),
          collectors: {},
          shippers: [],
        },
        this.#codec,
      );
    return this.#seal(
      {
        runs,
        rawBytes: raw.length,
        records: pieces.length,
        descriptions: [...(parts.descriptions ?? [])].map(([number, description]) => ({ number, description })),
        ...(table ? { table, opening: this.epoch } : {}),
      },
      frameOf(raw, this.#codec),
    );
  }

  nest(block: RawBlock, beside?: ReadonlyMap<number, SourceDescription>): RawBlock {
    const inner = decodeHeader(block.header);
    if (inner.kind !== 'header') throw new Error('the inner header does not decode');
    const { rawBytes, records } = inner.header;
    const empty = new Uint8Array(0);
    const run: Run = {
      source: 1,
      from: 0,
      to: 1,
      mark: empty,
      format: 'text',
      records,
      bytes: rawBytes,
      time: 1000,
      continues: false,
      unterminated: false,
    };
    return this.#seal(
      {
        runs: [run],
        rawBytes,
        records,
        descriptions: [],
        origin: block.header,
        ...(beside
          ? {
              originDescriptions: encodeDescriptions(
                [...beside].map(([number, description]) => ({ number, description })),
              ),
            }
          : {}),
      },
      block.frame,
    );
  }

  #seal(
    parts: Pick<BlockHeader, 'runs' | 'rawBytes' | 'records' | 'descriptions'> & Partial<BlockHeader>,
    frame: Buffer,
  ): RawBlock {
    const out = new ByteWriter();
    encodeHeader(
      {
        frameBytes: frame.length,
        frameCrc: crc32(frame),
        position: this.position,
        spool: this.spool,
        epoch: this.epoch.id,
        previous: this.#previous,
        previousEnd: this.position,
        vouched: this.position,
        time: 1000,
        recordsBefore: 0,
        sourceBytesBefore: 0,
        drops: [],
        ...parts,
      },
      out,
    );
    const header = Buffer.from(out.bytes);
    this.position += header.length + frame.length;
    this.#previous = hashOf(header);
    return { header, frame, frameCrc: crc32(frame) };
  }
}

interface Stored extends RawBlock {
  readonly position: Position;
  readonly end: Position;
  readonly epoch: Epoch;
}

export class MemoryOutlet implements Outlet {
  readonly name = 'mirror';
  readonly spool: Id;
  readonly blocks: Stored[] = [];
  readonly gaps: Gap[] = [];
  readonly given: { reason: DropReason; tally: Tally }[] = [];
  cursor: ShipperCursor | undefined;
  durable: Position = 0;
  oldest: Position = 0;
  #waiters: (() => void)[] = [];

  constructor(spool: Id) {
    this.spool = spool;
  }

  add(block: RawBlock, epoch: Epoch): void {
    const decoded = decodeHeader(block.header);
    if (decoded.kind !== 'header') throw new Error('not a header');
    const { position } = decoded.header;
    const end = position + block.header.length + block.frame.length;
    this.blocks.push({ ...block, position, end, epoch });
    this.durable = end;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  read(from: Position, bytesMax: number): ReadResult {
    const gap = this.gaps.find((each) => each.from === from);
    if (gap) return { kind: 'gap', from, upto: gap.upto, gap };
    const first = this.blocks.findIndex((block) => block.position === from);
    if (first < 0) {
      if (from !== this.durable) throw new Error(`no block begins at ${from}`);
      return { kind: 'end' };
    }
    const views: BlockView[] = [];
    let bytes = 0;
    for (const block of this.blocks.slice(first)) {
      const length = block.end - block.position;
      if (views.length > 0 && (bytes + length > bytesMax || block.epoch.id !== this.blocks[first]!.epoch.id)) break;
      bytes += length;
      views.push(viewOf(block));
      if (this.gaps.some((each) => each.from === block.end)) break;
    }
    const upto = views.at(-1)!.end;
    return { kind: 'blocks', epoch: this.blocks[first]!.epoch, from, upto, bytes: new Uint8Array(0), blocks: views };
  }

  endingAt(position: Position) {
    const block = this.blocks.find((each) => each.end === position);
    return block && { epoch: block.epoch, hash: hashOf(block.header) };
  }

  readable(from: Position, signal: AbortSignal): Promise<void> {
    if (from < this.durable || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async save(cursor: ShipperCursor): Promise<void> {
    this.cursor = { ...cursor };
  }

  refused(): void {}

  dropped(reason: DropReason, tally: Tally): void {
    this.given.push({ reason, tally });
  }

  describe(): Uint8Array {
    return encodeDescriptions([]);
  }

  pin(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  waiting(): Tally {
    return { records: 0, bytes: 0 };
  }

  oldestWaiting(): undefined {
    return undefined;
  }
}

export function epochOf(id: Id, start = 0, parent?: Epoch['parent']): Epoch {
  return { id, start, parent };
}

function viewOf(block: Stored): BlockView {
  const decoded = decodeHeader(block.header);
  if (decoded.kind !== 'header') throw new Error('not a header');
  const { header } = decoded;
  return {
    position: block.position,
    end: block.end,
    hash: hashOf(block.header),
    time: header.time,
    records: header.records,
    rawBytes: header.rawBytes,
    header: block.header,
    frame: block.frame,
  };
}

function withLf(piece: Piece): Uint8Array {
  return piece.unterminated ? Buffer.concat([piece.bytes, Buffer.from('\n')]) : piece.bytes;
}

function runOf(piece: Piece, index: number): Run {
  return {
    source: piece.source,
    from: index,
    to: index + piece.bytes.length,
    mark: new Uint8Array(0),
    format: piece.format ?? 'text',
    records: 1,
    bytes: withLf(piece).length,
    time: 1000,
    continues: piece.continues ?? false,
    unterminated: piece.unterminated ?? false,
  };
}

function frameOf(raw: Buffer, codec: Codec): Buffer {
  if (raw.length === 0) return Buffer.alloc(0);
  const into = Buffer.alloc(codec.frameBytesMax(raw.length));
  return Buffer.from(into.subarray(0, codec.compress(raw, into)));
}
