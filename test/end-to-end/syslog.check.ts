/** The long form of `syslog.test.ts`, for `npm run check:full`: 100,000 messages of each real client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberedLines, sendAndCompare, serve, statusOf, ways } from './syslog.ts';

for (const way of ways)
  test(`100,000 messages of ${way.name}: the mirror has them, in order`, async (t) => {
    await using served = await serve();
    const lost = await sendAndCompare(t, served, way, numberedLines(100_000));
    const status = await statusOf(served.pair);
    const dropped = lost === 0 ? {} : { kernel_buffer: { records: lost, bytes: 0 } };
    assert.deepEqual(status?.totals.dropped, dropped);
    t.diagnostic(`100000 sent: ${100_000 - lost} arrived, ${lost} dropped by the kernel and counted`);
    assert.equal(status?.gauges.unparsed, 0);
  });

test('a receive buffer that is too small: what the kernel drops of UDP is counted, to the datagram', async (t) => {
  await using served = await serve('receive_buffer: 64KiB');
  const lost = await sendAndCompare(t, served, ways[1]!, numberedLines(8000), 4000);
  assert.ok(lost > 0, 'nothing was dropped, so nothing is shown');
  t.diagnostic(`8000 sent: ${8000 - lost} arrived, ${lost} dropped by the kernel and counted`);
});
