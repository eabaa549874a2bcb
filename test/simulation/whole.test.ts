import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstSeed } from './random.ts';

const seed = firstSeed(1);

test(`the whole agent, receiver and mirror on simulated machines lose nothing and repeat nothing (SEED=${seed})`, () => {
  const script = fileURLToPath(new URL('./simulate.ts', import.meta.url));
  const run = spawnSync(process.execPath, [script, '--seeds', '24', '--seed', String(seed)], {
    encoding: 'utf8',
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  assert.match(run.stdout, /24 runs held, 0 failed/);
});
