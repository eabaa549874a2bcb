/**
 * Reads verified ranges of segment files, for one shipper: every header and frame is checked before it is handed on. What was
 * read and does not check out becomes a gap that ends where reading can go on; what the disk refuses to read may pass, and
 * becomes a gap only for a caller that has given up waiting (`patience.ts`).
 */
import type { BlockHeader } from './format.ts';
import { decodeHeader, hashOf, headerFixedBytes } from './format.ts';
import { checksum } from './format-checksum.ts';
import type { BlockView, Epoch, Id, Position } from './nouns.ts';
import { limits } from './nouns.ts';
import type { Files, OpenFile } from './ports.ts';
import type { Filled } from './scan.ts';
import { fill, firstBlock, refusedText, scan } from './scan.ts';
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
  | Refused
  | { readonly kind: 'end' };

/** The disk refuses to read: `bytes` from `at` on are missing for reading on at `from`. */
export interface Refused {
  readonly kind: 'refused';
  readonly from: Position;
  readonly at: Position;
  readonly bytes: number;
  readonly why: string;
  readonly segment: Segment;
  /** The whole file, which cannot be opened. */
  readonly unopened: boolean;
}

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

  /**
   * At least one block of at most `bytesMax` together, from `from` on and before `durable`. Without `patient` what the disk
   * refuses to read is a gap; but not a file that cannot be opened, which somebody can put right, or take away.
   */
  read(from: Position, bytesMax: number, durable: Position, patient = true): RangeRead {
    const segment = this.#segments.at(from);
    if (!segment || segment.start >= durable) return { kind: 'end' };
    if (from < segment.start)
      return { kind: 'gap', from, upto: segment.start, why: 'nothing is kept here', segment: undefined };
    const end = Math.min(segment.end, durable);
    if (from >= end) return { kind: 'end' };
    const file = this.#fileOf(segment);
    if (file instanceof Error) {
      const why = `the segment cannot be opened: ${file.message}`;
      const gone = (file as NodeJS.ErrnoException).code === 'ENOENT';
      if (gone) return { kind: 'gap', from, upto: end, why, segment };
      return { kind: 'refused', from, at: from, bytes: 1, why, segment, unopened: true };
    }
    const read = this.#blocks({ file, segment, from, end, patient }, Math.min(end, from + bytesMax));
    // Opened anew the next time: a path to the disk that went down may have come back as another.
    if (read.kind === 'refused') this.close();
    return read;
  }

  /** Whether anything behind `from` can be read: then the disk is there, and only a stretch of it is not. */
  readsBehind(from: Position, durable: Position): boolean {
    let at = from;
    for (let looks = 0; looks < looksMax; looks++) {
      const read = this.read(at, 1, durable, false);
      if (read.kind === 'blocks') return true;
      if (read.kind === 'end') return false;
      at = read.kind === 'gap' ? read.upto : read.segment.end;
    }
    const behind = this.#segments.list.filter(({ start }) => start >= at && start < durable);
    return [...behind.slice(0, looksMax), ...behind.slice(-1)].some(({ start }) => {
      const read = this.read(start, 1, durable, false);
      return read.kind === 'blocks';
    });
  }

  /** Tries what was refused without holding up anybody else. Why it still cannot be read; undefined when it can. */
  async probe({ segment, at, bytes }: Refused): Promise<Error | undefined> {
    let file: OpenFile | undefined;
    try {
      file = await this.#files.openLater(this.#segments.path(segment), 'read');
      const into = Buffer.allocUnsafeSlow(Math.min(bytes, 2 * limits.blockBytesMax));
      for (let done = 0; done < into.length; ) {
        const count = await file.readLater(into.subarray(done), at - segment.start + done);
        if (count === 0) break;
        done += count;
      }
      return undefined;
    } catch (error) {
      // Taken away by somebody: that is a gap, and no reason to wait.
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : (error as Error);
    } finally {
      file?.close();
    }
  }

  /** Where the block before the one at the start of a segment ended: between there and here nothing ever stood. */
  previousEnd(start: Position): Position {
    const segment = this.#segments.at(start);
    const file = segment && this.#fileOf(segment);
    if (!segment || !file || file instanceof Error) return start;
    const first = firstBlock(file, segment.start, segment.end);
    return first.kind === 'block' ? first.header.previousEnd : start;
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #blocks(stretch: ReadStretch, wanted: Position, again = false): RangeRead {
    const { from, end } = stretch;
    const { bytes, refused } = this.#fill(stretch, wanted);
    const blocks: ReadBlock[] = [];
    for (let at = from; at < wanted; ) {
      const block = this.#block(bytes.subarray(at - from), at);
      if (typeof block === 'object') {
        if (blocks[0] && block.content.epoch !== blocks[0].content.epoch) break;
        blocks.push(block);
        at = block.end;
      } else if (blocks.length > 0) break;
      // It may have gone wrong on its way from the disk.
      else if (typeof block === 'string')
        return again ? this.#damage(stretch, block) : this.#blocks(stretch, wanted, true);
      // The block goes on behind what was read.
      else if (refused) return this.#refused(stretch, from, block, refusedText(refused));
      else if (from + block > end || wanted - from >= block)
        return this.#damage(stretch, 'the segment ends within a block');
      else return this.#blocks(stretch, from + block);
    }
    return this.#result(stretch, bytes, blocks);
  }

  #result(stretch: ReadStretch, bytes: Buffer, blocks: readonly ReadBlock[]): RangeRead {
    const { from, segment } = stretch;
    const epoch = this.#epochOf(stretch, blocks[0]!.content);
    if (typeof epoch === 'string') return this.#refused(stretch, segment.start, headerFixedBytes, epoch);
    const upto = blocks.at(-1)!.end;
    return { kind: 'blocks', epoch, from, upto, bytes: bytes.subarray(0, upto - from), blocks };
  }

  #refused(stretch: ReadStretch, at: Position, bytes: number, why: string): RangeRead {
    const { from, segment, patient } = stretch;
    return patient ? { kind: 'refused', from, at, bytes, why, segment, unopened: false } : this.#damage(stretch, why);
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
    if (checksum(frame) !== content.frameCrc) return 'the block does not match its checksum';
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
  #damage({ file, segment, from, end }: ReadStretch, why: string): RangeRead {
    const [item] = scan({ file, start: segment.start, from, end, spool: this.#spool });
    return { kind: 'gap', from, upto: item ? item.end : end, why, segment };
  }

  /** The epoch of a block in the segment, or why the disk does not tell. */
  #epochOf({ file, segment, patient }: ReadStretch, header: BlockHeader): Epoch | string {
    const known = this.#epochs.get(header.epoch);
    if (known) return known;
    const first = firstBlock(file, segment.start, segment.end);
    if (patient && first.kind === 'damage' && first.refused) return first.why;
    const opening = first.kind === 'block' ? first.header.opening : undefined;
    // With its table damaged the segment still says which epoch it is of; only the parent is not known.
    if (opening?.id !== header.epoch) return { id: header.epoch, start: segment.start, parent: undefined };
    if (this.#epochs.size >= epochsMax) this.#epochs.clear();
    this.#epochs.set(opening.id, opening);
    return opening;
  }

  #fileOf(segment: Segment): OpenFile | Error {
    if (this.#open?.start === segment.start) return this.#open.file;
    this.close();
    try {
      const file = this.#files.open(this.#segments.path(segment), 'read');
      this.#open = { start: segment.start, file };
      return file;
    } catch (error) {
      return error as Error;
    }
  }

  #fill({ file, segment, from }: ReadStretch, upto: Position): Filled {
    const wanted = Math.min(upto - from, 2 * limits.blockBytesMax);
    // Twice as much at least: else, while a backlog grows, each read would leave a buffer behind that is a little too small.
    if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length));
    return fill(file, this.#buffer.subarray(0, wanted), from - segment.start);
  }
}

/** From where to where in which file. */
interface ReadStretch {
  readonly file: OpenFile;
  readonly segment: Segment;
  readonly from: Position;
  readonly end: Position;
  readonly patient: boolean;
}

/** So many places are looked at for something that can be read. */
const looksMax = 16;
const epochsMax = 256;
