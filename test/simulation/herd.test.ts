import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulateHerd } from './herd.ts';

const seed = Number(process.env.SEED ?? 1);
const agents = 300;

test('agents that lost their receiver in one millisecond come back one by one', async (t) => {
  t.diagnostic(`SEED=${seed}`);
  const { arrivals } = await simulateHerd({ agents, seed, outageMs: 60_000 });
  const most = Math.max(...arrivals);
  assert.equal(
    arrivals.reduce((sum, count) => sum + count, 0),
    agents,
  );
  assert.ok(most < agents / 8, `${most} of ${agents} came in one second`);
});

test('agents that were all told the same Retry-After keep it, and still do not come back in step', async () => {
  for (const [retryAfterSeconds, outageMs] of [
    [1, 20_000],
    [5, 60_000],
  ] as const) {
    const { arrivals, early } = await simulateHerd({ agents, seed, outageMs, retryAfterSeconds });
    const most = Math.max(...arrivals);
    assert.equal(early, 0);
    assert.ok(most < agents / 6, `${most} of ${agents} came in one second`);
  }
});

test('without chance they would all come in one second: the simulation can see a herd', async () => {
  const { arrivals } = await simulateHerd({ agents: 100, seed, outageMs: 30_000, jitter: false });
  assert.deepEqual(
    arrivals.filter((count) => count > 0),
    [100],
  );
});
