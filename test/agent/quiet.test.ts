import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostHeap } from '../../agent/host/heap.ts';
import { QuietHeap } from '../../agent/quiet.ts';
import { SimulatedClock } from '../simulation/clock.ts';

/** A heap that is 10 MiB when it was shrunk, on a clock of our own. */
function watched() {
  const clock = new SimulatedClock();
  const world = { cpuMs: 0, mebibytes: 15, shrunk: 0 };
  const heap = {
    cpuMs: () => world.cpuMs,
    bytes: () => world.mebibytes * 2 ** 20,
    shrink() {
      world.shrunk++;
      world.mebibytes = 10;
    },
  };
  const quiet = new QuietHeap(heap, clock);
  /** Seconds in which so much of a core is used. */
  const pass = async (seconds: number, share: number) => {
    for (let at = 0; at < seconds; at++) {
      world.cpuMs += 1000 * share;
      await clock.advance(1000);
    }
  };
  return { world, quiet, pass };
}

test('memory is given back once the start is over, and not while there is work', async () => {
  const { world, pass } = watched();
  await pass(30, 0.1);
  assert.equal(world.shrunk, 0);
  await pass(11, 0);
  assert.equal(world.shrunk, 1);
  await pass(3600, 0.001);
  assert.equal(world.shrunk, 1);
});

test('what load left is given back too, at most every ten minutes', async () => {
  const { world, quiet, pass } = watched();
  await pass(11, 0);
  for (let burst = 0; burst < 18; burst++) {
    world.mebibytes = 20;
    await pass(50, 0.5);
    await pass(10, 0);
  }
  assert.equal(world.shrunk, 2);
  quiet[Symbol.dispose]();
  world.mebibytes = 20;
  await pass(3600, 0);
  assert.equal(world.shrunk, 2);
});

test('the heap of this process shrinks', () => {
  const heap = hostHeap();
  const grown = Array.from({ length: 200_000 }, (_, number) => ({ number, text: `${number}` }));
  const before = heap.bytes();
  grown.length = 0;
  heap.shrink();
  assert.ok(heap.bytes() < before - 4 * 2 ** 20, `${before} → ${heap.bytes()}`);
  assert.equal((globalThis as { gc?: unknown }).gc, undefined);
});
