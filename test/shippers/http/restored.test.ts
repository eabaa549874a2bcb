/** Receivers and agents that were restored from copies, or run on one twice: nothing is lost, and it is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankImage, MemorySpool } from '../../wire/memory-spool.ts';
import { Pair } from '../../wire/pair.ts';

test('a restored receiver gets again what is still here, and the rest is declared', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  const old = pair.center.image();
  pair.add(10);
  await pair.drain();
  pair.agent.dropOldest(8); // retain_acked kept the newer ones
  await pair.restartReceiver(old);
  pair.add(2);
  await pair.drain();
  const sent = pair.agent.blocks.map((block) => block.hash);
  assert.deepEqual(pair.received(), [...sent.slice(0, 6), ...sent.slice(8)]);
  const drops = pair.center.blocks.flatMap((block) => block.runs.flatMap((run) => run.dropped ?? []));
  assert.deepEqual(
    drops.map((drop) => drop.reason),
    ['upstream'],
  );
  assert.ok(pair.events().includes('shipper.behind_with_gap'));
  await pair.stop();
});

test('a restored receiver whose missing blocks are all here misses nothing', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  const old = pair.center.image();
  pair.add(10);
  await pair.drain();
  await pair.restartAgent(pair.agent.image('all'));
  pair.add(3);
  await pair.drain();
  await pair.restartReceiver(old);
  pair.add(1);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a restored receiver gets again what it lost from an agent that has nothing new to send, too', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  const old = pair.center.image();
  pair.add(10);
  await pair.drain();
  await pair.restartReceiver(old);
  assert.equal(pair.received().length, 6);
  await pair.clock.runFor(500_000);
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a receiver whose spool was deleted is a first contact: it gets all that is here', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  await pair.restartReceiver(blankImage('new center'));
  pair.add(6);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a receiver restored to before it met the agent gets all that is here', async () => {
  const pair = new Pair();
  const empty = pair.center.image();
  await pair.start();
  pair.add(6);
  await pair.drain();
  await pair.restartReceiver(empty);
  pair.add(1);
  await pair.drain();
  pair.assertExactlyOnce();
  assert.ok(pair.events().includes('shipper.forgotten'));
  await pair.stop();
});

test('a restored agent loses nothing new, and both sides report it', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  const old = pair.agent.image('all');
  pair.add(6, 'lost with the disk');
  await pair.drain();
  await pair.restartAgent(old);
  pair.add(8, 'read again');
  await pair.drain();
  const sent = pair.agent.blocks.map((block) => block.hash);
  const received = pair.received();
  assert.deepEqual(received.slice(0, 6), sent.slice(0, 6));
  assert.deepEqual(received.slice(-8), sent.slice(-8));
  assert.equal(received.length, 20);
  assert.ok(pair.events().includes('receiver.restored_agent'));
  await pair.stop();
});

test('an agent restored with its cursor behind the end of its spool sends that rest again, and reports it', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(6);
  await pair.drain();
  const cursors = pair.agent.image().cursors;
  pair.network.fault = ({ method }) => (method === 'POST' ? { kind: 'lost_answer' } : { kind: 'refused' });
  pair.add(4);
  await pair.clock.runFor(1000);
  pair.agent.add('of this the backup knows nothing\n');
  const old = { ...pair.agent.image('all'), cursors };
  pair.network.fault = () => ({ kind: 'none' });
  pair.add(6);
  await pair.drain();
  await pair.restartAgent({ ...old, blocks: old.blocks.slice(0, 11) });
  pair.add(2);
  await pair.drain();
  const received = pair.received();
  for (const block of pair.agent.blocks) assert.ok(received.includes(block.hash));
  assert.ok(pair.events().includes('shipper.forked'));
  assert.ok(pair.events().includes('receiver.restored_agent'));
  await pair.stop();
});

test('an agent restored to the middle of an epoch, its cursor still in the one before, gets out of it by a fork', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(4);
  await pair.drain();
  await pair.restartAgent(pair.agent.image('all'));
  pair.network.fault = () => ({ kind: 'refused' });
  pair.add(3);
  await pair.clock.runFor(10);
  const old = pair.agent.image('all');
  pair.network.fault = () => ({ kind: 'none' });
  pair.add(5);
  await pair.drain();
  await pair.restartAgent(old);
  pair.add(2);
  await pair.drain();
  const received = pair.received();
  for (const block of pair.agent.blocks) assert.ok(received.includes(block.hash));
  assert.ok(pair.events().includes('shipper.forked'));
  // for the receiver it is a second child of the epoch before
  assert.ok(pair.events().includes('receiver.copied_data_dir'));
  await pair.stop();
});

test('a disk that lied: what it lost was delivered already, what is read again is taken and reported', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(10);
  await pair.drain();
  const delivered = pair.agent.blocks.map((block) => block.hash);
  const image = pair.agent.image('all');
  await pair.restartAgent({ ...image, blocks: image.blocks.slice(0, 6) });
  pair.add(5, 'read again');
  await pair.drain();
  assert.deepEqual(pair.received(), [...delivered, ...pair.agent.blocks.slice(6).map((block) => block.hash)]);
  assert.ok(pair.events().includes('receiver.restored_agent'));
  await pair.stop();
});

test('a fork is kept over restarts, until the epoch of the blocks changes', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(4);
  await pair.drain();
  const running = pair.agent.image('all');
  pair.add(4, 'of the other clone');
  await pair.drain();
  // the same opening goes on from a snapshot of the running machine
  await pair.killAgent();
  const clone = new MemorySpool(running, 'clone');
  Object.assign(clone, { epoch: pair.agent.epoch });
  await pair.startShipper(clone);
  pair.add(9, 'of this clone, with longer lines');
  await pair.drain();
  assert.equal(pair.agent.outlet('central').cursor?.forked, true);
  await pair.restartAgent(pair.agent.image('all'));
  pair.add(3);
  await pair.drain();
  assert.equal(pair.agent.outlet('central').cursor?.forked, false);
  const received = pair.received();
  assert.deepEqual(
    received.slice(8),
    pair.agent.blocks.slice(4).map((block) => block.hash),
  );
  assert.equal(new Set(received).size, received.length);
  await pair.stop();
});

test('copies of one data_dir on two hosts both deliver all they write, and are reported', async () => {
  const pair = new Pair();
  await pair.start();
  pair.add(4);
  await pair.drain();
  const image = pair.agent.image('all');
  await pair.restartAgent(image);
  const copy = pair.open(image);
  const other = await pair.startShipper(copy, 'copy');
  for (let i = 0; i < 5; i++) {
    pair.add(2);
    copy.add(`the copy writes ${i}\n`);
    await pair.clock.runFor(50);
  }
  await pair.drain();
  await pair.drain(copy, other);
  const received = pair.received();
  assert.equal(received.length, 4 + 10 + 5);
  assert.equal(new Set(received).size, received.length);
  assert.ok(pair.events().includes('receiver.copied_data_dir'));
  await other.stop();
  await pair.stop();
});
