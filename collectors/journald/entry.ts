/** One journal entry as its fields arrive, within limits: what it has beyond them is noted, not kept. */
import type { Value } from '../../spool/event.ts';

/** Values in an entry, of all its fields. */
const fieldsMax = 1024;
/** Fields whose whole length is noted. */
const cutsMax = 32;

/** What was not taken whole. */
export interface Cut {
  /** Whole length in bytes, by field. */
  readonly fields: ReadonlyMap<string, number>;
  /** Further fields that were cut or left out. */
  readonly more: number;
}

export class EntryInMaking {
  readonly #bytesMax: number;
  readonly #fields = new Map<string, Value>();
  readonly #cuts = new Map<string, number>();
  #more = 0;
  #values = 0;
  #kept = 0;

  /** `bytesMax`: of its names and values together. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get empty(): boolean {
    return this.#values === 0;
  }

  /** How many bytes a value of this field may have. */
  room(name: string): number {
    return this.#values < fieldsMax ? Math.max(0, this.#bytesMax - this.#kept - name.length) : 0;
  }

  add(name: string, value: Value, bytes: number): void {
    this.#values += 1;
    if (this.#values > fieldsMax) {
      this.#more += 1;
      return;
    }
    this.#kept += name.length + bytes;
    const before = this.#fields.get(name);
    if (before === undefined) this.#fields.set(name, value);
    else if (Array.isArray(before)) before.push(value);
    else this.#fields.set(name, [before, value]);
  }

  /** The field's last value had this length, of which less was taken. */
  cut(name: string, bytes: number): void {
    // Left out, and counted as that already.
    if (this.#values > fieldsMax) return;
    if (this.#cuts.size < cutsMax || this.#cuts.has(name)) this.#cuts.set(name, bytes);
    else this.#more += 1;
  }

  done(): { readonly fields: ReadonlyMap<string, Value>; readonly cut: Cut | undefined } {
    const whole = this.#cuts.size === 0 && this.#more === 0;
    return { fields: this.#fields, cut: whole ? undefined : { fields: this.#cuts, more: this.#more } };
  }
}
