/** The long form of `acknowledged.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { peers, runCrashes } from './acknowledged.ts';
import { firstSeed } from './random.ts';

const seed = firstSeed(1);

for (const name of Object.keys(peers)) {
  test(`${name}: a power cut before operation k, for every k, loses nothing that was acknowledged`, async (t) => {
    for (let from = seed; from < seed + 2; from++)
      t.diagnostic(`SEED=${from}: ${await runCrashes(name, 1, from)} power cuts`);
  });
}
