/** What can be measured of a run, by name: how its column is called. One run measures some of them; the table shows those. */

export const figureTitles = {
  megabytesPerSecond: 'MB/s',
  cpuSecondsPerGib: 'CPU-s/GiB',
  toBase: 'to pipeline',
  thousandRecordsPerSecond: 'krec/s',
  cpuSecondsPerMillion: 'CPU-s/Mrec',
  thousandRecordsPerCpuSecond: 'krec/CPU-s',
  latencyMedianMs: 'median ms',
  latencyP99Ms: 'p99 ms',
  latencyMaxMs: 'max ms',
  readyMs: 'ready ms',
  firstBatchMs: 'first batch ms',
  cpuPercent: 'CPU %',
  peakMib: 'peak RSS MiB',
  privateMib: 'private MiB',
  bodiesMib: 'bodies MiB',
  diskMib: 'disk MiB',
  wireMib: 'wire MiB',
  fsyncs: 'fsyncs',
  fsyncsPerSecond: 'fsyncs/s',
  rawToDisk: 'raw:disk',
  toOneFile: 'of one file',
  lagSeconds: 'lag s',
  catchUpSeconds: 'catch-up s',
  drainSeconds: 'drain s',
  drops: 'drops',
} as const;

export type FigureName = keyof typeof figureTitles;
export type Figures = Readonly<Partial<Record<FigureName, number>>>;

/** One run of one way of doing the work. */
export interface Measured {
  readonly way: string;
  readonly figures: Figures;
  /** Lines that did not arrive, and that arrived more than once; undefined where nothing arrives that could be counted. */
  readonly lost?: number | undefined;
  readonly duplicated?: number | undefined;
}

export interface Comparison {
  readonly with: string;
  readonly figure: FigureName;
  readonly as: FigureName;
}

/** A part of the suite as it is printed. */
export interface Part {
  readonly name: string;
  readonly title: string;
  /** One round: every way once. Called again for each round, so that the machine's mood meets all alike. */
  round(round: number): Promise<readonly Measured[]>;
  /** A column more: a figure of each way as a share of one way's. */
  readonly compare?: Comparison | undefined;
  /** Said below the table. */
  readonly notes?: readonly string[];
  end?(): Promise<void> | void;
}

/** CPU as a share of one core. */
export function percentOfCore(cpuSeconds: number, seconds: number): number {
  return (100 * cpuSeconds) / seconds;
}
