/**
 * `npm run torture -- [--kills N | --minutes M] [--seed S]`: kill -9 of agent and receiver at random under load, until
 * the number or the time is reached. Runs dist/tailspool (or what TAILSPOOL names). Exit 0: nothing lost, nothing repeated,
 * nothing miscounted.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { kills: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' } },
});
const executable = join(import.meta.dirname, '../../dist/tailspool');
if (process.env.TAILSPOOL === undefined && existsSync(executable)) process.env.TAILSPOOL = executable;
// Read after TAILSPOOL is known.
const { program } = await import('../../test/end-to-end/tailspool.ts');
const { torture } = await import('../../test/end-to-end/torture.ts');

const killsARound = 50;
const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
const killsWanted = values.kills || !values.minutes ? Number(values.kills ?? 100) : Number.POSITIVE_INFINITY;
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

say(`${program.join(' ')}: ${values.minutes ? `${minutes} minutes` : `${killsWanted} kills`}`);
const start = Date.now();
let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
let [kills, lines, failed] = [0, 0, 0];
while (kills < killsWanted && Date.now() - start < minutes * 60_000) {
  const round = { seed, kills: Math.min(killsARound, killsWanted - kills), files: 4, linesPerSecond: 10_000 };
  say(`round with --seed ${seed}, ${round.kills} kills`);
  const result = await torture({ ...round, pauseMsMax: 1500, say });
  for (const wrong of result.wrong) say(`WRONG: ${wrong}`);
  failed += result.wrong.length;
  kills += round.kills;
  lines += result.lines;
  say(
    `${JSON.stringify(result.kills)}, ${result.rotations} rotations, ${result.lines} lines: ${result.wrong.length} wrong`,
  );
  seed = (seed + 1) % 2 ** 31;
}
say(`${kills} kills, ${lines} lines: ${failed === 0 ? '0 lost, 0 duplicated' : `${failed} findings`}`);
process.exitCode = failed === 0 ? 0 : 1;
