/** The short form: some of the changes to the disk. `acknowledged.check.ts` has all of them. */
import { test } from 'node:test';
import { peers, runCrashes } from './acknowledged.ts';
import { firstSeed } from './random.ts';

const seed = firstSeed(1);

for (const name of Object.keys(peers)) {
  test(`${name}: a power cut, and another in the recovery, lose nothing that was acknowledged (SEED=${seed})`, async () => {
    await runCrashes(name, 12, seed);
  });
}
