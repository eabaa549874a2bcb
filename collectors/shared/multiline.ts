/**
 * Which lines belong together. Pure and the same for every source of lines: a grammar says of each line how it stands to the ones
 * before it, and `Grouping` adds the limits. A pattern is only ever shown the first 1,024 characters of a line, without line
 * feed and CR, so what a line costs has a bound.
 *
 * What is known between two lines is one number (the **state**, 25 bits), so that a cursor can carry it: a group that was split, or
 * closed by its time limit, goes on after a restart as it would have without one.
 */
import { type TraceSetName, traceSetNames, traceSets } from './traces.ts';

/** What a pattern is shown of a line, at most. */
export const headCharactersMax = 1024;

/** What the configuration says of groups of lines. */
export interface MultilineOptions {
  /** A line that matches begins a group. */
  readonly start: RegExp | undefined;
  /** A line that matches goes on with the group before it. */
  readonly continue: RegExp | undefined;
  /** Ready-made: stack traces of these languages are one group each. */
  readonly traces: readonly TraceSetName[];
  /** A group that has not grown for so long is closed. */
  readonly timeoutMs: number;
  readonly linesMax: number;
  /** Of the source, line feeds included. */
  readonly bytesMax: number;
}

/**
 * How a line stands to the ones before it.
 * - `joins`: it goes on with them. `begins`: a record of its own begins with it.
 * - `orphan`: it would go on with a group, and there is none.
 */
export interface Step {
  readonly kind: 'joins' | 'begins' | 'orphan';
  /** After the line; 0: nothing can go on with it. */
  readonly state: number;
}

export interface Grammar {
  /** `state`: of this grammar or another, since the configuration may have been changed. */
  step(state: number, head: string): Step;
}

/** Nothing is open. */
const closed = 0;
/** A group is open to which the configured patterns may add. */
const open = 1;

/** A grammar of the configured patterns and ready-made sets. Where both know a line the set goes on with what it began. */
export function grammarOf(options: Pick<MultilineOptions, 'start' | 'continue' | 'traces'>): Grammar {
  const traces = options.traces.map(machineOf);
  const { start, continue: goesOn } = options;
  const startOnly = start !== undefined && goesOn === undefined;
  const afterPlain = start === undefined && goesOn !== undefined ? open : closed;
  const begun = (head: string) => traces.reduce((state, set) => state | set.begun(head), 0);
  return {
    step(state, head) {
      const inTraces = traces.reduce((after, set) => after | set.after(state, head), 0);
      if (inTraces !== 0) return { kind: 'joins', state: inTraces | (state & open) };
      const isOpen = state !== closed;
      if (start?.test(head)) return { kind: 'begins', state: begun(head) | open };
      if (goesOn?.test(head)) return { kind: isOpen ? 'joins' : 'orphan', state: open };
      if (startOnly) return { kind: isOpen ? 'joins' : 'orphan', state: begun(head) | open };
      return { kind: 'begins', state: begun(head) | afterPlain };
    },
  };
}

/** Of what a line may be part of, in four bits of the state for each set: a line may begin traces of several languages. */
interface Machine {
  begun(head: string): number;
  /** 0 where none of this set is open, or the line is no part of it. */
  after(state: number, head: string): number;
}

const setBits = 4;
const setMask = 0xf;

/** The bits of a set are the same whatever sets are configured. */
function machineOf(name: TraceSetName): Machine {
  const set = traceSets[name];
  const shift = 1 + traceSetNames.indexOf(name) * setBits;
  const numbers = new Map<string, number>();
  for (const { to } of set) if (!numbers.has(to)) numbers.set(to, numbers.size + 1);
  if (numbers.size > setMask) throw new Error(`BUG: the set ${name} has more states than fit`);
  const rules = set.map(({ from, pattern, to }) => ({
    from: from && new Set(from.map((state) => numbers.get(state))),
    pattern,
    to: numbers.get(to)! << shift,
  }));
  return {
    begun: (head) => rules.find(({ from, pattern }) => from === undefined && pattern.test(head))?.to ?? 0,
    after(state, head) {
      const own = (state >> shift) & setMask;
      return own === 0 ? 0 : (rules.find(({ from, pattern }) => from?.has(own) && pattern.test(head))?.to ?? 0);
    },
  };
}

/**
 * What to do with a line: `joins` the record before it; `begins` one; `goes_on`: begins a record that continues an earlier one, which
 * was split, closed by its time limit, or is not there. `split`: the record before it was closed by a limit.
 */
export interface Placement {
  readonly kind: 'joins' | 'begins' | 'goes_on';
  readonly split: boolean;
}

const begins: Placement = { kind: 'begins', split: false };
const joins: Placement = { kind: 'joins', split: false };
const goesOn: Placement = { kind: 'goes_on', split: false };
const splits: Placement = { kind: 'goes_on', split: true };

/** Groups the lines of one source, one after the other. */
export class Grouping {
  /** After the last line. */
  state: number;
  readonly #grammar: Grammar;
  readonly #limits: Pick<MultilineOptions, 'linesMax' | 'bytesMax'>;
  #lines = 0;
  #bytes = 0;

  constructor(grammar: Grammar, limits: Pick<MultilineOptions, 'linesMax' | 'bytesMax'>, state = closed) {
    this.#grammar = grammar;
    this.#limits = limits;
    this.state = state;
  }

  /** A record is open that another line may join. */
  get isOpen(): boolean {
    return this.#lines > 0 && this.state !== closed;
  }

  /** The next line: the head of it, and its bytes with its line feed. */
  next(head: string, bytes: number): Placement {
    const { kind, state } = this.#grammar.step(this.state, head);
    this.state = state;
    const { linesMax, bytesMax } = this.#limits;
    const isFull = this.#lines >= linesMax || this.#bytes + bytes > bytesMax;
    if (kind === 'joins' && this.#lines > 0 && !isFull) {
      this.#lines++;
      this.#bytes += bytes;
      return joins;
    }
    const split = kind === 'joins' && this.#lines > 0;
    this.#lines = 1;
    this.#bytes = bytes;
    if (split) return splits;
    return kind === 'begins' ? begins : goesOn;
  }

  /** What was open is a record of its own now (time is up, or a line that is too long stands behind it). */
  close(): void {
    this.#lines = 0;
    this.#bytes = 0;
  }
}
