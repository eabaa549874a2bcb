/**
 * Memory and open descriptors of the processes while a round goes on, and whether they stay flat: the level that a fifth of the
 * samples reach, in the last third against the first. (Not the median: a process that has just begun, or has nothing to do because
 * the other side is down, needs half of what one under load does, and which thirds hold more of these is chance.)
 */
import * as fs from 'node:fs';
import { type Side, sides } from './schedule.ts';

export const figures = ['rss', 'private', 'descriptors'] as const;
export type Figure = (typeof figures)[number];

/** `rss` and `private` in MiB; private is what the process has written itself (RssAnon), as in the benchmark. */
export type Sample = Readonly<Record<Figure, number>>;

/** Levels of the thirds of one figure of one side. */
export interface Trend {
  readonly side: Side;
  readonly figure: Figure;
  readonly samples: number;
  readonly first: number;
  readonly last: number;
  readonly flat: boolean;
}

/** How much more the last third may show than the first: a share of it, and something that rests and noise may take. */
export const growthMax: Readonly<Record<Figure, { readonly share: number; readonly more: number }>> = {
  rss: { share: 0.25, more: 10 },
  private: { share: 0.25, more: 10 },
  descriptors: { share: 0.25, more: 16 },
};

/**
 * Each generation of a file on the disk is remembered, with 2.4 KB of heap (measured after full collections, plain and compressed);
 * V8 lets a heap grow to four times what lives in it before it collects.
 */
const mebibytesOfGeneration = (4 * 2.4) / 1024;

/** What a process may show that began with `first`, when it has so many more `generations` to remember. */
export function boundOf(figure: Figure, first: number, generations = 0): number {
  const { share, more } = growthMax[figure];
  return first * (1 + share) + more + (figure === 'descriptors' ? 0 : generations * mebibytesOfGeneration);
}

/** With fewer there is nothing to compare. */
const samplesMin = 15;

/** `generations`: of files, how many came in this time. */
export function trendsOf(samples: Readonly<Record<Side, readonly Sample[]>>, generations = 0): Trend[] {
  return sides.flatMap((side) => figures.flatMap((figure) => trendOf(side, figure, samples[side], generations)));
}

function trendOf(side: Side, figure: Figure, samples: readonly Sample[], generations: number): Trend[] {
  if (samples.length < samplesMin) return [];
  const values = samples.map((sample) => sample[figure]);
  const third = Math.floor(values.length / 3);
  const [first, last] = [level(values.slice(0, third)), level(values.slice(-third))];
  return [{ side, figure, samples: values.length, first, last, flat: last <= boundOf(figure, first, generations) }];
}

/** A fifth of the values are at least so high. */
function level(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => b - a);
  return sorted[Math.floor(sorted.length / 5)]!;
}

const intervalMs = 500;

export interface Sampled {
  readonly pid: number;
  /** Resolves when it answers: one that starts, or is stopped, shows nothing of what it needs. */
  answers(): Promise<boolean>;
}

/** Looks at the processes that work, twice a second, until it is stopped. */
export class Sampler implements Disposable {
  readonly samples: Record<Side, Sample[]> = { agent: [], receiver: [] };
  readonly #processOf: (side: Side) => Sampled | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #asked = new Set<Side>();

  constructor(processOf: (side: Side) => Sampled | undefined) {
    this.#processOf = processOf;
    this.#timer = setInterval(() => {
      for (const side of sides) if (!this.#asked.has(side)) void this.#look(side);
    }, intervalMs);
  }

  async #look(side: Side): Promise<void> {
    const found = this.#processOf(side);
    if (!found) return;
    this.#asked.add(side);
    const answered = await found.answers();
    this.#asked.delete(side);
    const sample = answered && this.#processOf(side)?.pid === found.pid ? sampleOf(found.pid) : undefined;
    if (sample) this.samples[side].push(sample);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** undefined when the process is no more. */
export function sampleOf(pid: number): Sample | undefined {
  try {
    const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const mebibytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(rollup)![1]) / 1024;
    return {
      rss: mebibytes('Rss'),
      // Not Private_Clean: while the other side is down, the pages of the executable that both map count as this one's alone.
      private: mebibytes('Anonymous'),
      descriptors: fs.readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return undefined;
  }
}
