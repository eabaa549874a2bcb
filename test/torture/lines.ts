/**
 * What became of a file's numbered lines: each has to come once, in order and unchanged. A judge takes the lines of one
 * copy one after the other and keeps one bit for each, so a copy may be long.
 */
import { lineOf } from '../end-to-end/load.ts';

export interface Verdict {
  readonly lost: number;
  readonly duplicated: number;
  /** Lines that came after a later one. */
  readonly outOfOrder: number;
  /** Lines that nobody wrote, so also changed ones. */
  readonly invented: number;
  /** The first thing that was wrong, and where. */
  readonly first: string | undefined;
}

export class LineJudge {
  readonly #file: string;
  readonly #written: number;
  readonly #seen: Uint8Array;
  #count = 0;
  #next = 0;
  #highest = -1;
  #duplicated = 0;
  #outOfOrder = 0;
  #invented = 0;
  #first: string | undefined;

  /** `written`: how many lines the file was given, numbered from 0. */
  constructor(file: string, written: number) {
    this.#file = file;
    this.#written = written;
    this.#seen = new Uint8Array(Math.ceil(written / 8));
  }

  /** The next line of the copy, without its line feed. What logs begin with, again and again, is not numbered. */
  take(line: string): void {
    if (line.startsWith('#')) return;
    const number = Number(line.split(' ', 2)[1]);
    const known = Number.isInteger(number) && number >= 0 && number < this.#written;
    if (number !== this.#next || !known) this.#note(line);
    if (!known || `${line}\n` !== lineOf(this.#file, number)) {
      this.#invented += 1;
      this.#note(line);
    } else if (this.#mark(number)) {
      if (number < this.#highest) this.#outOfOrder += 1;
      this.#highest = Math.max(this.#highest, number);
    } else this.#duplicated += 1;
    this.#next = known ? number + 1 : this.#next + 1;
    this.#count += 1;
  }

  verdict(): Verdict {
    const lost = this.#written - this.#distinct();
    const first = this.#first ?? (lost > 0 ? `it ends after ${this.#count} of ${this.#written} lines` : undefined);
    return {
      lost,
      duplicated: this.#duplicated,
      outOfOrder: this.#outOfOrder,
      invented: this.#invented,
      first,
    };
  }

  /** False if it was there already. */
  #mark(number: number): boolean {
    const [index, bit] = [number >> 3, 1 << (number & 7)];
    if ((this.#seen[index]! & bit) !== 0) return false;
    this.#seen[index]! |= bit;
    return true;
  }

  #distinct(): number {
    let bits = 0;
    for (let byte of this.#seen) for (; byte !== 0; byte &= byte - 1) bits += 1;
    return bits;
  }

  #note(line: string): void {
    this.#first ??= `line ${this.#count} is ${JSON.stringify(line.slice(0, 80))} where number ${this.#next} was due`;
  }
}

export function addVerdicts(a: Omit<Verdict, 'first'>, b: Omit<Verdict, 'first'>): Omit<Verdict, 'first'> {
  return {
    lost: a.lost + b.lost,
    duplicated: a.duplicated + b.duplicated,
    outOfOrder: a.outOfOrder + b.outOfOrder,
    invented: a.invented + b.invented,
  };
}

export const sound: Omit<Verdict, 'first'> = { lost: 0, duplicated: 0, outOfOrder: 0, invented: 0 };

export function sayVerdict(verdict: Omit<Verdict, 'first'>): string {
  const { lost, duplicated, outOfOrder, invented } = verdict;
  return `${lost} lost, ${duplicated} duplicated, ${outOfOrder} out of order, ${invented} invented`;
}
