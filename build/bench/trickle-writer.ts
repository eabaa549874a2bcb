/**
 * Writes numbered lines at a steady pace and hears when each has arrived: the time from a line's write to then. Lines that
 * never came, and lines that came again, are counted.
 */
import * as fs from 'node:fs';
import { percentile } from './numbers.ts';
import { lineMaker } from './texts/text.ts';

const tickMs = 10;

export class TrickleWriter {
  readonly #descriptor: number;
  readonly #line: (number: number) => string;
  readonly #perSecond: number;
  readonly #writtenAt: number[] = [];
  readonly #arrivals: number[] = [];
  readonly #latenciesMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  bytes = 0;

  constructor(path: string, perSecond: number, seed: number) {
    this.#descriptor = fs.openSync(path, 'a');
    this.#line = lineMaker('nginx', seed);
    this.#perSecond = perSecond;
  }

  get lines(): number {
    return this.#writtenAt.length;
  }

  get waiting(): number {
    return this.lines - this.#arrivals.reduce((sum, times) => sum + Math.min(times ?? 0, 1), 0);
  }

  start(): void {
    const start = performance.now();
    const before = this.lines;
    this.#timer = setInterval(() => {
      const due = before + Math.floor(((performance.now() - start) * this.#perSecond) / 1000);
      while (this.lines < due) this.#write();
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of lines that are written from now on. */
  forgetLatencies(): void {
    this.#latenciesMs.length = 0;
  }

  /** Records that have just arrived, in any pieces that hold whole lines. */
  arrived(text: string): void {
    const now = performance.now();
    for (const [, digits] of text.matchAll(/ #(\d+)$/gm)) {
      const number = Number(digits);
      const times = this.#arrivals[number] ?? 0;
      this.#arrivals[number] = times + 1;
      if (times === 0) this.#latenciesMs.push(now - this.#writtenAt[number]!);
    }
  }

  result() {
    const repeated = this.#arrivals.reduce((sum, times) => sum + Math.max((times ?? 0) - 1, 0), 0);
    return {
      figures: {
        latencyMedianMs: percentile(this.#latenciesMs, 50),
        latencyP99Ms: percentile(this.#latenciesMs, 99),
        latencyMaxMs: percentile(this.#latenciesMs, 100),
      },
      lost: this.waiting,
      duplicated: repeated,
    };
  }

  #write(): void {
    const line = `${this.#line(this.lines).slice(0, -1)} #${this.lines}\n`;
    this.#writtenAt.push(performance.now());
    this.bytes += fs.writeSync(this.#descriptor, line);
  }

  [Symbol.dispose](): void {
    this.stop();
    fs.closeSync(this.#descriptor);
  }
}
