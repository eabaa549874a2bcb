/**
 * Reads verified ranges of segment files, for one shipper: every header and frame is checked before it is handed on, and what
 * does not check out becomes a gap that ends where reading can go on.
 */
import { crc32 } from 'node:zlib';
import type { BlockHeader } from './format.ts';
import { decodeHeader, hashOf } from './format.ts';
import type { BlockView, Epoch, Id, Position } from './nouns.ts';
import { limits } from './nouns.ts';
import type { Files, OpenFile } from './ports.ts';
import { firstBlock, readFully, scan } from './scan.ts';
import type { Segment, Segments } from './segments.ts';

export interface ReadBlock extends BlockView {
  readonly content: BlockHeader;
}

export type RangeRead =
  | {
      readonly kind: 'blocks';
      readonly epoch: Epoch;
      readonly from: Position;
      readonly upto: Position;
      readonly bytes: Uint8Array;
      readonly blocks: readonly ReadBlock[];
    }
  /** `segment`: the file that holds the stretch; undefined where there is none. */
  | {
      readonly kind: 'gap';
      readonly from: Position;
      readonly upto: Position;
      readonly why: string;
      readonly segment: Segment | undefined;
    }
  | { readonly kind: 'end' };

export class Reader {
  readonly #files: Files;
  readonly #segments: Segments;
  readonly #spool: Id;
  readonly #epochs = new Map<Id, Epoch>();
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #open: { readonly start: Position; readonly file: OpenFile } | undefined;

  constructor(files: Files, segments: Segments, spool: Id) {
    this.#files = files;
    this.#segments = segments;
    this.#spool = spool;
  }

  /** At least one block of at most `bytesMax` together, from `from` on and before `durable`. */
  read(from: Position, bytesMax: number, durable: Position): RangeRead {
    const segment = this.#segments.at(from);
    if (!segment || segment.start >= durable) return { kind: 'end' };
    if (from < segment.start)
      return { kind: 'gap', from, upto: segment.start, why: 'nothing is kept here', segment: undefined };
    const end = Math.min(segment.end, durable);
    if (from >= end) return { kind: 'end' };
    const file = this.#fileOf(segment);
    if (typeof file === 'string') return { kind: 'gap', from, upto: end, why: file, segment };
    return this.#blocks(file, segment, from, Math.min(end, from + bytesMax), end);
  }

  /** Where the block before the one at the start of a segment ended: between there and here nothing ever stood. */
  previousEnd(start: Position): Position {
    const segment = this.#segments.at(start);
    const file = segment && this.#fileOf(segment);
    if (!segment || !file || typeof file === 'string') return start;
    const first = firstBlock(file, segment.start, segment.end);
    return first.kind === 'block' ? first.header.previousEnd : start;
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #blocks(file: OpenFile, segment: Segment, from: Position, wanted: Position, end: Position): RangeRead {
    const bytes = this.#fill(file, from - segment.start, wanted - from);
    const blocks: ReadBlock[] = [];
    let at = from;
    while (bytes && at < wanted) {
      const block = this.#block(bytes.subarray(at - from), at);
      if (typeof block === 'string') {
        return blocks.length > 0
          ? this.#result(file, segment, from, at, bytes, blocks)
          : this.#damage(file, segment, from, end, block);
      }
      if (typeof block === 'number') {
        // The block goes on behind what was read.
        if (blocks.length > 0) break;
        if (from + block > end || wanted - from >= block)
          return this.#damage(file, segment, from, end, 'the segment ends within a block');
        return this.#blocks(file, segment, from, from + block, end);
      }
      if (blocks[0] && block.content.epoch !== blocks[0].content.epoch) break;
      blocks.push(block);
      at = block.end;
    }
    if (!bytes || blocks.length === 0) return this.#damage(file, segment, from, end, 'it cannot be read');
    return this.#result(file, segment, from, at, bytes, blocks);
  }

  #result(
    file: OpenFile,
    segment: Segment,
    from: Position,
    upto: Position,
    bytes: Buffer,
    blocks: readonly ReadBlock[],
  ): RangeRead {
    const epoch = this.#epochOf(file, segment, blocks[0]!.content);
    return { kind: 'blocks', epoch, from, upto, bytes: bytes.subarray(0, upto - from), blocks };
  }

  /** The block at the start of `bytes`, how many bytes it takes where they do not all stand there, or what is wrong. */
  #block(bytes: Buffer, position: Position): ReadBlock | number | string {
    const result = decodeHeader(bytes);
    if (result.kind === 'short') return result.length;
    if (result.kind === 'damaged') return result.why;
    if (result.kind === 'unknown_version') return `it was written by a newer version (format ${result.version})`;
    const { header: content, length } = result;
    if (content.position !== position) return 'a block stands here that was written for another position';
    if (content.spool !== this.#spool) return 'a block of another spool stands here';
    const whole = length + content.frameBytes;
    if (whole > bytes.length) return whole;
    const header = bytes.subarray(0, length);
    const frame = bytes.subarray(length, whole);
    if (crc32(frame) !== content.frameCrc) return 'the block does not match its checksum';
    return {
      position,
      end: position + whole,
      hash: hashOf(header),
      time: content.runs[0]?.time ?? content.time,
      records: content.records,
      rawBytes: content.rawBytes,
      header,
      frame,
      content,
    };
  }

  /** From `from` to the next whole block. A block whose header is whole and whose frame is not is the gap itself. */
  #damage(file: OpenFile, segment: Segment, from: Position, end: Position, why: string): RangeRead {
    const [item] = scan({ file, start: segment.start, from, end, spool: this.#spool });
    return { kind: 'gap', from, upto: item ? item.end : end, why, segment };
  }

  #epochOf(file: OpenFile, segment: Segment, header: BlockHeader): Epoch {
    const known = this.#epochs.get(header.epoch);
    if (known) return known;
    const first = firstBlock(file, segment.start, segment.end);
    const opening = first.kind === 'block' ? first.header.opening : undefined;
    // With its table damaged the segment still says which epoch it is of; only the parent is not known.
    if (opening?.id !== header.epoch) return { id: header.epoch, start: segment.start, parent: undefined };
    if (this.#epochs.size >= epochsMax) this.#epochs.clear();
    this.#epochs.set(opening.id, opening);
    return opening;
  }

  #fileOf(segment: Segment): OpenFile | string {
    if (this.#open?.start === segment.start) return this.#open.file;
    this.close();
    try {
      const file = this.#files.open(this.#segments.path(segment), 'read');
      this.#open = { start: segment.start, file };
      return file;
    } catch (error) {
      return `the segment cannot be opened: ${(error as Error).message}`;
    }
  }

  #fill(file: OpenFile, offset: number, bytes: number): Buffer | undefined {
    const wanted = Math.min(bytes, 2 * limits.blockBytesMax);
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(wanted);
    return readFully(file, this.#buffer.subarray(0, wanted), offset);
  }
}

const epochsMax = 256;
