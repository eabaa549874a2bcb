/**
 * What all framings promise: the bytes of a stream, in whatever pieces they arrive, become the same frames. A frame longer than
 * the limit comes in numbered fragments, cut between characters of UTF-8, so memory is bounded and nothing is lost.
 *
 *     framing.feed(piece);
 *     for (let frame = framing.next(); frame !== undefined; frame = framing.next()) …
 *     if (framing.broken !== undefined) …  // hang up
 *     const rest = framing.finish(cleanEnd); // after the last piece
 */
import type { Frame } from './frame.ts';

export type { Flaws, Frame } from './frame.ts';

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
