/** The segment files of a spool, in order: where each begins and ends, and which may go. */
import type { Folders } from './layout.ts';
import { segmentName, segmentStart } from './layout.ts';
import type { Position } from './nouns.ts';
import type { Files } from './ports.ts';

export interface Segment {
  readonly start: Position;
  /** End of its last block that counts; what the file holds behind it is ignored. */
  end: Position;
  /** Bytes of the file. */
  bytes: number;
  /** Its table was read back whole (or written by this process). */
  verified: boolean | undefined;
  /** Why the disk would not open it, at the start; it may another time. */
  readonly unopened?: Error | undefined;
}

export class Segments {
  readonly #files: Files;
  readonly #folder: string;
  readonly list: Segment[];

  constructor(files: Files, folders: Folders, list: Segment[]) {
    this.#files = files;
    this.#folder = folders.segments;
    this.list = list;
  }

  get bytes(): number {
    let sum = 0;
    for (const segment of this.list) sum += segment.bytes;
    return sum;
  }

  /** The segment that holds `position`, or else the first one behind it. */
  at(position: Position): Segment | undefined {
    return this.list.find((segment) => segment.end > position);
  }

  after(segment: Segment): Segment | undefined {
    return this.list[this.list.indexOf(segment) + 1];
  }

  path(segment: Segment): string {
    return `${this.#folder}/${segmentName(segment.start)}`;
  }

  /** Unlinks the oldest. The file is gone from the list even where the disk refuses; the error is thrown then. */
  removeOldest(): void {
    const oldest = this.list.shift();
    if (oldest) this.#files.unlink(this.path(oldest));
  }
}

/** Starts of the segment files in a folder, in order. */
export function listSegments(files: Files, folder: string): Position[] {
  return files
    .list(folder)
    .filter((entry) => entry.kind === 'file')
    .map((entry) => segmentStart(entry.name))
    .filter((start) => start !== undefined)
    .sort((a, b) => a - b);
}
