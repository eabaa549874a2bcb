/** The long form of `relp.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { sendOverKills, skip } from './omrelp.ts';

test('100,000 messages of omrelp over ten kill -9: none lost', { skip }, async (t) => {
  const { twice } = await sendOverKills(100_000, 10);
  t.diagnostic(`100000 messages: 0 lost, ${twice} came twice, that were under way when the agent was killed`);
});
