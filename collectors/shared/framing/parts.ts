/**
 * One frame as its bytes come along: whole where it fits the limit, else in fragments. What decides where a frame ends is the
 * framing's business.
 */
import { type Flaws, type Frame, frameOf } from './frame.ts';
import { cutBetweenCharacters, Held } from './held.ts';

export class Parts {
  readonly #bytesMax: number;
  readonly #held = new Held();
  /** Fragments given of the frame that is being read. */
  #given = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get memoryBytes(): number {
    return this.#held.memoryBytes;
  }

  /** Something of the frame was there already. */
  get begun(): boolean {
    return this.#held.length > 0 || this.#given > 0;
  }

  /**
   * A fragment, where `piece` from `at` to `end` belongs to the frame and it has become too long: `at` in the answer is where
   * the next begins. Otherwise undefined.
   */
  overflow(piece: Uint8Array, at: number, end: number): { readonly frame: Frame; readonly at: number } | undefined {
    const room = this.#bytesMax - this.#held.length;
    if (end - at <= room) return undefined;
    this.#held.append(piece.subarray(at, at + room));
    const full = this.#held.take();
    const cut = cutBetweenCharacters(full, full.length, piece[at + room]!);
    this.#held.append(full.subarray(cut));
    this.#given++;
    return { frame: frameOf(full.subarray(0, cut), { fragment: this.#given }), at: at + room };
  }

  /** Whether a frame of so many bytes that ends now is whole in one piece. */
  fits(bytes: number): boolean {
    return !this.begun && bytes <= this.#bytesMax;
  }

  /** The frame goes on in the next piece. No more than fits. */
  keep(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#held.append(bytes);
  }

  /** The frame ends with these bytes. `flaws`: what else is to be said of it. */
  close(bytes: Uint8Array, flaws?: Flaws): Frame {
    const given = this.#given;
    this.#given = 0;
    let whole = bytes;
    if (this.#held.length > 0) {
      this.#held.append(bytes);
      whole = this.#held.take();
    }
    return frameOf(whole, given === 0 ? flaws : { fragment: given + 1, last: true, ...flaws });
  }
}
