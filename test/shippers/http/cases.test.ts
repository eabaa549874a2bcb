/** A shipper and a receiver when all is well, or nearly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from '../../wire/pair.ts';

test('a lost acknowledgement repeats nothing', async () => {
  const pair = new Pair();
  pair.add(5);
  let posts = 0;
  pair.network.fault = ({ method }) =>
    method === 'POST' && posts++ % 2 === 0 ? { kind: 'lost_answer' } : { kind: 'none' };
  await pair.start();
  await pair.drain();
  pair.add(20);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a lost cursor file costs nothing: the receiver knows, and proves it', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(10);
  await pair.drain();
  await pair.restartAgent({ ...pair.agent.image('all'), cursors: new Map() });
  pair.add(3);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('several shippers on one spool have cursors of their own, also when they reach the same receiver', async () => {
  const pair = new Pair();
  await pair.start();
  const second = await pair.startShipper(pair.agent, 'second');
  for (let i = 0; i < 10; i++) {
    pair.add(4);
    await pair.clock.runFor(i % 3);
  }
  await pair.drain();
  await pair.drain(pair.agent, second);
  pair.assertExactlyOnce();
  assert.deepEqual(pair.events(), []);
  await second.stop();
  await pair.stop();
});

test('what retention took before it was sent is declared, once', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(3);
  await pair.drain();
  await pair.killReceiver();
  pair.add(9);
  pair.agent.dropOldest(7);
  await pair.startReceiver(pair.open(pair.center.image()));
  await pair.drain();
  const sent = pair.agent.blocks.map((block) => block.hash);
  assert.deepEqual(pair.received(), [...sent.slice(0, 3), ...sent.slice(7)]);
  const drops = pair.center.blocks.flatMap((block) => block.runs.flatMap((run) => run.dropped ?? []));
  assert.equal(drops.length, 1);
  await pair.stop();
});

test('a rate limit holds on average, and what comes in bursts goes out evenly', async () => {
  const pair = new Pair();
  pair.rateBytesPerSecondMax = 1000;
  pair.add(80);
  await pair.start();
  const since = pair.clock.monotonic();
  await pair.drain();
  const seconds = (pair.clock.monotonic() - since) / 1000;
  const bytes = pair.agent.durable;
  assert.ok(
    seconds >= (bytes - pair.batchBytesMax) / 1000 && seconds < bytes / 1000 + 1,
    `${bytes} bytes in ${seconds} s`,
  );
  pair.assertExactlyOnce();
  await pair.stop();
});
