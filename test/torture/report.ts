/** What is printed of torture: pure. */
import { addVerdicts, sayVerdict, sound, type Verdict } from './lines.ts';
import type { Figure, Trend } from './samples.ts';
import type { Plan } from './schedule.ts';

export interface RoundResult {
  readonly plan: Plan;
  readonly lines: number;
  /** What was done, and how often. */
  readonly done: ReadonlyMap<string, number>;
  /** Lines written between two kills. */
  readonly linesBetween: readonly number[];
  readonly trends: readonly Trend[];
  readonly verdict: Omit<Verdict, 'first'>;
  /** What this machine does not let us do. */
  readonly skipped: readonly string[];
  /** Empty when everything held. */
  readonly wrong: readonly string[];
  readonly ms: number;
}

export interface Total {
  readonly rounds: number;
  readonly kills: number;
  readonly lines: number;
  readonly done: ReadonlyMap<string, number>;
  readonly linesBetween: readonly number[];
  readonly verdict: Omit<Verdict, 'first'>;
  readonly skipped: ReadonlySet<string>;
  readonly findings: number;
}

export const noTotal: Total = {
  rounds: 0,
  kills: 0,
  lines: 0,
  done: new Map(),
  linesBetween: [],
  verdict: sound,
  skipped: new Set(),
  findings: 0,
};

export function addRound(total: Total, round: RoundResult): Total {
  const done = new Map(total.done);
  for (const [what, times] of round.done) done.set(what, (done.get(what) ?? 0) + times);
  return {
    rounds: total.rounds + 1,
    kills: total.kills + round.plan.kills,
    lines: total.lines + round.lines,
    done,
    linesBetween: [...total.linesBetween, ...round.linesBetween],
    verdict: addVerdicts(total.verdict, round.verdict),
    skipped: new Set([...total.skipped, ...round.skipped]),
    findings: total.findings + round.wrong.length,
  };
}

export function sayPlan({ seed, kills, setup, steps }: Plan, style: string): string {
  const { kind, files, linesPerSecond, smallDisk, clock, timeoutMs } = setup;
  return [
    `round "${kind}", --seed ${seed}${kills > 0 ? ` --kills ${kills}` : ''}: ${steps.length} steps`,
    `${files} file${files === 1 ? '' : 's'}, ${linesPerSecond} lines/s, rotation ${style}, time-outs ${timeoutMs} ms`,
    ...(smallDisk ? [`the ${smallDisk}'s disk is small`] : []),
    ...(clock ? ['clocks jump'] : []),
  ].join(', ');
}

export function sayRound(round: RoundResult): string[] {
  const { plan, lines, trends, verdict, wrong, ms } = round;
  return [
    ...wrong.map((one) => `WRONG: ${one}`),
    ...trends.map(sayTrend),
    `${plan.kills} kills, ${lines} lines in ${Math.round(ms / 1000)} s: ${sayVerdict(verdict)}, ${wrong.length} findings`,
  ];
}

const units: Readonly<Record<Figure, string>> = { rss: ' MiB', private: ' MiB', descriptors: '' };

export function sayTrend({ side, figure, samples, first, last, flat }: Trend): string {
  const value = (number: number) => `${number.toFixed(figure === 'descriptors' ? 0 : 1)}${units[figure]}`;
  const levels = `first third ${value(first)}, of the last ${value(last)}`;
  return `${side} ${figure}: ${levels} (${samples} samples)${flat ? '' : ', more than the bound'}`;
}

/** Something was shown, and nothing was wrong. */
export function allHeld({ findings, lines }: Total): boolean {
  return findings === 0 && lines > 0;
}

/** The last lines; the very last says it all. */
export function sayTotal(total: Total, minutes: number): string[] {
  const { kills, lines, done, linesBetween, verdict, skipped, findings } = total;
  const what = [...done].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, times]) => `${name} ${times}`);
  const between = linesBetween.toSorted((a, b) => a - b);
  const median = between[Math.floor(between.length / 2)];
  const clean = allHeld(total);
  return [
    `done: ${what.join(', ')}`,
    ...[...skipped].map((one) => `skipped: ${one}`),
    ...(kills > 0 ? [`lines written between two kills: median ${median}, least ${between[0]}`] : []),
    `${total.rounds} rounds in ${minutes.toFixed(1)} minutes, ${sayVerdict(verdict)}, ${findings} findings`,
    `${kills} kills, ${lines} lines: ${clean ? '0 lost, 0 duplicated' : `${sayVerdict(verdict)}; ${findings} FINDINGS`}`,
  ];
}
