import { test } from 'node:test';
import { feed } from './run.ts';
import { targets } from './targets.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const ms = Number(process.env.FUZZ_MS ?? 250);

for (const target of targets)
  test(`no input does harm to the decoder of: ${target.name} (SEED=${seed})`, async () => {
    await feed(target, seed, ms);
  });
