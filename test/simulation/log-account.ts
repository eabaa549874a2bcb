/** The account of what programs wrote: each line, in which files it stands, and if in none any more, what the world did to it. */
import type { Script } from './scripts.ts';

/** One line of a log, with its line feed. */
export interface Line {
  /** As it stands in the file; each byte is a character. */
  readonly text: string;
  /** What has to be found of it in what the mirror holds (`Script.arrived`), with a line feed: mostly the same. */
  readonly arrives: string;
  /** Which file of its path it was written to, from 0: the order in which the mirror has to have it. */
  generation: number;
  /** Written to a file that had been rotated already; or that got such lines before anything of it was read: by its time it is younger then. */
  late: boolean;
  /** In so many files it stands. */
  copies: number;
  /** Why it stands in none any more; undefined while it does. */
  gone: string | undefined;
  /** What it is part of. */
  readonly entry: Entry;
}

/** Lines that belong together: one record. */
export interface Entry {
  readonly lines: Line[];
  /** What its record says besides, where the script has such. */
  readonly says: string;
  /** It was written in two, and a time limit lay between; or only a part of it still stands somewhere. */
  mayBeCut: boolean;
}

/** The lines of one path, in the order in which the mirror has to have them. */
export interface Log {
  readonly name: string;
  readonly script: Script;
  readonly lines: Line[];
  /** Lines that came about in other ways: what a power cut left, glued together. May arrive, need not. */
  readonly fragments: Set<string>;
  wentBack: boolean;
  /** It did so after the agent was stopped, which then takes it for truncated: what was read comes again. */
  wentBackUntold: boolean;
}

export function newLog(name: string, script: Script): Log {
  return { name, script, lines: [], fragments: new Set(), wentBack: false, wentBackUntold: false };
}

/** It stands in one file less. */
export function dropLine(line: Line, why: string): void {
  line.copies--;
  if (line.copies > 0) return;
  line.gone = why;
  line.entry.mayBeCut = true;
}
