import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstSeed } from '../simulation/random.ts';

const seed = firstSeed(1);

test(`a damaged data_dir starts unaided, loses at most what was damaged and counts it (SEED=${seed})`, () => {
  const script = fileURLToPath(new URL('./drill.ts', import.meta.url));
  const run = spawnSync(process.execPath, [script, '--cases', '110', '--minutes', '1', '--seed', String(seed)], {
    encoding: 'utf8',
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  assert.match(run.stdout, / 0 failed/);
});
