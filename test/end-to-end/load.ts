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
  /** What the clock that stamps the files is ahead of ours; by default nothing. */
  readonly aheadMs?: () => number;
  /** What a file begins with whenever it is new or was emptied: whole lines. */
  readonly headOf?: (file: string) => string;
}

/** A thousand files take turns: so many are written at a time. */
const filesATurnMax = 25;

const turnMs = 20;

export class Load {
  readonly #options: LoadOptions;
  readonly #written = new Map<string, number>();
  readonly #bytes = new Map<string, number>();
  #heads = 0;
  #turns = 0;
  #stopped = false;
  #paused = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    for (const file of options.files) {
      this.#written.set(file, 0);
      this.#bytes.set(file, 0);
    }
  }

  /** Lines written to each file so far. */
  get written(): ReadonlyMap<string, number> {
    return this.#written;
  }

  /** Bytes written to each file so far. */
  get bytes(): ReadonlyMap<string, number> {
    return this.#bytes;
  }

  /** Over all files. */
  get lines(): number {
    return [...this.#written.values()].reduce((sum, lines) => sum + lines, 0);
  }

  /** Lines over all files with those that they begin with. */
  get records(): number {
    return this.lines + this.#heads;
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
    const atOnce = Math.min(files.length, filesATurnMax);
    const perTurn = Math.max(1, Math.round((linesPerSecond * turnMs) / 1000 / atOnce));
    while (!this.#stopped) {
      if (!this.#paused) {
        for (let index = 0; index < atOnce; index += 1)
          this.#append(files[(this.#turns * atOnce + index) % files.length]!, perTurn);
        this.#turns += 1;
      }
      await sleep(turnMs);
    }
  }

  /** By name each time, as a program does that reopens its log: after a rotation it is the new file. */
  #append(file: string, lines: number): void {
    const from = this.#written.get(file)!;
    const path = join(this.#options.folder, file);
    let text = fs.statSync(path, { throwIfNoEntry: false })?.size ? '' : (this.#options.headOf?.(file) ?? '');
    this.#heads += text.split('\n').length - 1;
    for (let number = from; number < from + lines; number += 1) text += lineOf(file, number);
    fs.appendFileSync(path, text);
    const aheadMs = this.#options.aheadMs?.() ?? 0;
    if (aheadMs !== 0) fs.utimesSync(path, (Date.now() + aheadMs) / 1000, (Date.now() + aheadMs) / 1000);
    this.#written.set(file, from + lines);
    this.#bytes.set(file, this.#bytes.get(file)! + text.length);
  }
}

/** The line with this number, with its line feed. Of many lengths, and compressible about as logs are. */
export function lineOf(file: string, number: number): string {
  const noise = (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(36);
  const path = `/${'abcdefghij'.slice(0, 1 + (number % 10))}/${noise}`;
  return `${file} ${number} 10.0.${number % 256}.${number % 199} "GET ${path} HTTP/1.1" 200 ${number % 7919} "-" "curl/7.88"\n`;
}
