/** The long form of `lines.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { linesOverKills } from './lines.ts';

test('100,000 records of groups, of UTF-16 and of a container in parts, over twelve kill -9 and rotations: each once, in order', async (t) => {
  // A third of the container's lines are parts of others.
  const { groups, whole, wide, pods } = await linesOverKills({ records: 150_000, rounds: 12, progress: true });
  t.diagnostic(
    `0 lost, 0 twice: ${groups} groups (${whole} of them whole), ${wide} lines of UTF-16, ${pods} lines of a container`,
  );
});
