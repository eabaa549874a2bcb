/**
 * One live source as a ledger keeps it. There may be a hundred thousand, so it takes little: opaque bytes are kept as text of one
 * byte a character (a view on bytes takes a hundred bytes of its own, and keeps the memory it was cut from), and made bytes
 * again for who asks.
 */

import type { TableSource } from './format-table.ts';
import type { Run, SourceCursor, SourceDescription, SourceNumber, SourceRecord } from './nouns.ts';

export class LedgerSource implements SourceRecord {
  readonly number: SourceNumber;
  description: SourceDescription;
  #state = '';
  #offset = 0;
  #mark = '';
  /** Offset and mark of each earlier cursor, one behind the other. */
  #trail: readonly (number | string)[] = none;

  constructor(number: SourceNumber, description: SourceDescription) {
    this.number = number;
    this.description = description;
  }

  static from({ number, description, state, cursor }: TableSource): LedgerSource {
    const source = new LedgerSource(number, description);
    source.#state = packed(state);
    source.#offset = cursor.offset;
    source.#mark = packed(cursor.mark);
    return source;
  }

  get state(): Uint8Array {
    return unpacked(this.#state);
  }

  get stateBytes(): number {
    return this.#state.length;
  }

  get cursor(): SourceCursor {
    return { offset: this.#offset, mark: unpacked(this.#mark) };
  }

  get trail(): readonly SourceCursor[] {
    const cursors: SourceCursor[] = [];
    for (let at = 0; at < this.#trail.length; at += 2)
      cursors.push({ offset: this.#trail[at] as number, mark: unpacked(this.#trail[at + 1] as string) });
    return cursors;
  }

  /** What a run says of it. `trail`: so many of its cursors are kept, undefined where blocks are not read back from disk. */
  apply(run: Run, trail: number | undefined): void {
    this.#offset = run.to;
    this.#mark = packed(run.mark);
    if (run.state) this.#state = packed(run.state);
    if (trail) this.#trail = [...this.#trail, this.#offset, this.#mark].slice(-2 * trail);
    else this.#trail = none;
  }

  /** The same without the trail. */
  copy(): LedgerSource {
    const other = new LedgerSource(this.number, this.description);
    other.#state = this.#state;
    other.#offset = this.#offset;
    other.#mark = this.#mark;
    return other;
  }
}

const none: readonly never[] = [];

function packed(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
}

function unpacked(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
