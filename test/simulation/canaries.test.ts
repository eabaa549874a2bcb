/** The simulation has to see each planted bug within a fixed number of seeds, and nothing without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canaries } from './canaries.ts';
import { huntAll } from './hunt.ts';
import { WorkerProcess } from './worker-process.ts';

const atOnce = 2;

test('each planted bug is caught within its number of seeds', async (t) => {
  const hunts = await huntAll(canaries, atOnce);
  for (const { canary, seed, seconds, why } of hunts) {
    t.diagnostic(`${canary.name}: ${seed === undefined ? 'not caught' : `seed ${seed}`}, ${seconds.toFixed(1)} s`);
    assert.notEqual(seed, undefined, `${canary.name} (${canary.what}): ${why}`);
  }
});

// Runs of the whole: whole.test.ts has more seeds than any of them needs.
test('without a bug the same crash schedules hold', async () => {
  const seedsMax = Math.max(...canaries.filter(({ by }) => by === 'crashes').map((canary) => canary.seedsMax));
  using worker = new WorkerProcess();
  for (let seed = 1; seed <= seedsMax; seed++) {
    const reply = await worker.ask({ kind: 'crashes', seed });
    assert.equal(reply.kind, 'crashes', JSON.stringify(reply));
  }
});
