/**
 * `npm run simulate -- [--seeds N] [--seed S] [--steps K]`: runs of the whole agent and receiver on simulated machines, each from
 * one seed. A failing seed is printed with what happened; exit 0 only if all held.
 */
import { parseArgs } from 'node:util';
import { Crash } from './errors.ts';
import { runWhole, type WholeResult } from './whole.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '60' },
  },
});

// A machine that lost its power leaves promises behind that nobody waits for any more.
process.on('unhandledRejection', (error) => {
  if (error instanceof Crash) return;
  console.error(`seed ${current}: `, error);
  process.exit(1);
});

let current = Number(values.seed);
const results: WholeResult[] = [];
const start = performance.now();
let failed = 0;
for (const end = current + Number(values.seeds); current < end; current++) {
  try {
    results.push(await runWhole(current, Number(values.steps)));
  } catch (error) {
    failed++;
    console.error(
      `FAILED seed ${current}; again with: npm run simulate -- --seeds 1 --seed ${current}\n${(error as Error).stack}`,
    );
  }
}
const sum = (of: (result: WholeResult) => number) => results.reduce((total, result) => total + of(result), 0);
const both = (key: keyof WholeResult['edge']) => sum((result) => result.edge[key] + result.centre[key]);
console.log(
  `${results.length} runs held, ${failed} failed, in ${((performance.now() - start) / 1000).toFixed(1)} s: ` +
    `${sum((result) => result.lines)} lines, ${sum((result) => result.rotations)} rotations, ${both('powerCuts')} power cuts, ` +
    `${both('kills')} kills, ${both('stops')} stops, ${both('starts')} starts, ${sum((result) => result.requests)} requests, ` +
    `${(sum((result) => result.simulatedSeconds) / 3600).toFixed(1)} simulated hours`,
);
if (failed > 0) process.exitCode = 1;
