/** The long form of `syslog.test.ts`, for `npm run check:full`: 100,000 messages of each real client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numberedLines, sendAndCompare, serve, statusOf, ways } from './syslog.ts';

for (const way of ways)
  test(`100,000 messages of ${way.name}: the mirror has them, in order`, async (t) => {
    await using served = await serve();
    await sendAndCompare(t, served, way, numberedLines(100_000));
    const status = await statusOf(served.pair);
    assert.deepEqual(status?.totals.dropped, {});
    assert.equal(status?.gauges.unparsed, 0);
  });
