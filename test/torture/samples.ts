/**
 * Memory and open descriptors of the processes while a round goes on, and whether they stay flat: the median of the last
 * third against that of the first.
 */
import * as fs from 'node:fs';
import { type Side, sides } from './schedule.ts';

export const figures = ['rss', 'private', 'descriptors'] as const;
export type Figure = (typeof figures)[number];

/** `rss` and `private` in MiB. */
export type Sample = Readonly<Record<Figure, number>>;

/** Medians of the thirds of one figure of one side. */
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

/** What a process may show that began with `first`. */
export function boundOf(figure: Figure, first: number): number {
  const { share, more } = growthMax[figure];
  return first * (1 + share) + more;
}

/** With fewer there is nothing to compare. */
const samplesMin = 15;

export function trendsOf(samples: Readonly<Record<Side, readonly Sample[]>>): Trend[] {
  return sides.flatMap((side) => figures.flatMap((figure) => trendOf(side, figure, samples[side])));
}

function trendOf(side: Side, figure: Figure, samples: readonly Sample[]): Trend[] {
  if (samples.length < samplesMin) return [];
  const values = samples.map((sample) => sample[figure]);
  const third = Math.floor(values.length / 3);
  const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
  return [{ side, figure, samples: values.length, first, last, flat: last <= boundOf(figure, first) }];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const intervalMs = 500;
/** While a process starts it says nothing about what it needs. */
const ageMsMin = 700;

/** Looks at the processes that run, twice a second, until it is stopped. */
export class Sampler implements Disposable {
  readonly samples: Record<Side, Sample[]> = { agent: [], receiver: [] };
  readonly #timer: NodeJS.Timeout;

  /** `pidOf`: the process of a side and since when it runs. */
  constructor(processOf: (side: Side) => { readonly pid: number; readonly sinceMs: number } | undefined) {
    this.#timer = setInterval(() => {
      for (const side of sides) {
        const found = processOf(side);
        const sample = found && Date.now() - found.sinceMs > ageMsMin ? sampleOf(found.pid) : undefined;
        if (sample) this.samples[side].push(sample);
      }
    }, intervalMs);
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
      private: mebibytes('Private_Clean') + mebibytes('Private_Dirty'),
      descriptors: fs.readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return undefined;
  }
}
