/** The long form of `flapping.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { flap } from './flapping.ts';

test('ten minutes of an endpoint that comes and goes each second: every line once, memory flat', async (t) => {
  const { lines, downs, privateMiB } = await flap(600);
  t.diagnostic(
    `${lines} lines, down ${downs} times, private memory by thirds of the time: ${privateMiB.join(', ')} MiB`,
  );
});
