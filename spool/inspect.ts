/**
 * Looks at a spool on disk without opening it: every segment, block and damaged stretch, in order. Reads only, takes no lock,
 * and works while another process writes: what that process removes meanwhile is passed over.
 */
import { crc32 } from 'node:zlib';
import { closing, readCursor } from './cursor-file.ts';
import type { BlockHeader } from './format.ts';
import { contentSize } from './format-table.ts';
import { segmentName } from './layout.ts';
import type { BlockHash, Position, ShipperCursor } from './nouns.ts';
import { limits } from './nouns.ts';
import type { Codec, Files, OpenFile } from './ports.ts';
import { firstBlock, readFully, scan } from './scan.ts';
import { listSegments } from './segments.ts';

/** Where to look. */
export interface Place {
  /** The folder of the segments. */
  readonly segments: string;
  /** Of the shippers' cursors; undefined where only a spool folder was given that has none beside it. */
  readonly cursors: string | undefined;
}

export interface FoundSegment {
  readonly name: string;
  readonly start: Position;
  /** Of its last byte that counts: what the file holds behind it was given up by the process that wrote it. */
  readonly end: Position;
  readonly fileBytes: number;
  readonly newest: boolean;
}

export interface FoundBlock {
  readonly position: Position;
  readonly end: Position;
  readonly header: BlockHeader;
  readonly hash: BlockHash;
  /** The bytes on disk; undefined where they cannot be read (any more). Valid until the next block. */
  bytes(): { readonly header: Buffer; readonly frame: Buffer } | undefined;
}

export type Found =
  | { readonly kind: 'segment'; readonly segment: FoundSegment }
  /** The process that writes let a segment go while others were looked at. */
  | { readonly kind: 'gone'; readonly start: Position }
  | { readonly kind: 'block'; readonly segment: FoundSegment; readonly block: FoundBlock }
  | {
      readonly kind: 'damage';
      readonly segment: FoundSegment;
      readonly position: Position;
      readonly end: Position;
      readonly why: string;
    }
  | { readonly kind: 'newer'; readonly segment: FoundSegment; readonly position: Position; readonly version: number };

/** Finds the spool in a data_dir, or takes the folder as the spool folder itself; undefined where it is neither. */
export function findSpool(files: Files, directory: string): Place | undefined {
  const inside = folderAt(files, `${directory}/spool`);
  if (inside) return { segments: `${directory}/spool`, cursors: folderAt(files, `${directory}/cursors`) };
  if (!folderAt(files, directory)) return undefined;
  const named = directory.endsWith('/spool');
  if (!named && listSegments(files, directory).length === 0) return undefined;
  const above = directory.slice(0, directory.lastIndexOf('/'));
  return { segments: directory, cursors: named ? folderAt(files, `${above}/cursors`) : undefined };
}

/** Everything in the segments, in the order of positions. `from`: only from this position on (a block's). */
export function* inspect(files: Files, place: Place, from: Position = 0): Generator<Found> {
  const buffers = new Buffers();
  const starts = listSegments(files, place.segments);
  for (const [index, start] of starts.entries()) {
    const later = starts.slice(index + 1);
    if (later[0] !== undefined && later[0] <= from) continue;
    using opened = openSegment(files, place, start);
    if (!opened) {
      yield { kind: 'gone', start };
      continue;
    }
    const segment = measure(files, place, opened.value, start, later);
    yield { kind: 'segment', segment };
    const stretch = { file: opened.value, start, from: Math.max(start, from), end: segment.end, spool: undefined };
    for (const item of scan(stretch)) {
      if (item.kind === 'block') {
        const { position, end, header, hash, headerBytes } = item;
        const bytes = () => buffers.read(opened.value, position - start, headerBytes, end - position);
        yield { kind: 'block', segment, block: { position, end, header, hash, bytes } };
      } else yield { ...item, segment };
    }
  }
}

export interface FoundCursor {
  /** The shipper's name. */
  readonly name: string;
  readonly cursor: ShipperCursor | undefined;
  readonly kind: 'cursor' | 'damaged' | 'newer';
}

/** The shippers' cursors as they are stored. */
export function cursorsOf(files: Files, place: Place): FoundCursor[] {
  const found: FoundCursor[] = [];
  if (place.cursors === undefined) return found;
  for (const entry of files.list(place.cursors)) {
    if (entry.kind !== 'file' || entry.name.endsWith('.new')) continue;
    // A slot may be in the middle of being written: then the other look finds it whole.
    const looks = [0, 1].map(() => readCursor(files, `${place.cursors}/${entry.name}`));
    const read = looks.find((look) => look.kind === 'cursor') ?? looks[1]!;
    if (read.kind === 'none') continue;
    const cursor = read.kind === 'cursor' ? read.record.cursor : undefined;
    found.push({ name: nameOf(entry.name), kind: read.kind, cursor });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Why a block's frame is not what its header says; otherwise its content, valid until the next call. */
export type Expand = (header: BlockHeader, frame: Uint8Array) => Uint8Array | string;

export function expander(codec: Codec): Expand {
  let into = Buffer.alloc(0);
  return (header, frame) => {
    if (frame.length !== header.frameBytes || crc32(frame) !== header.frameCrc)
      return 'its records do not match their checksum';
    if (header.frameBytes === 0) return Buffer.alloc(0);
    if (contentSize(frame) !== header.rawBytes) return 'its frame is of another length than its header says';
    if (into.length < header.rawBytes) into = Buffer.allocUnsafeSlow(header.rawBytes);
    try {
      const length = codec.expand(frame, into.subarray(0, header.rawBytes));
      return length === header.rawBytes ? into.subarray(0, length) : 'its frame is shorter than its header says';
    } catch (error) {
      return `its frame does not expand: ${(error as Error).message}`;
    }
  };
}

class Buffers {
  #buffer = Buffer.alloc(0);

  read(file: OpenFile, offset: number, headerBytes: number, bytes: number) {
    if (bytes > 2 * limits.blockBytesMax) return undefined;
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafeSlow(bytes);
    const whole = readFully(file, this.#buffer.subarray(0, bytes), offset);
    if (whole?.length !== bytes) return undefined;
    return { header: whole.subarray(0, headerBytes), frame: whole.subarray(headerBytes) };
  }
}

/**
 * A segment counts up to where the first block of a later one says that the block before it ended. A file in between may hold
 * none: a repair left it that was cut short.
 */
function measure(
  files: Files,
  place: Place,
  file: OpenFile,
  start: Position,
  later: readonly Position[],
): FoundSegment {
  const fileBytes = file.stat().sizeBytes;
  const previousEnd = firstOf(later, (next) => previousEndAt(files, place, next)) ?? start + fileBytes;
  const end = Math.min(start + fileBytes, Math.max(start, previousEnd));
  return { name: segmentName(start), start, end, fileBytes, newest: later.length === 0 };
}

/** What the first block of a segment says of the one before it; undefined where there is no such block. */
function previousEndAt(files: Files, place: Place, start: Position): Position | undefined {
  using opened = openSegment(files, place, start);
  const first = opened && firstBlock(opened.value, start, start + opened.value.stat().sizeBytes);
  return first?.kind === 'block' ? first.header.previousEnd : undefined;
}

function firstOf<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = of(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function openSegment(files: Files, place: Place, start: Position): ReturnType<typeof closing> | undefined {
  try {
    return closing(files.open(`${place.segments}/${segmentName(start)}`, 'read'));
  } catch (error) {
    // The running agent let it go meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function folderAt(files: Files, path: string): string | undefined {
  try {
    return files.stat(path).kind === 'directory' ? path : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function nameOf(fileName: string): string {
  try {
    return decodeURIComponent(fileName);
  } catch {
    // Not a name that we gave.
    return fileName;
  }
}
