/**
 * Walks the headers of a segment file: what is whole, and what is not. Reads little (a header a step, not the frames) and
 * never throws for what lies on the disk; a failing read is damage like any other.
 */
import type { BlockHeader } from './format.ts';
import { blockMagic, decodeHeader, hashOf, headerFixedBytes, measureHeader, skippableMagic } from './format.ts';
import type { BlockHash, Id, Position } from './nouns.ts';
import { limits } from './nouns.ts';
import type { OpenFile } from './ports.ts';

export type ScanItem =
  | {
      readonly kind: 'block';
      readonly position: Position;
      readonly end: Position;
      readonly header: BlockHeader;
      readonly headerBytes: number;
      readonly hash: BlockHash;
    }
  | { readonly kind: 'damage'; readonly position: Position; readonly end: Position; readonly why: string }
  | { readonly kind: 'newer'; readonly position: Position; readonly end: Position; readonly version: number };

export type ScannedBlock = Extract<ScanItem, { kind: 'block' }>;

/** A stretch of one segment file: `start` is the position of the file's first byte. */
export interface Stretch {
  readonly file: OpenFile;
  readonly start: Position;
  readonly from: Position;
  readonly end: Position;
  /** Blocks of other spools are damage; undefined takes any. */
  readonly spool: Id | undefined;
}

/** Every block and every damaged stretch from `from` to `end`, in order and without holes between them. */
export function* scan(stretch: Stretch): Generator<ScanItem> {
  const read = new HeaderReader(stretch);
  for (let at = stretch.from; at < stretch.end; ) {
    const item = read.at(at);
    yield item;
    if (item.kind === 'newer') return;
    at = item.end;
  }
}

/** The first block of the segment, where it is whole. */
export function firstBlock(file: OpenFile, start: Position, end: Position): ScanItem {
  return new HeaderReader({ file, start, from: start, end, spool: undefined }).at(start, false);
}

class HeaderReader {
  readonly #stretch: Stretch;
  #window = Buffer.allocUnsafeSlow(8 * 1024);

  constructor(stretch: Stretch) {
    this.#stretch = stretch;
  }

  at(position: Position, resync = true): ScanItem {
    const found = this.#block(position);
    if (typeof found !== 'string') return found;
    const end = resync ? this.#nextBlock(position + 1) : this.#stretch.end;
    return { kind: 'damage', position, end, why: found };
  }

  /** The block at `position`, or why there is none. */
  #block(position: Position): ScanItem | string {
    const { end, spool } = this.#stretch;
    let bytes = this.#read(position, headerFixedBytes * 4);
    if (bytes === undefined) return 'it cannot be read';
    let result = decodeHeader(bytes);
    if (result.kind === 'short') {
      if (position + result.length > end) return 'the segment ends within a header';
      bytes = this.#read(position, result.length);
      if (bytes === undefined) return 'it cannot be read';
      result = decodeHeader(bytes);
    }
    if (result.kind === 'short') return 'the segment ends within a header';
    if (result.kind === 'damaged') return result.why;
    if (result.kind === 'unknown_version') return { kind: 'newer', position, end, version: result.version };
    const { header, length } = result;
    if (header.position !== position) return 'a block stands here that was written for another position';
    if (spool !== undefined && header.spool !== spool) return 'a block of another spool stands here';
    const blockEnd = position + length + header.frameBytes;
    if (blockEnd > end) return 'the segment ends within a block';
    // The window is used again: what the header's views point to is copied.
    const own = Buffer.from(bytes.subarray(0, length));
    const copied = decodeHeader(own);
    if (copied.kind !== 'header') return 'the header does not decode';
    return { kind: 'block', position, end: blockEnd, header: copied.header, headerBytes: length, hash: hashOf(own) };
  }

  /** Where the next whole header stands that belongs where it is; else the end. */
  #nextBlock(from: Position): Position {
    const { end } = this.#stretch;
    const window = 256 * 1024;
    for (let at = from; at < end; at += window - 16) {
      const bytes = this.#read(at, window);
      if (bytes === undefined) continue;
      const copy = Buffer.from(bytes);
      for (let found = copy.indexOf(magicBytes); found >= 0; found = copy.indexOf(magicBytes, found + 1)) {
        if (found + 12 > copy.length || copy.readUInt32LE(found + 8) !== blockMagic) continue;
        if (typeof this.#block(at + found) !== 'string') return at + found;
      }
    }
    return end;
  }

  /** Up to `length` bytes from `position`, as far as the stretch goes; undefined where the disk refuses. */
  #read(position: Position, length: number): Buffer | undefined {
    const { file, start, end } = this.#stretch;
    const wanted = Math.min(length, end - position, limits.blockBytesMax);
    if (wanted > this.#window.length) this.#window = Buffer.allocUnsafeSlow(wanted);
    return readFully(file, this.#window.subarray(0, wanted), position - start);
  }
}

/** Fills `into` as far as the file goes; undefined where the disk refuses. */
export function readFully(file: OpenFile, into: Buffer, offset: number): Buffer | undefined {
  let done = 0;
  try {
    while (done < into.length) {
      const count = file.read(into.subarray(done), offset + done);
      if (count === 0) break;
      done += count;
    }
  } catch {
    // A bad sector: the caller treats the stretch as damage and reports it.
    return undefined;
  }
  return into.subarray(0, done);
}

/** True where `bytes` begin with a whole header of any version. */
export function isHeader(bytes: Uint8Array): boolean {
  return measureHeader(bytes).kind === 'whole';
}

const magicBytes = (() => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(skippableMagic, 0);
  return bytes;
})();
