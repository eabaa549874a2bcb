/**
 * What has to be in the mirror, and what is. Every line that still stands in some file: once, in its order, byte for byte. A
 * line that the world destroyed may have been read before: at most once. Nothing else at all. Pure.
 */
import type { Line, Log } from './log-account.ts';

export interface Difference {
  /** Lines that stand in files, and are not in the mirror. */
  readonly lost: readonly string[];
  /** Records that they are of. */
  readonly lostRecords: number;
  readonly repeated: readonly string[];
  readonly disordered: readonly string[];
  readonly invented: readonly string[];
  /** Lines that the world destroyed and that never arrived: they have to be reported where the agent saw them. */
  readonly destroyed: readonly Line[];
}

/** `glued`: a file went back, or what became of one is not clear: a line may stand behind the beginning of another. */
export function compare(log: Log, mirrored: string, glued: boolean): Difference {
  const account = new Account(log, glued);
  for (const text of linesOf(mirrored)) account.arrives(text);
  return account.difference();
}

/** The first thing that does not hold, for people. */
export function complaint(
  name: string,
  difference: Difference,
  maySay: { repeats?: boolean; disorder?: boolean; gaps?: number } = {},
): string | undefined {
  const { lost, lostRecords, repeated, disordered, invented } = difference;
  const wrong = [
    lostRecords > (maySay.gaps ?? 0) ? `lost ${show(lost)}` : '',
    maySay.repeats ? '' : show(repeated) && `repeated ${show(repeated)}`,
    maySay.disorder ? '' : show(disordered) && `out of order ${show(disordered)}`,
    show(invented) && `invented ${show(invented)}`,
  ].filter((one) => one !== '');
  return wrong.length === 0 ? undefined : `${name}: ${wrong.join('; ')}`;
}

class Account {
  readonly #log: Log;
  readonly #mayBeGlued: boolean;
  readonly #places = new Map<string, number>();
  readonly #arrived = new Set<number>();
  readonly #repeated: string[] = [];
  readonly #disordered: string[] = [];
  readonly #invented: string[] = [];
  readonly #last = new Map<number, number>();
  #lastOfAll = -1;

  constructor(log: Log, glued: boolean) {
    this.#log = log;
    this.#mayBeGlued = glued;
    log.lines.forEach(({ arrives }, at) => {
      this.#places.set(arrives, at);
    });
  }

  arrives(text: string): void {
    const place = this.#places.get(text);
    if (place !== undefined) this.#takes(place);
    else if (this.#log.fragments.has(text)) this.#takesWithin(text);
    else if (!this.#isGlued(text)) this.#invented.push(text);
  }

  difference(): Difference {
    const absent = this.#log.lines.filter((_, at) => !this.#arrived.has(at));
    const lost = absent.filter(({ gone }) => gone === undefined);
    return {
      lost: lost.map(({ arrives }) => arrives),
      lostRecords: new Set(lost.map(({ entry }) => entry)).size,
      repeated: this.#repeated,
      disordered: this.#disordered,
      invented: this.#invented,
      destroyed: absent.filter(({ gone }) => gone !== undefined),
    };
  }

  /** A power cut may have torn out the end of one line and all up to the beginning of another: that stands whole behind the tear. */
  #takesWithin(fragment: string): void {
    for (let at = 1; at < fragment.length; at++) {
      const place = this.#places.get(fragment.slice(at));
      if (place !== undefined && !this.#arrived.has(place)) this.#takes(place);
    }
  }

  #takes(place: number): void {
    const { generation, late, arrives: text } = this.#log.lines[place]!;
    if (this.#arrived.has(place)) {
      this.#repeated.push(text);
      return;
    }
    this.#arrived.add(place);
    const before = late
      ? (this.#last.get(generation) ?? -1)
      : Math.max(this.#lastOfAll, this.#last.get(generation) ?? -1);
    if (place < before) this.#disordered.push(text);
    this.#last.set(generation, Math.max(place, this.#last.get(generation) ?? -1));
    if (!late) this.#lastOfAll = Math.max(place, this.#lastOfAll);
  }

  /**
   * Its reader had the beginning of a line of which the rest was never written, or goes on within one. A line that stands
   * whole behind such a beginning has arrived.
   */
  #isGlued(text: string): boolean {
    if (!this.#mayBeGlued) return false;
    if (!text.endsWith('\n')) return this.#begins(text);
    for (let at = 0; at < text.length; at++) {
      if (at > 0 && !this.#begins(text.slice(0, at))) return false;
      const rest = text.slice(at);
      const place = this.#places.get(rest);
      if (place !== undefined) {
        this.#takes(place);
        return true;
      }
      if (this.#ends(rest)) return true;
    }
    return false;
  }

  #begins(beginning: string): boolean {
    const bare = beginning.replaceAll('\0', '');
    return bare === '' || this.#any((known) => known.startsWith(bare) || known.startsWith(beginning));
  }

  #ends(end: string): boolean {
    const bare = end.replaceAll('\0', '');
    return bare.length > 1 && this.#any((known) => known.endsWith(bare) || known.endsWith(end));
  }

  #any(matches: (known: string) => boolean): boolean {
    return this.#log.lines.some(({ arrives }) => matches(arrives)) || [...this.#log.fragments].some(matches);
  }
}

function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => `${line}\n`);
  const last = lines.pop()!;
  return last === '\n' ? lines : [...lines, last.slice(0, -1)];
}

function show(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.length} (first: ${JSON.stringify(lines[0]!.slice(0, 40))})`;
}
