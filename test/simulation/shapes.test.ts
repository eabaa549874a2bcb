/** The whole with logs whose lines are not taken as they stand. `npm run simulate -- --shapes` has more of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runEvery } from './every.ts';
import { firstSeed } from './random.ts';

const seed = firstSeed(1);

test(`groups, parts and text in UTF-16 are records once, whole and in order, whatever crashes (SEED=${seed})`, () => {
  const script = fileURLToPath(new URL('./simulate.ts', import.meta.url));
  const run = spawnSync(process.execPath, [script, '--shapes', '--seeds', '8', '--seed', String(seed)], {
    encoding: 'utf8',
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  assert.match(run.stdout, /8 runs held, 0 failed/);
});

test(`a power cut before operation k of the agent's disk tears none of them, for some k (SEED=${seed})`, async (t) => {
  const { runs, again } = await runEvery(seed, { side: 'edge', shaped: true, stride: 12 });
  t.diagnostic(`${runs} runs, ${again} of them cut off twice`);
  assert.ok(runs > 5, `${runs} runs`);
});
