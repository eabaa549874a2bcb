import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationStyles } from '../end-to-end/rotation.ts';
import { firstSeed } from '../simulation/random.ts';
import { planOf } from './schedule.ts';
import { torture } from './torture.ts';

test('ten kills, frozen processes and a broken network under load and rotation lose nothing, repeat nothing and miscount nothing', async (t) => {
  const seed = firstSeed(Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const { wrong, done } = await torture(planOf({ seed, kills: 10, kind: 'plain' }), {
    // Several copytruncates around a kill may still bring generations out of order (nothing lost, nothing repeated): the long
    // form has them.
    styles: rotationStyles.filter(({ copytruncate }) => !copytruncate),
    say: (line) => t.diagnostic(line),
  });
  t.diagnostic(JSON.stringify([...done]));
  assert.deepEqual(wrong, [], `SEED=${seed}`);
});
