import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSeed } from '../simulation/random.ts';
import { planOf } from './schedule.ts';
import { torture } from './torture.ts';

test('ten kills, frozen processes and a broken network under load and rotation lose nothing, repeat nothing and miscount nothing', async (t) => {
  const seed = firstSeed(Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const { wrong, done } = await torture(planOf({ seed, kills: 10, kind: 'plain' }), {
    say: (line) => t.diagnostic(line),
  });
  t.diagnostic(JSON.stringify([...done]));
  assert.deepEqual(wrong, [], `SEED=${seed}`);
});
