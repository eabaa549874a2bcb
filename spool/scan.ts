/**
 * Walks the headers of a segment file: what is whole, and what is not. Reads little (a header a step, not the frames) and
 * never throws for what lies on the disk; where the disk refuses to read, that is damage which says so, for it may pass.
 */
import type { BlockHeader } from './format.ts';
import {
  blockMagic,
  decodeHeader,
  hashOf,
  headerFixedBytes,
  measureHeader,
  placeOf,
  skippableMagic,
} from './format.ts';
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
  | {
      readonly kind: 'damage';
      readonly position: Position;
      readonly end: Position;
      readonly why: string;
      /** The disk refused to read it: what stands there is not known, and may be had another time. */
      readonly refused: boolean;
    }
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

/** The little that a glance at a whole block tells: its header's checksum holds, its runs were not looked at. */
export interface Glance {
  readonly kind: 'glance';
  readonly position: Position;
  readonly end: Position;
  readonly vouched: Position;
}

/** As `scan` of any spool's blocks, with whole blocks only glanced at: some ten times as quick where there are many runs. */
export function* glances(stretch: Omit<Stretch, 'spool'>): Generator<ScanItem | Glance> {
  const read = new HeaderReader({ ...stretch, spool: undefined });
  for (let at = stretch.from; at < stretch.end; ) {
    const item = read.glance(at);
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
    if (typeof found !== 'string' && !(found instanceof Error)) return found;
    const end = resync ? this.#nextBlock(position + 1) : this.#stretch.end;
    const why = typeof found === 'string' ? found : refusedText(found);
    return { kind: 'damage', position, end, why, refused: typeof found !== 'string' };
  }

  /** As `at`, of a whole block only what its fixed part says. */
  glance(position: Position): ScanItem | Glance {
    const head = this.#head(position);
    if (typeof head === 'string' || head instanceof Error) return this.at(position);
    const place = placeOf(head);
    const end = position + head.length + (place?.frameBytes ?? 0);
    if (place?.position !== position || end > this.#stretch.end) return this.at(position);
    return { kind: 'glance', position, end, vouched: place.vouched };
  }

  /** The block at `position`, why there is none, or why that cannot be read. */
  #block(position: Position): ScanItem | string | Error {
    const { end, spool } = this.#stretch;
    const head = this.#head(position);
    if (typeof head === 'string' || head instanceof Error) return head;
    // The window is used again: what the header's views point to is copied.
    const own = Buffer.from(head);
    const result = decodeHeader(own);
    if (result.kind === 'unknown_version') return { kind: 'newer', position, end, version: result.version };
    if (result.kind !== 'header') return 'the header does not decode';
    const { header, length } = result;
    if (header.position !== position) return 'a block stands here that was written for another position';
    if (spool !== undefined && header.spool !== spool) return 'a block of another spool stands here';
    const blockEnd = position + length + header.frameBytes;
    if (blockEnd > end) return 'the segment ends within a block';
    return { kind: 'block', position, end: blockEnd, header, headerBytes: length, hash: hashOf(own) };
  }

  /** The bytes of a whole header at `position`, valid until the next call. */
  #head(position: Position): Buffer | string | Error {
    let { bytes, refused } = this.#read(position, headerFixedBytes * 4);
    let head = measureHeader(bytes);
    if (head.kind === 'short' && !refused) {
      if (position + head.length > this.#stretch.end) return 'the segment ends within a header';
      ({ bytes, refused } = this.#read(position, head.length));
      head = measureHeader(bytes);
    }
    if (head.kind === 'short') return refused ?? 'the segment ends within a header';
    if (head.kind === 'damaged') return head.why;
    return bytes.subarray(0, head.length);
  }

  /** Where the next whole header stands that belongs where it is; else the end. */
  #nextBlock(from: Position): Position {
    const { end } = this.#stretch;
    const window = 256 * 1024;
    let skip = sectorBytes;
    for (let at = from; at < end; ) {
      const { bytes, refused } = this.#read(at, window);
      const copy = Buffer.from(bytes);
      for (let found = copy.indexOf(magicBytes); found >= 0; found = copy.indexOf(magicBytes, found + 1)) {
        if (found + 12 > copy.length || copy.readUInt32LE(found + 8) !== blockMagic) continue;
        const block = this.#block(at + found);
        if (typeof block !== 'string' && !(block instanceof Error)) return at + found;
      }
      if (!refused) {
        skip = sectorBytes;
        at += window - 16;
        continue;
      }
      // In steps that grow: little behind a bad sector is passed over, and a disk that is gone is not asked for ever.
      if (copy.length > 0) skip = sectorBytes;
      at = this.#sectorAt(at + copy.length) + skip;
      skip = Math.min(window, 2 * skip);
    }
    return end;
  }

  /** Where the sector of the file begins that holds the position. */
  #sectorAt(position: Position): Position {
    const { start } = this.#stretch;
    return start + Math.floor((position - start) / sectorBytes) * sectorBytes;
  }

  /** Up to `length` bytes from `position`, as far as the stretch goes and the disk does not refuse. */
  #read(position: Position, length: number): Filled {
    const { file, start, end } = this.#stretch;
    const wanted = Math.min(length, end - position, limits.blockBytesMax);
    if (wanted > this.#window.length) this.#window = Buffer.allocUnsafeSlow(wanted);
    return fill(file, this.#window.subarray(0, wanted), position - start);
  }
}

/** What could be read; `refused` says why the disk gave no more (a bad sector, a path that is down): it may pass. */
export interface Filled {
  readonly bytes: Buffer;
  readonly refused: Error | undefined;
}

/** Fills `into` as far as the file goes and the disk does not refuse. */
export function fill(file: OpenFile, into: Buffer, offset: number): Filled {
  let done = 0;
  try {
    while (done < into.length) {
      const count = file.read(into.subarray(done), offset + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    return { bytes: into.subarray(0, done), refused: error as Error };
  }
  return { bytes: into.subarray(0, done), refused: undefined };
}

/** Fills `into` as far as the file goes; undefined where the disk refuses. */
export function readFully(file: OpenFile, into: Buffer, offset: number): Buffer | undefined {
  const { bytes, refused } = fill(file, into, offset);
  return refused ? undefined : bytes;
}

export function refusedText(error: Error): string {
  return `the disk refuses to read it: ${error.message}`;
}

const sectorBytes = 4096;

/** True where `bytes` begin with a whole header of any version. */
export function isHeader(bytes: Uint8Array): boolean {
  return measureHeader(bytes).kind === 'whole';
}

const magicBytes = (() => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(skippableMagic, 0);
  return bytes;
})();
