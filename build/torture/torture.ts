/**
 * `npm run torture -- [--kills N] [--minutes M] [--seed S]`: rounds of kill -9, restarts, frozen processes, broken networks, full
 * disks, jumping clocks and rotation, until the number or the time is reached (`test/torture/`). Runs dist/tailspool, or what
 * TAILSPOOL names. Exit 0: nothing lost, nothing repeated, nothing miscounted, nothing grew.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    kind: { type: 'string' },
  },
});
const executable = join(import.meta.dirname, '../../dist/tailspool');
if (process.env.TAILSPOOL === undefined && existsSync(executable)) process.env.TAILSPOOL = executable;
// Read after TAILSPOOL is known.
const { program } = await import('../../test/end-to-end/tailspool.ts');
const { addRound, allHeld, noTotal, sayRound, sayTotal } = await import('../../test/torture/report.ts');
const { kinds, planOf } = await import('../../test/torture/schedule.ts');
const { torture } = await import('../../test/torture/torture.ts');

const killsARound = 50;
const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
const killsWanted = values.kills || !values.minutes ? Number(values.kills ?? 100) : Number.POSITIVE_INFINITY;
const kind = kinds.find((one) => one === values.kind);
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
say(`${program.join(' ')}: ${values.minutes ? `${minutes} minutes` : `${killsWanted} kills`}, --seed ${seed}`);
const start = Date.now();
const minutesSpent = () => (Date.now() - start) / 60_000;
let total = noTotal;
while (total.kills < killsWanted && minutesSpent() < minutes) {
  const kills = Math.min(killsARound, killsWanted - total.kills);
  const plan = planOf({ seed, kills, ...(kind ? { kind } : {}) });
  const round = await torture(plan, { say });
  for (const line of sayRound(round)) say(line);
  total = addRound(total, round);
  seed = (seed + 1) % 2 ** 31;
}
for (const line of sayTotal(total, minutesSpent())) say(line);
process.exitCode = allHeld(total) ? 0 : 1;
