/**
 * What all framings promise: the bytes of a stream, in whatever pieces they arrive, become the same frames. A frame longer than
 * the limit comes in numbered fragments, cut between characters of UTF-8, so memory is bounded and nothing is lost.
 *
 *     framing.feed(piece);
 *     for (let frame = framing.next(); frame !== undefined; frame = framing.next()) …
 *     if (framing.broken !== undefined) …  // hang up
 *     const rest = framing.finish(cleanEnd); // after the last piece
 */
export interface Framing {
  /** The bytes that follow; `next` has given everything before. They must not change until `next` gives undefined. */
  feed(piece: Uint8Array): void;
  /** The next frame; undefined where more bytes are needed, or it is `broken`. */
  next(): Frame | undefined;
  /** No more bytes come: what is left. `clean`: the sender ended it, so that a last line without its end is one all the same. */
  finish(clean: boolean): Frame | undefined;
  /** Why nothing that follows can be cut; for people. */
  readonly broken: string | undefined;
  /** Memory that is kept for a frame that has not ended. */
  readonly heldBytes: number;
}

export interface Frame {
  /** Valid until the next `feed`, and as long as what was fed stays as it is. */
  readonly bytes: Uint8Array;
  /** The same as text, where it is ASCII and cheap to have: cut from a text that many frames share. */
  readonly text?: string | undefined;
  readonly flaws?: Flaws | undefined;
}

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
