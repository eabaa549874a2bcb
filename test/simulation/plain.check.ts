/** The long form of `plain.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { runPlain } from './plain.ts';

const first = Number(process.env.SEED ?? 1000);
const seeds = 300;

for (const honoursKeys of [true, false])
  test(`${seeds} seeds from ${first} on, keys ${honoursKeys ? 'honoured' : 'ignored'}`, async (t) => {
    const sums = { crashes: 0, repeatedBlocks: 0, deadLetters: 0, requests: 0 };
    for (let seed = first; seed < first + seeds; seed++) {
      const result = await runPlain(seed, honoursKeys);
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += result[key];
    }
    t.diagnostic(JSON.stringify(sums));
  });
