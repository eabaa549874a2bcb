/** Groups of lines, UTF-16 and a container through the real processes; `lines.check.ts` has more of it. */
import { test } from 'node:test';
import { linesOverKills } from './lines.ts';

test('groups, UTF-16 and a container are mirrored as they were written, over kill -9 of both sides and rotation', async () => {
  await linesOverKills({ records: 2400, rounds: 6 });
});
