/**
 * `npm run simulate -- [--seeds N] [--seed S] [--workers W] [--show] [--no-shrink]`: runs of the whole agent and receiver on simulated
 * machines, each from one seed, on every core. With `--crashes` the seeds are scenarios of a spool, each crashed before every
 * change to its disk; with `--every` calm runs of the whole, crashed before every change to either disk. With `--shapes` (alone, or with
 * `--every`) the logs hold groups of lines, the parts of containers' lines, and UTF-16. A failing seed is
 * printed, made small and printed again; exit 0 only if all held. `--canaries` plants bugs and tells how fast each is seen. `--herd
 * [--agents N]` shows how agents come back after an outage.
 * SIGINT ends it early: the seeds that run are finished, and what was done so far is printed.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { canaries } from './canaries.ts';
import type { CrashResult } from './crashes.ts';
import type { EveryResult } from './every.ts';
import { huntAll } from './hunt.ts';
import { drawPlan, drawShapedPlan, print } from './plan.ts';
import { crashSummary, everySummary, summary } from './summary.ts';
import type { WholeResult } from './whole.ts';
import type { Reply } from './worker.ts';
import { WorkerProcess } from './worker-process.ts';

const failuresShownMax = 3;
const seedsByProcessMax = 200;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    show: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: true },
    crashes: { type: 'boolean', default: false },
    every: { type: 'boolean', default: false },
    shapes: { type: 'boolean', default: false },
    canaries: { type: 'boolean', default: false },
    herd: { type: 'boolean', default: false },
    agents: { type: 'string', default: '10000' },
  },
  allowNegative: true,
});

const first = Number(values.seed);
let end = first + Number(values.seeds);
const start = performance.now();
const held: WholeResult[] = [];
const failed: Extract<Reply, { kind: 'failed' }>[] = [];
const { shapes: shaped } = values;
const kind = values.crashes ? 'crashes' : values.every ? 'every' : 'run';
const crashes: CrashResult[] = [];
const every: EveryResult[] = [];
let next = first;

process.once('SIGINT', () => {
  end = Math.min(end, next);
  console.error(`ends early: seeds ${first} to ${end - 1}`);
});
if (values.herd) {
  const { reportHerd } = await import('./herd-report.ts');
  process.exit(await reportHerd(Number(values.agents), first));
}
if (values.canaries) process.exit(await showCanaries());
if (values.show) for (const step of (shaped ? drawShapedPlan(first) : drawPlan(first)).steps) console.log(print(step));
await Promise.all(Array.from({ length: Math.min(Number(values.workers), end - first) }, () => work()));
failed.sort((one, other) => one.seed - other.seed);
if (values.shrink && kind === 'run')
  await Promise.all(failed.slice(0, failuresShownMax).map(({ seed }) => explain(seed)));
const seconds = (performance.now() - start) / 1000;
console.log(`seeds ${first} to ${end - 1}`);
if (kind === 'crashes') console.log(crashSummary(crashes, failed.length, seconds));
else if (kind === 'every') console.log(everySummary(every, failed.length, seconds));
else console.log(summary(held, failed.length, seconds));
if (failed.length > 0) process.exitCode = 1;

/** A table of the planted bugs; the exit code. */
async function showCanaries(): Promise<number> {
  console.log('| planted bug | what it does | seen by | after seeds | seconds |\n|---|---|---|---|---|');
  const hunts = await huntAll(canaries, Number(values.workers), ({ canary, seed, seconds }) => {
    const by = { crashes: 'crash schedules', run: 'runs of the whole', shapes: 'runs with shapes' }[canary.by];
    console.log(`| ${canary.name} | ${canary.what} | ${by} | ${seed ?? 'not seen'} | ${seconds.toFixed(1)} |`);
  });
  const missed = hunts.filter(({ seed }) => seed === undefined).length;
  const seconds = (performance.now() - start) / 1000;
  console.log(`\n${hunts.length - missed} of ${hunts.length} planted bugs seen, in ${seconds.toFixed(1)} s`);
  return missed === 0 ? 0 : 1;
}

/** Seed after seed, with a new process now and then: what the machines of a run leave behind adds up. */
async function work(): Promise<void> {
  while (next < end) await workFor(seedsByProcessMax);
}

async function workFor(seeds: number): Promise<void> {
  using worker = new WorkerProcess();
  for (let left = seeds; left > 0 && next < end; left--) {
    const reply = await worker.ask({ kind, seed: next++, shaped });
    if (reply.kind === 'held') held.push(reply.result);
    else if (reply.kind === 'crashes') crashes.push(reply.result);
    else if (reply.kind === 'every') every.push(reply.result);
    else if (reply.kind === 'failed') {
      failed.push(reply);
      console.error(`FAILED seed ${reply.seed}: ${reply.why}`);
    }
  }
}

async function explain(seed: number): Promise<void> {
  using worker = new WorkerProcess();
  const reply = await worker.ask({ kind: 'shrink', seed, shaped });
  if (reply.kind !== 'shrunk') return console.error(`seed ${seed} held when it was run again: ${reply.kind}`);
  console.error(
    [
      `\nseed ${seed}, made small in ${reply.runs} runs (again with: npm run simulate -- ${shaped ? '--shapes ' : ''}--seeds 1 --seed ${seed}):`,
      ...reply.steps.map((step) => `  ${step}`),
      reply.story,
    ].join('\n'),
  );
}
