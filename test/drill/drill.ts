/**
 * `npm run drill -- [--cases N] [--minutes M] [--seed S] [--only TEXT]`: the damage drill. Every single-byte flip and every truncation
 * of every file of an agent's and a receiver's data_dir, each of which has to start unaided, lose at most what was damaged and
 * say so. With `--cases` or `--minutes` a sample, as the seed draws it. Exit 0 only if all held.
 */
import { parseArgs } from 'node:util';
import { Crash } from '../simulation/errors.ts';
import { SeededRandom } from '../simulation/random.ts';
import { type Outcome, runCase } from './case.ts';
import { type Damage, everyDamage, print } from './damage.ts';
import { Judge } from './judge.ts';
import { makeScene } from './scene.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});

let current = 'the scene';
// A machine that was killed leaves promises behind that nobody waits for any more.
process.on('unhandledRejection', (error) => {
  if (error instanceof Crash) return;
  console.error(`${current}: `, error);
  process.exit(1);
});

const seed = Number(values.seed);
const casesMax = Number(values.cases ?? Number.POSITIVE_INFINITY);
const start = performance.now();
const end = start + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
const scene = await makeScene(seed);
const judge = new Judge(scene);
const damages = everyDamage(scene.disks, new SeededRandom(seed));
const sums = { cases: 0, failed: 0, lossy: 0, repeating: 0, said: 0, verified: 0 };
for (const damage of damages) {
  if (performance.now() > end || sums.cases >= casesMax) break;
  current = print(damage);
  if (current.includes(values.only)) await examine(damage);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(
  `${sums.cases} of ${damages.length} damages, ${sums.failed} failed, in ${seconds} s (seed ${seed}): ` +
    `${sums.cases - sums.lossy} lost no line, ${sums.lossy} only lines of what was damaged, all of them counted; ` +
    `${sums.repeating} repeated a line; ${sums.said} were reported by the agent, ${sums.verified} by spool verify`,
);
if (sums.failed > 0) process.exitCode = 1;

async function examine(damage: Damage): Promise<void> {
  sums.cases++;
  try {
    const outcome = await runCase(scene, damage, seed);
    count(outcome);
    const breaches = judge.breaches(damage, outcome);
    if (breaches.length > 0) fail([...breaches, ...told(outcome)]);
  } catch (error) {
    fail([(error as Error).stack ?? String(error)]);
  }
}

function count({ lost, repeated, said, problems, before }: Outcome): void {
  if (lost.length > 0) sums.lossy++;
  if (repeated.length > 0) sums.repeating++;
  if (said.length + problems.length > 0) sums.said++;
  if (before.length > 0) sums.verified++;
}

function told({ said, problems, before, dropped }: Outcome): string[] {
  return [
    ...said.map((line) => `  said: ${line}`),
    ...problems.map((line) => `  problem: ${line}`),
    ...before.map(({ where, position, what }) => `  verify: ${where} ${position} ${what}`),
    `  dropped: ${JSON.stringify(dropped)}`,
  ];
}

function fail(why: readonly string[]): void {
  sums.failed++;
  const again = `npm run drill -- --seed ${seed} --only '${current}'`;
  console.error(`FAILED ${current}; again with: ${again}\n${why.map((line) => `  ${line}`).join('\n')}`);
}
