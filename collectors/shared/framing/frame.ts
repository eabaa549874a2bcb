/** A record's bytes as its sender framed them: a place in memory that many frames share, so that nothing is made for each that nobody asks for. */
import { type Page, pageOver } from '../page.ts';

/** How a frame differs from one that came whole. */
export interface Flaws {
  /** Part of a frame above the limit, from 1; `last` is its end. */
  readonly fragment?: number;
  readonly last?: boolean;
  /** The connection ended before the frame did. */
  readonly incomplete?: boolean;
  /** No frame at all: what stood there when nothing could be cut any more. */
  readonly malformed?: boolean;
  /** A datagram above the limit, whose rest is lost. */
  readonly truncated?: boolean;
  /** A group of lines: it goes on with one that was split or closed, or has no beginning here; it was split at a limit. */
  readonly continues?: boolean;
  readonly split?: boolean;
}

/** Valid until the next `feed` of its framing, and as long as what was fed stays as it is. */
export class Frame {
  /** The memory in which it stands, from `from` to `to`. */
  readonly page: Page;
  readonly from: number;
  readonly to: number;
  readonly flaws: Flaws | undefined;

  constructor(page: Page, from: number, to: number, flaws?: Flaws) {
    this.page = page;
    this.from = from;
    this.to = to;
    this.flaws = flaws;
  }

  get length(): number {
    return this.to - this.from;
  }

  get bytes(): Uint8Array {
    return this.page.bytes.subarray(this.from, this.to);
  }
}

/** A frame that has memory of its own. */
export function frameOf(bytes: Uint8Array, flaws?: Flaws): Frame {
  return new Frame(pageOver(bytes), 0, bytes.length, flaws);
}
