/** Fluent Forward with its real client and the real agent under kill -9: what was acknowledged is never lost. */
import { test } from 'node:test';
import { forwardOverKills } from './forward.ts';

test('2,000 events of @fluent-org/logger over two kill -9: none lost, twice only what was under way', async (t) => {
  const { twice } = await forwardOverKills(2000, 2);
  t.diagnostic(`${twice} came twice: the client gives an event that it sends again another chunk`);
});
