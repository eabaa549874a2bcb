/**
 * Frames that belong together as one: around any other framing, for the records of one connection. The lines of a group have a line
 * feed between them. An open group is held in memory, up to its limits; nothing acknowledges what is sent here anyway. Whoever reads asks for it
 * with `timeUp` when nothing has come for `timeoutMs`.
 */
import { type Grammar, Grouping, grammarOf, headCharactersMax, type MultilineOptions } from '../multiline.ts';
import { type Flaws, type Frame, frameOf } from './frame.ts';
import type { Framing } from './framing.ts';

const lineFeed = Buffer.from('\n');

/** Makes such a framing for each connection; the patterns are looked at once. */
export function groupedFraming(inner: () => Framing, options: MultilineOptions): () => GroupedFraming {
  const grammar = grammarOf(options);
  return () => new GroupedFraming(inner(), grammar, options);
}

export class GroupedFraming implements Framing {
  readonly timeoutMs: number;
  readonly #inner: Framing;
  readonly #grouping: Grouping;
  readonly #ready: Frame[] = [];
  #lines: Uint8Array[] = [];
  #bytes = 0;
  #continues = false;

  constructor(inner: Framing, grammar: Grammar, options: MultilineOptions) {
    this.#inner = inner;
    this.#grouping = new Grouping(grammar, options);
    this.timeoutMs = options.timeoutMs;
  }

  get broken(): string | undefined {
    return this.#inner.broken;
  }

  get heldBytes(): number {
    return this.#inner.heldBytes + this.#bytes;
  }

  get isOpen(): boolean {
    return this.#lines.length > 0;
  }

  feed(piece: Uint8Array): void {
    this.#inner.feed(piece);
  }

  next(): Frame | undefined {
    while (this.#ready.length === 0) {
      const frame = this.#inner.next();
      if (frame === undefined) return undefined;
      this.#add(frame);
    }
    return this.#ready.shift();
  }

  /** What is left may be several frames: `next` gives the others. */
  finish(clean: boolean): Frame | undefined {
    const rest = this.#inner.finish(clean);
    if (rest !== undefined) this.#add(rest);
    return this.timeUp();
  }

  /** The open group is as long as it gets. */
  timeUp(): Frame | undefined {
    this.#close(false);
    this.#grouping.close();
    return this.#ready.shift();
  }

  #add(frame: Frame): void {
    if (frame.flaws !== undefined) {
      // A part of a line, or no line: it stands alone.
      this.#close(false);
      this.#grouping.close();
      this.#ready.push(frameOf(Uint8Array.from(frame.bytes), frame.flaws));
      return;
    }
    const { kind, split } = this.#grouping.next(headOf(frame), frame.length + 1);
    if (kind !== 'joins') {
      this.#close(split);
      this.#continues = kind === 'goes_on';
    }
    // A frame's bytes are only lent.
    this.#lines.push(Uint8Array.from(frame.bytes));
    this.#bytes += frame.length + 1;
    if (!this.#grouping.isOpen) this.#close(false);
  }

  #close(split: boolean): void {
    if (this.#lines.length === 0) return;
    const flaws: Flaws = { ...(this.#continues ? { continues: true } : {}), ...(split ? { split: true } : {}) };
    const lines = this.#lines.flatMap((line, at) => (at === 0 ? [line] : [lineFeed, line]));
    const bytes = lines.length === 1 ? lines[0]! : Buffer.concat(lines);
    this.#ready.push(frameOf(bytes, this.#continues || split ? flaws : undefined));
    this.#lines = [];
    this.#bytes = 0;
    this.#continues = false;
  }
}

function headOf({ page, from, to }: Frame): string {
  const length = Math.min(to - from, headCharactersMax);
  return Buffer.from(page.bytes.buffer, page.bytes.byteOffset + from, length).toString();
}
