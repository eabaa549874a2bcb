/**
 * How a program writes, and what has to become of it: plain lines, groups of lines, lines that a container's runtime cut into parts, text
 * in UTF-16. A script makes what is written next, and takes apart what the mirror has of it, so that the oracle can compare both.
 */
import type { SeededRandom } from './random.ts';

/** A line that is going to be written: what stands in the file, and what of it arrives (`Line`); each byte is a character. */
export interface Draft {
  readonly text: string;
  readonly arrives: string;
}

/** What is written at once. */
export interface Written {
  /** Records in the order in which they begin; each has lines, and says something besides. */
  readonly entries: readonly { readonly lines: readonly Draft[]; readonly says: string }[];
  /** How the lines stand in the file. */
  readonly order: readonly Draft[];
}

export interface Place {
  /** Number of the file at its path, from 0. */
  readonly generation: number;
  readonly isFirst: boolean;
  readonly nowMs: number;
}

/** One record of the mirror. */
export interface Arrived {
  /** What arrived of lines; the last one may have no line feed. */
  readonly text: string;
  readonly says: string;
  /** As the record says of itself. */
  readonly continues: boolean;
  readonly unterminated: boolean;
}

export interface Script {
  /** A rotation may come in the middle of what is written in two. */
  readonly spans: boolean;
  /** The name of what the mirror has of the log. */
  mirrorName(log: string): string;
  /** `alone`: one record, nothing of another between its lines. `next` gives a number that nobody else has. */
  write(initial: string, next: () => number, random: SeededRandom, place: Place, alone: boolean): Written;
  /** Where a text that is written in two may be cut nearest to `at`; 0: nowhere. */
  cut(text: string, at: number): number;
  /** What the mirror holds, put back into lines. */
  text(mirrored: string): string;
  /** The same record by record; undefined where a record is a line. */
  records?(mirrored: string): Arrived[];
}

/** A line as it stands. */
export const plainLines: Script = {
  spans: false,
  mirrorName: (log) => log,
  write(initial, next, random) {
    const text = `${initial} ${filled(next, random)}\n`;
    return oneEntry([{ text, arrives: text }]);
  },
  cut: (_text, at) => at,
  text: (mirrored) => mirrored,
};

/** A first line, and lines that begin with a blank; now and then with bytes that are no UTF-8. */
export const groups: Script = {
  spans: false,
  mirrorName: (log) => `${log}.ndjson`,
  write(initial, next, random) {
    const more = random.chance(0.5) ? random.below(6) : 0;
    const lines = Array.from({ length: 1 + more }, (_, at) => {
      const odd = random.chance(0.1) ? ' \xe4\xff' : random.chance(0.1) ? ' \xc3\xa4\r' : '';
      const text = `${at === 0 ? '' : '\t'}${initial} ${filled(next, random)}${odd}\n`;
      return { text, arrives: text };
    });
    return oneEntry(lines);
  },
  cut: (_text, at) => at,
  text: (mirrored) => eventsOf(mirrored, bodyLines).reduce((sum, { text }) => sum + text, ''),
  records: (mirrored) => eventsOf(mirrored, bodyLines),
};

/**
 * As kubelet and Docker keep the lines of a container: cut into parts, those of two streams one among the other. Each part tells where it
 * begins and ends, so that it is found in what they were put together to.
 */
export const parts: Script = {
  spans: true,
  mirrorName: (log) => `${log}.ndjson`,
  write(initial, next, random, { nowMs, generation }, alone) {
    const isDocker = generation % 3 === 2;
    const both = !alone && random.chance(0.3);
    const begins = random.below(2);
    const entries = (both ? [0, 1] : [0]).map((at) => {
      const stream = (begins + at) % 2 === 0 ? 'stdout' : 'stderr';
      const time = new Date(nowMs + at).toISOString();
      const count = 1 + (random.chance(0.5) ? random.below(5) : 0);
      const lines = Array.from({ length: count }, (_, part) => {
        const content = `<${initial} ${filled(next, random)}>`;
        const text = physical(isDocker, time, stream, content, part < count - 1);
        return { text, arrives: `${content}\n` };
      });
      return { lines, says: `${stream} ${time}` };
    });
    return { entries, order: amongEachOther(entries.map(({ lines }) => lines)) };
  },
  cut: (text, at) => text.lastIndexOf('\n', at - 1) + 1,
  text: (mirrored) => eventsOf(mirrored, bodyParts).reduce((sum, { text }) => sum + text, ''),
  records: (mirrored) => eventsOf(mirrored, bodyParts),
};

/** UTF-16 with a byte order mark, of either order, with characters of which a half looks like a line feed. */
export const wide: Script = {
  spans: false,
  mirrorName: (log) => log,
  write(initial, next, random, { generation, isFirst }) {
    const odd = random.chance(0.3) ? ' \u010a\u0a0a\u0a00\u00e4\u{1f600}' : '';
    const content = `${initial} ${filled(next, random)}${odd}\n`;
    const text = Buffer.from(`${isFirst ? '\ufeff' : ''}${content}`, 'utf16le');
    if (generation % 2 === 1) text.swap16();
    return oneEntry([{ text: text.toString('latin1'), arrives: Buffer.from(content).toString('latin1') }]);
  },
  // Half a character may become another one: what is not promised.
  cut: (_text, at) => at - (at % 2),
  text: (mirrored) => mirrored,
};

function oneEntry(lines: readonly Draft[]): Written {
  return { entries: [{ lines, says: '' }], order: lines };
}

/** A number, and some letters behind it. */
function filled(next: () => number, random: SeededRandom): string {
  const kind = random.fraction();
  const filling = kind < 0.02 ? random.below(3000) : random.below(random.chance(0.3) ? 200 : 40);
  return `${next()} ${'abcdefgh'.repeat(Math.ceil(filling / 8)).slice(0, filling)}`;
}

function physical(isDocker: boolean, time: string, stream: string, content: string, isPart: boolean): string {
  if (isDocker) return `${JSON.stringify({ log: isPart ? content : `${content}\n`, stream, time })}\n`;
  return `${time} ${stream} ${isPart ? 'P' : 'F'} ${content}\n`;
}

/** One of each in turn. */
function amongEachOther(lists: readonly (readonly Draft[])[]): Draft[] {
  const length = Math.max(...lists.map((list) => list.length));
  return Array.from({ length }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}

interface Event {
  readonly timestamp?: string;
  readonly body: string | { readonly bytes: string };
  readonly attributes?: Readonly<Record<string, unknown>>;
}

function eventsOf(mirrored: string, textOf: (body: string, unterminated: boolean) => string): Arrived[] {
  const lines = mirrored.split('\n').slice(0, -1);
  return lines.map((line) => {
    const { timestamp, body, attributes } = JSON.parse(Buffer.from(line, 'latin1').toString()) as Event;
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.bytes, 'base64');
    const unterminated = attributes?.['tailspool.unterminated'] === true;
    const says = timestamp === undefined ? '' : `${attributes?.['log.iostream']} ${timestamp}`;
    const text = textOf(bytes.toString('latin1'), unterminated);
    return { text, says, continues: attributes?.['tailspool.continues'] === true, unterminated };
  });
}

function bodyLines(body: string, unterminated: boolean): string {
  return unterminated ? body : `${body}\n`;
}

/** A line for each part. */
function bodyParts(body: string): string {
  return body.replaceAll('>', '>\n');
}
