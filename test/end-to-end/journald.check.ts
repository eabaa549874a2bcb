/** The long form of `journald.test.ts`, for `npm run check:full`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cannotHaveJournal, Journal } from './journal.ts';
import { arrived, pairFor, untilArrived } from './journald.ts';

test('100,000 entries from a real journald, the agent killed ten times: each once, in order', {
  skip: cannotHaveJournal(),
}, async (t) => {
  await using journal = await Journal.start();
  await using pair = await pairFor(journal);
  const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n} ${'x'.repeat(1 + (n % 200))}`);
  for (let round = 0; round < 10; round++) {
    pair.startAgent();
    journal.lines('load', lines.slice(10_000 * round, 10_000 * (round + 1)));
    if (round % 3 === 1) journal.run('journalctl', ['--rotate']);
    await untilArrived(pair, 'load', 10_000 * round + 500);
    if (round < 9) await pair.agent?.end('SIGKILL');
  }
  const events = await untilArrived(pair, 'load', lines.length);
  assert.equal(events.length, lines.length);
  // One at a time: what differs of two long lists says nothing.
  for (const [n, { body }] of events.entries()) assert.equal(body, lines[n]);
  t.diagnostic(`${events.length} entries: 0 lost, 0 twice; ${arrived(pair, 'load').length} in the mirror`);
});
