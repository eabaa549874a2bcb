/**
 * What the world destroyed before it was read, and what the agent said of it. What it had seen of a file (its size) and not read
 * when that was destroyed has to be in its counters of what was dropped; and nothing may be in them that arrived.
 */
import type { SourceStatus } from '../../collectors/ports.ts';
import type { Line } from './logs.ts';

interface Seen {
  readonly line: Line;
  readonly bytes: number;
  /** The life of the agent in which it was seen: the next one cannot know. */
  readonly life: number;
}

export class Unread {
  readonly #seen: Seen[] = [];

  /** Something is about to be destroyed in the file at a path: which of its lines were seen there, or parts of them, and not read? */
  note(lines: readonly Line[], source: SourceStatus | undefined, life: number): void {
    if (source === undefined) return;
    let at = 0;
    for (const line of lines) {
      const start = at;
      at += line.text.length;
      const bytes = Math.min(at, source.size) - Math.max(start, source.offset);
      if (bytes > 0) this.#seen.push({ line, bytes, life });
    }
  }

  /** Of these lines, which never arrived, so many bytes had been seen in this life. */
  seenBytes(destroyed: ReadonlySet<Line>, life: number): number {
    const lost = this.#seen.filter((seen) => seen.life === life && destroyed.has(seen.line));
    return lost.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
