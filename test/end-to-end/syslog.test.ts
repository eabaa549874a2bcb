/** Real programs send syslog in every way that they have; the mirror has exactly what they sent. */
import { after, before, test } from 'node:test';
import { numberedLines, type Served, sendAndCompare, serve, ways } from './syslog.ts';

let served: Served;

before(async () => {
  served = await serve();
});
after(() => served[Symbol.asyncDispose]());

for (const way of ways)
  test(`what ${way.name} sends is in the mirror`, async (t) => {
    await sendAndCompare(t, served, way, numberedLines(300));
  });
