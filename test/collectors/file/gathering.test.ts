/** How long a hint waits: what cannot become durable sooner is gathered; what is new or much is looked at at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostClock } from '../../../agent/host/clock.ts';
import { pace } from '../../../collectors/file/options.ts';
import { Bench, lines } from './bench.ts';

/** A collector whose hints come from the test, and that says for how long each of them is gathered. */
async function hinted(bench: Bench) {
  const delays: number[] = [];
  let hint: (name: string | undefined) => void = () => {};
  bench.ports = {
    watcher: {
      watch(_, changed) {
        hint = changed;
        return { [Symbol.dispose]() {} };
      },
    },
    clock: {
      ...hostClock,
      after(delayMs, call) {
        delays.push(delayMs);
        return hostClock.after(delayMs, call);
      },
    },
  };
  await bench.started(lines(0, 10));
  return (name: string) => {
    delays.length = 0;
    hint(name);
    return delays[0];
  };
}

test('a file that gains a little is looked at when the next sync may come, not with each line', async () => {
  await using bench = new Bench();
  const delayOf = await hinted(bench);
  bench.intake.nextSync = Number.POSITIVE_INFINITY;
  bench.write('a.log', 'one more\n');
  assert.equal(delayOf('a.log'), pace.gatherMsMax, 'as long as a hint may wait');
  assert.equal(delayOf('a.log'), undefined, 'it waits for the same look');
  await bench.holds('a.log', `${lines(0, 10)}one more\n`);
  bench.intake.nextSync = Number.NEGATIVE_INFINITY;
  assert.equal(delayOf('a.log'), pace.hintDelayMs, 'what is synced at once is looked at at once');
});

test('a name that is not known does not wait for a sync, and those that wait are looked at with it', async () => {
  await using bench = new Bench();
  const delayOf = await hinted(bench);
  bench.intake.nextSync = Number.POSITIVE_INFINITY;
  assert.equal(delayOf('a.log'), pace.gatherMsMax);
  assert.equal(delayOf('b.log'), pace.hintDelayMs);
});

test('a file that gave much does not wait for a sync', async () => {
  await using bench = new Bench();
  const delayOf = await hinted(bench);
  const much = lines(10, 20_000);
  assert(much.length > 2 * pace.quantumBytes);
  bench.write('a.log', much);
  delayOf('a.log');
  await bench.holds('a.log', lines(0, 10) + much);
  bench.intake.nextSync = Number.POSITIVE_INFINITY;
  await bench.until(() => delayOf('a.log') === pace.hintDelayMs);
});
