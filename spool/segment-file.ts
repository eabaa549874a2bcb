/**
 * The segment that is being written: its file and its entry in the list of segments. Begun exclusively, with its first block;
 * cut back to what is durable when a write or a sync failed.
 */
import type { PlacedBlock } from './compose.ts';
import type { Position } from './nouns.ts';
import type { Files, OpenFile } from './ports.ts';
import type { Segment, Segments } from './segments.ts';

export class SegmentFile {
  readonly #files: Files;
  readonly #segments: Segments;
  readonly #segment: Segment;
  readonly #file: OpenFile;
  #runs = 0;

  private constructor(files: Files, segments: Segments, segment: Segment, file: OpenFile) {
    this.#files = files;
    this.#segments = segments;
    this.#segment = segment;
    this.#file = file;
  }

  /** A new file whose name is `start`. Throws what the disk throws, and nothing is changed then. */
  static begin(files: Files, segments: Segments, start: Position): SegmentFile {
    const segment: Segment = { start, end: start, bytes: 0, verified: true };
    const file = files.open(segments.path(segment), 'create');
    segments.list.push(segment);
    return new SegmentFile(files, segments, segment, file);
  }

  get bytes(): number {
    return this.#segment.bytes;
  }

  /** What its headers will cost to read at an opening, in runs; a block costs as much as a few of them. */
  get runs(): number {
    return this.#runs;
  }

  /** The segment is so long now, or will be once what is queued is written. */
  extend(block: PlacedBlock): void {
    this.#segment.end = block.header.position + block.bytes.length;
    this.#segment.bytes = this.#segment.end - this.#segment.start;
    this.#runs += block.header.runs.length + runsOfBlock;
  }

  /** Blocks that lie behind each other in memory as they will on the disk are one write. Throws `ShortWrite` too. */
  write(blocks: readonly PlacedBlock[]): void {
    for (const { bytes, position } of stretchesOf(blocks)) {
      const written = this.#file.write(bytes, position - this.#segment.start);
      if (written < bytes.length) throw new ShortWrite(written, bytes.length);
    }
  }

  datasync(): Promise<void> {
    return this.#file.datasync();
  }

  close(): void {
    this.#file.close();
  }

  /** Cuts it back to what is durable, closes it, and takes it away where nothing is. */
  cutBack(durable: Position): void {
    const segment = this.#segment;
    try {
      this.#file.truncate(Math.max(0, durable - segment.start));
    } catch {
      // The next segment's header says where this one ends: what stays behind that is never read.
    }
    this.#file.close();
    segment.end = Math.max(segment.start, durable);
    segment.bytes = segment.end - segment.start;
    if (segment.bytes > 0) return;
    const index = this.#segments.list.indexOf(segment);
    if (index >= 0) this.#segments.list.splice(index, 1);
    try {
      this.#files.unlink(this.#segments.path(segment));
    } catch {
      // An empty file, or one without a durable table: opening sets it aside.
    }
  }
}

const runsOfBlock = 8;

/** A write took less than it was given: the disk is full, or about to say why not. */
class ShortWrite extends Error {
  readonly code = 'ENOSPC';

  constructor(written: number, wanted: number) {
    super(`only ${written} of ${wanted} bytes were taken`);
  }
}

/** Blocks that follow each other, in one piece where they do so in memory too. */
function stretchesOf(entries: readonly PlacedBlock[]): { readonly bytes: Buffer; readonly position: Position }[] {
  const stretches: { bytes: Buffer; readonly position: Position }[] = [];
  for (const { bytes, header } of entries) {
    const last = stretches.at(-1);
    if (last && last.bytes.buffer === bytes.buffer && last.bytes.byteOffset + last.bytes.length === bytes.byteOffset)
      last.bytes = Buffer.from(bytes.buffer, last.bytes.byteOffset, last.bytes.length + bytes.length);
    else stretches.push({ bytes, position: header.position });
  }
  return stretches;
}
