/**
 * A writer under whose hands logs rotate: appends numbered lines to several files, as fast as it is told. Every line is
 * unique and says which it has to be, so what comes out at the far end can be checked line by line without keeping it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { sleep } from './tailspool.ts';

export interface LoadOptions {
  readonly folder: string;
  /** Names of the logs. */
  readonly files: readonly string[];
  /** Per second, over all files. */
  readonly linesPerSecond: number;
}

const turnMs = 20;

export class Load {
  readonly #options: LoadOptions;
  readonly #written = new Map<string, number>();
  #stopped = false;
  #paused = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    for (const file of options.files) this.#written.set(file, 0);
  }

  /** Lines written to each file so far. */
  get written(): ReadonlyMap<string, number> {
    return this.#written;
  }

  begin(): void {
    this.#idle = this.#run();
  }

  /** Ends after the turn that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#idle;
  }

  /** Nothing is written while `work` runs: what a truncation destroys must have been in the copy. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#paused = true;
    try {
      return await work();
    } finally {
      this.#paused = false;
    }
  }

  async #run(): Promise<void> {
    const { files, linesPerSecond } = this.#options;
    const perTurn = Math.max(1, Math.round((linesPerSecond * turnMs) / 1000 / files.length));
    while (!this.#stopped) {
      if (!this.#paused) for (const file of files) this.#append(file, perTurn);
      await sleep(turnMs);
    }
  }

  /** By name each time, as a program does that reopens its log: after a rotation it is the new file. */
  #append(file: string, lines: number): void {
    const from = this.#written.get(file)!;
    let text = '';
    for (let number = from; number < from + lines; number += 1) text += lineOf(file, number);
    fs.appendFileSync(join(this.#options.folder, file), text);
    this.#written.set(file, from + lines);
  }
}

/** The line with this number, with its line feed. Of many lengths, and compressible about as logs are. */
export function lineOf(file: string, number: number): string {
  const noise = (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(36);
  const path = `/${'abcdefghij'.slice(0, 1 + (number % 10))}/${noise}`;
  return `${file} ${number} 10.0.${number % 256}.${number % 199} "GET ${path} HTTP/1.1" 200 ${number % 7919} "-" "curl/7.88"\n`;
}

/** What is wrong with a copy of the file, or undefined when it holds exactly its first `lines` lines. */
export function wrongIn(copy: string, file: string, lines: number): string | undefined {
  if (!fs.existsSync(copy)) return lines === 0 ? undefined : `${copy} is not there`;
  const found = fs.readFileSync(copy, 'utf8').split('\n');
  if (found.pop() !== '') return `${copy} does not end with a line feed`;
  for (let index = 0; index < Math.max(lines, found.length); index += 1) {
    const expected = index < lines ? lineOf(file, index).slice(0, -1) : undefined;
    if (found[index] !== expected) return firstDifference(copy, index, found, expected, lines);
  }
  return undefined;
}

function firstDifference(
  copy: string,
  index: number,
  found: string[],
  expected: string | undefined,
  lines: number,
): string {
  const numbers = found.map((line) => Number(line.split(' ')[1]));
  const unique = new Set(numbers);
  const lost = Array.from({ length: lines }, (_, number) => number).filter((number) => !unique.has(number));
  return [
    `${copy}, line ${index}: found ${JSON.stringify(found[index]?.slice(0, 80))}, expected ${JSON.stringify(expected?.slice(0, 80))}.`,
    `${found.length} lines of ${lines}; ${lost.length} lost (${lost.slice(0, 3)} … ${lost.at(-1)}), ${found.length - unique.size} duplicated.`,
  ].join(' ');
}
