/**
 * Octet counting, lines or NUL-terminated frames, told apart once for each connection by how it begins (RFC 6587 section 3.4): up to nine
 * digits, a blank and `<` are a count and a priority. Otherwise the first frame's end decides: LF, or the NUL that some senders put
 * in its place (glibc over a unix stream, Python's SysLogHandler).
 */
import { octetCountedFraming } from './counted.ts';
import { lineFraming, nulFraming } from './delimited.ts';
import type { Frame, Framing } from './framing.ts';
import { Held } from './held.ts';

const countBytesMax = 11;
const lf = 0x0a;
const nul = 0;

export class ToldApart implements Framing {
  readonly #frameBytesMax: number;
  /** What came before it was told apart. */
  readonly #beginning = new Held();
  #chosen: Framing | undefined;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  get broken(): string | undefined {
    return this.#chosen?.broken;
  }

  get heldBytes(): number {
    return this.#chosen?.heldBytes ?? this.#beginning.memoryBytes;
  }

  feed(piece: Uint8Array): void {
    if (this.#chosen !== undefined) {
      this.#chosen.feed(piece);
      return;
    }
    const seen = this.#beginning.length;
    this.#beginning.append(piece);
    const counted = mayBeCounted(this.#beginning.bytes.subarray(0, countBytesMax));
    if (counted === 'perhaps') return;
    if (counted === 'yes') this.#choose(octetCountedFraming(this.#frameBytesMax));
    else this.#chooseByEnd(Math.max(0, seen - countBytesMax));
  }

  next(): Frame | undefined {
    return this.#chosen?.next();
  }

  finish(clean: boolean): Frame | undefined {
    if (this.#chosen === undefined) {
      this.#choose(lineFraming(this.#frameBytesMax));
      while (this.next() !== undefined);
    }
    return this.#chosen?.finish(clean);
  }

  /** `from`: before it no end was found. Without any a frame that is too long is a line, which comes in fragments. */
  #chooseByEnd(from: number): void {
    const { bytes } = this.#beginning;
    const [line, zero] = [bytes.indexOf(lf, from), bytes.indexOf(nul, from)];
    const terminated = zero >= 0 && zero <= this.#frameBytesMax && (line < 0 || zero < line);
    if (terminated) this.#choose(nulFraming(this.#frameBytesMax));
    else if (line >= 0 || bytes.length > this.#frameBytesMax) this.#choose(lineFraming(this.#frameBytesMax));
  }

  #choose(framing: Framing): void {
    this.#chosen = framing;
    framing.feed(this.#beginning.take());
  }
}

function mayBeCounted(beginning: Uint8Array): 'yes' | 'no' | 'perhaps' {
  const text = Buffer.from(beginning).toString('latin1');
  if (/^[1-9]\d{0,8} </.test(text)) return 'yes';
  return /^\d{0,9} ?$/.test(text) ? 'perhaps' : 'no';
}
