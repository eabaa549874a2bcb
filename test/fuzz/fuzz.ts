/**
 * `npm run fuzz -- [--minutes M] [--seed S] [--only NAME] [--input N]`: feeds every decoder that reads disk, wire or configuration with
 * what no writer writes. None may crash, run on, grow, or decode what it does not encode again. Prints how many inputs each got;
 * `--only` with `--seed` and `--input` gives one input once more. Exit 0 only if all held.
 */
import { parseArgs } from 'node:util';
import { feed, inputOf, one } from './run.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    input: { type: 'string' },
  },
});

const seed = Number(values.seed ?? Date.now() % 1_000_000);
const chosen = targets.filter(({ name }) => name.includes(values.only));
const ms = (Number(values.minutes) * 60_000) / Math.max(1, chosen.length);
let [inputs, failed] = [0, 0];
console.log(`seed ${seed}, ${(ms / 1000).toFixed(1)} s for each of ${chosen.length} decoders`);
for (const target of chosen) {
  try {
    if (values.input !== undefined) {
      await one(target, inputOf(target, seed, Number(values.input)), `--seed ${seed} --input ${values.input}`);
      inputs++;
      continue;
    }
    const { exhaustive, drawn, whole } = await feed(target, seed, ms);
    inputs += exhaustive + drawn;
    const near = `${exhaustive} flips and cuts${whole ? ' (all)' : ' (a sample)'}`;
    console.log(`${target.name.padEnd(34)} ${target.from.padEnd(14)} ${near}, ${drawn} drawn`);
  } catch (error) {
    failed++;
    console.error(`FAILED ${(error as Error).message}`);
  }
}
console.log(`${inputs} inputs, ${chosen.length} decoders, ${failed} failed (seed ${seed})`);
if (failed > 0) process.exitCode = 1;
