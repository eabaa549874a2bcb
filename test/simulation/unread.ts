/**
 * What the world destroyed before it was read, and what the agent said of it, both by place: bytes of one file. What it had seen of
 * a file (its size) and not read when that was destroyed has to lie in a range that it named; and in what it names nothing may
 * lie that arrived, or that was never in the file.
 */
import type { SourceStatus } from '../../collectors/ports.ts';
import type { LogEntry } from '../../spool/ports.ts';
import type { Line } from './log-account.ts';

/** Bytes of a file that the agent gave up. */
export interface Told {
  readonly path: string;
  readonly source: number;
  readonly from: number;
  readonly to: number;
  /** The life of the agent in which it said so: the next one cannot know what this one saw. */
  readonly life: number;
}

/** A file as it stood when its bytes were destroyed, and what the agent had seen of them by then and not read. */
interface Destroyed {
  readonly path: string;
  readonly lines: readonly Line[];
  readonly seen:
    | { readonly source: number; readonly from: number; readonly to: number; readonly life: number }
    | undefined;
}

interface Piece {
  readonly line: Line;
  readonly from: number;
  readonly to: number;
}

export class Unread {
  readonly #destroyed: Destroyed[] = [];
  readonly #told: Told[] = [];

  /** Something is about to be destroyed in the file at a path. `source`: what the agent knows of it; undefined while it does not run. */
  note(path: string, lines: readonly Line[], source: SourceStatus | undefined, life: number): void {
    const seen = source && { source: source.source, from: source.offset, to: source.size, life };
    this.#destroyed.push({ path, lines, seen });
  }

  /** The agent logged something: a range that it gave up? */
  hear({ subject, attributes }: LogEntry, life: number): void {
    const { source, from, to } = attributes ?? {};
    if (subject === undefined || typeof source !== 'number' || typeof from !== 'number' || typeof to !== 'number')
      return;
    if (to > from) this.#told.push({ path: subject, source, from, to, life });
  }

  get told(): readonly Told[] {
    return this.#told;
  }

  /** What was seen in this life, of lines that never arrived, and lies in no range that was named. */
  untold(absent: ReadonlySet<Line>, life: number): { readonly bytes: number; readonly missing: string | undefined } {
    let bytes = 0;
    let missing: string | undefined;
    for (const { path, lines, seen } of this.#destroyed) {
      if (seen === undefined || seen.life !== life) continue;
      for (const piece of piecesIn(lines, seen.from, seen.to)) {
        if (!absent.has(piece.line)) continue;
        bytes += piece.to - piece.from;
        if (!this.#told.some((told) => told.path === path && told.life === life && covers(told, seen.source, piece)))
          missing ??= `bytes ${piece.from} to ${piece.to} of ${path} (source ${seen.source})`;
      }
    }
    return { bytes, missing };
  }

  /** The first range that was named though something in it arrived, or no file that was destroyed had it; each file answers for one. */
  mistold(absent: ReadonlySet<Line>): Told | undefined {
    const left = [...this.#destroyed];
    for (const told of this.#told) {
      const at = left.findIndex((one) => one.path === told.path && isOf(told, one, absent));
      if (at === -1) return told;
      left.splice(at, 1);
    }
    return undefined;
  }
}

/**
 * Before its first bytes are taken a file has no number yet; and what was written after a truncation was seen in a file that had one:
 * it is told of the source that begins there.
 */
function covers(told: Told, source: number, { from, to }: Piece): boolean {
  return told.source >= source && told.from <= from && told.to >= to;
}

function isOf({ from, to }: Told, { lines }: Destroyed, absent: ReadonlySet<Line>): boolean {
  const pieces = piecesIn(lines, from, to);
  const bytes = pieces.reduce((sum, piece) => sum + piece.to - piece.from, 0);
  return bytes === to - from && pieces.every(({ line }) => absent.has(line));
}

/** The parts of the lines that lie between two places of their file. */
function piecesIn(lines: readonly Line[], from: number, to: number): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const line of lines) {
    const [start, end] = [Math.max(at, from), Math.min(at + line.text.length, to)];
    at += line.text.length;
    if (start < end) pieces.push({ line, from: start, to: end });
  }
  return pieces;
}
