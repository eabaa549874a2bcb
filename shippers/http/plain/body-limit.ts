/**
 * How large a body the endpoint takes, as far as it has shown: what is larger than one that was too large is halved without being
 * sent. Only that: pieces come out the same as if each had been tried, so that after a crash they go out under the same keys.
 */

/** A body as it goes over the wire, and before it was compressed: endpoints limit the one or the other. */
export interface BodySize {
  readonly wireBytes: number;
  readonly rawBytes: number;
}

/** After so many bodies went through, larger ones are tried again: the limit may have been raised. */
const forgetAfter = 64;

export class BodyLimit {
  #refused: BodySize | undefined;
  #accepted = 0;

  /** The smallest body that was too large, as it went over the wire; undefined: none was. */
  get refusedBytes(): number | undefined {
    return this.#refused?.wireBytes;
  }

  /** False where it is sure to be refused. */
  allows({ wireBytes, rawBytes }: BodySize): boolean {
    return !this.#refused || wireBytes < this.#refused.wireBytes || rawBytes < this.#refused.rawBytes;
  }

  refused(size: BodySize): void {
    if (!this.#refused || size.wireBytes < this.#refused.wireBytes) this.#refused = size;
    this.#accepted = 0;
  }

  accepted(): void {
    if (this.#refused === undefined || ++this.#accepted < forgetAfter) return;
    this.#accepted = 0;
    this.#refused = undefined;
  }
}
