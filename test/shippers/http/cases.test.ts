import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankImage, MemorySpool } from '../../wire/memory-spool.ts';
import { Pair } from '../../wire/pair.ts';

test('a lost acknowledgement repeats nothing', async () => {
  const pair = new Pair();
  add(pair, 5);
  let posts = 0;
  pair.network.fault = ({ method }) =>
    method === 'POST' && posts++ % 2 === 0 ? { kind: 'lost_answer' } : { kind: 'none' };
  await pair.start();
  await pair.drain();
  add(pair, 20);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a lost cursor file costs nothing: the receiver knows, and proves it', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 10);
  await pair.drain();
  await pair.restartAgent({ ...pair.agent.image('all'), cursors: new Map() });
  add(pair, 3);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('several shippers on one spool have cursors of their own, also when they reach the same receiver', async () => {
  const pair = new Pair();
  await pair.start();
  const second = await pair.startShipper(pair.agent, 'second');
  for (let i = 0; i < 10; i++) {
    add(pair, 4);
    await pair.clock.runFor(i % 3);
  }
  await pair.drain();
  await pair.drain(pair.agent, second);
  pair.assertExactlyOnce();
  assert.deepEqual(pair.events(), []);
  await second.stop();
  await pair.stop();
});

test('a restored receiver gets again what is still here, and the rest is declared', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 6);
  await pair.drain();
  const old = pair.center.image();
  add(pair, 10);
  await pair.drain();
  pair.agent.dropOldest(8); // retain_acked kept the newer ones
  await pair.restartReceiver(old);
  add(pair, 2);
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
  add(pair, 6);
  await pair.drain();
  const old = pair.center.image();
  add(pair, 10);
  await pair.drain();
  await pair.restartAgent(pair.agent.image('all'));
  add(pair, 3);
  await pair.drain();
  await pair.restartReceiver(old);
  add(pair, 1);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a restored receiver gets again what it lost from an agent that has nothing new to send, too', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 6);
  await pair.drain();
  const old = pair.center.image();
  add(pair, 10);
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
  add(pair, 6);
  await pair.drain();
  await pair.restartReceiver(blankImage('new center'));
  add(pair, 6);
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('a receiver restored to before it met the agent gets all that is here', async () => {
  const pair = new Pair();
  const empty = pair.center.image();
  await pair.start();
  add(pair, 6);
  await pair.drain();
  await pair.restartReceiver(empty);
  add(pair, 1);
  await pair.drain();
  pair.assertExactlyOnce();
  assert.ok(pair.events().includes('shipper.forgotten'));
  await pair.stop();
});

test('a restored agent loses nothing new, and both sides report it', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 6);
  await pair.drain();
  const old = pair.agent.image('all');
  add(pair, 6, 'lost with the disk');
  await pair.drain();
  await pair.restartAgent(old);
  add(pair, 8, 'read again');
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
  add(pair, 6);
  await pair.drain();
  const cursors = pair.agent.image().cursors;
  pair.network.fault = ({ method }) => (method === 'POST' ? { kind: 'lost_answer' } : { kind: 'refused' });
  add(pair, 4);
  await pair.clock.runFor(1000);
  pair.agent.add('of this the backup knows nothing\n');
  const old = { ...pair.agent.image('all'), cursors };
  pair.network.fault = () => ({ kind: 'none' });
  add(pair, 6);
  await pair.drain();
  await pair.restartAgent({ ...old, blocks: old.blocks.slice(0, 11) });
  add(pair, 2);
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
  add(pair, 4);
  await pair.drain();
  await pair.restartAgent(pair.agent.image('all'));
  pair.network.fault = () => ({ kind: 'refused' });
  add(pair, 3);
  await pair.clock.runFor(10);
  const old = pair.agent.image('all');
  pair.network.fault = () => ({ kind: 'none' });
  add(pair, 5);
  await pair.drain();
  await pair.restartAgent(old);
  add(pair, 2);
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
  add(pair, 10);
  await pair.drain();
  const delivered = pair.agent.blocks.map((block) => block.hash);
  const image = pair.agent.image('all');
  await pair.restartAgent({ ...image, blocks: image.blocks.slice(0, 6) });
  add(pair, 5, 'read again');
  await pair.drain();
  assert.deepEqual(pair.received(), [...delivered, ...pair.agent.blocks.slice(6).map((block) => block.hash)]);
  assert.ok(pair.events().includes('receiver.restored_agent'));
  await pair.stop();
});

test('a fork is kept over restarts, until the epoch of the blocks changes', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 4);
  await pair.drain();
  const running = pair.agent.image('all');
  add(pair, 4, 'of the other clone');
  await pair.drain();
  // the same opening goes on from a snapshot of the running machine
  await pair.killAgent();
  const clone = new MemorySpool(running, 'clone');
  Object.assign(clone, { epoch: pair.agent.epoch });
  await pair.startShipper(clone);
  add(pair, 9, 'of this clone, with longer lines');
  await pair.drain();
  assert.equal(pair.agent.outlet('central').cursor?.forked, true);
  await pair.restartAgent(pair.agent.image('all'));
  add(pair, 3);
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
  add(pair, 4);
  await pair.drain();
  const image = pair.agent.image('all');
  await pair.restartAgent(image);
  const copy = pair.open(image);
  const other = await pair.startShipper(copy, 'copy');
  for (let i = 0; i < 5; i++) {
    add(pair, 2);
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

test('what retention took before it was sent is declared, once', async () => {
  const pair = new Pair();
  await pair.start();
  add(pair, 3);
  await pair.drain();
  await pair.killReceiver();
  add(pair, 9);
  pair.agent.dropOldest(7);
  await pair.startReceiver(pair.open(pair.center.image()));
  await pair.drain();
  const sent = pair.agent.blocks.map((block) => block.hash);
  assert.deepEqual(pair.received(), [...sent.slice(0, 3), ...sent.slice(7)]);
  const drops = pair.center.blocks.flatMap((block) => block.runs.flatMap((run) => run.dropped ?? []));
  assert.equal(drops.length, 1);
  await pair.stop();
});

test('two receivers behind one address: nothing is lost, and it ends in red trouble instead of a busy loop', async () => {
  const pair = new Pair();
  await pair.start();
  const first = pair.network.handler!;
  await pair.startReceiver(pair.open(blankImage('other center')));
  const second = pair.network.handler!;
  let turn = 0;
  pair.network.handler = (request) => (turn++ % 2 === 0 ? first : second)(request);
  add(pair, 300);
  await pair.clock.runUntil(() => pair.shipper!.status().state === 'holding');
  const [problem] = pair.shipper!.status().problems;
  assert.equal(problem?.cause, 'inconsistent_answers');
  assert.equal(problem?.red, true);
  assert.ok(pair.shipper!.status().attempts < 30);
  await pair.stop();
});

test('while batches are refused the shipper asks ever more rarely, shows one problem, and logs it once', async () => {
  for (const status of [503, 401]) {
    const pair = new Pair();
    const answer = { status, headers: {}, body: Buffer.from('no') };
    pair.network.fault = ({ method }) => (method === 'POST' ? { kind: 'instead', answer } : { kind: 'none' });
    add(pair, 3);
    await pair.start();
    await pair.clock.runUntil(() => pair.shipper!.status().problems.length > 0);
    const { since } = pair.shipper!.status().problems[0]!;
    await pair.clock.runFor(600_000);
    const { problems, attempts, gauges } = pair.shipper!.status();
    assert.equal(problems[0]?.since, since);
    assert.equal(problems[0]?.red, true);
    assert.ok(attempts > 5 && attempts < 200, `${attempts} attempts`);
    assert.ok(gauges.retry_delay_ms! >= 5000);
    assert.equal(pair.log.filter((entry) => entry.event.startsWith('shipper.') && entry.severity !== 'info').length, 1);
    pair.network.fault = () => ({ kind: 'none' });
    await pair.drain();
    assert.deepEqual(pair.shipper!.status().problems, []);
    pair.assertExactlyOnce();
    await pair.stop();
  }
});

test('an answer that the receiver is back clears the trouble, also when there is nothing to send', async () => {
  const pair = new Pair();
  await pair.startShipper();
  await pair.clock.runUntil(() => pair.shipper!.status().problems.length > 0);
  assert.equal(pair.shipper!.status().problems[0]?.cause, 'unreachable');
  await pair.startReceiver();
  await pair.clock.runUntil(() => pair.shipper!.status().state === 'idle');
  assert.deepEqual(pair.shipper!.status().problems, []);
  await pair.stop();
});

test('Retry-After is obeyed to the second', async () => {
  const pair = new Pair();
  const answer = { status: 429, headers: { 'retry-after': '120' }, body: Buffer.from('') };
  let refusals = 0;
  pair.network.fault = ({ method }) =>
    method === 'POST' && refusals++ === 0 ? { kind: 'instead', answer } : { kind: 'none' };
  add(pair, 1);
  await pair.start();
  const posts = () => pair.network.seen.filter(({ request }) => request.method === 'POST').length;
  await pair.clock.runFor(119_000);
  assert.equal(posts(), 1);
  await pair.clock.runFor(10_000);
  assert.equal(posts(), 2);
  await pair.stop();
});

test('batches that are too large for what stands between shrink until they pass', async () => {
  const pair = new Pair();
  const answer = { status: 413, headers: {}, body: Buffer.from('') };
  const tooLarge = (body?: Uint8Array) => (body?.length ?? 0) > 900;
  pair.network.fault = ({ body }) => (tooLarge(body) ? { kind: 'instead', answer } : { kind: 'none' });
  add(pair, 60);
  await pair.start();
  await pair.drain();
  pair.assertExactlyOnce();
  assert.ok((pair.shipper!.status().outcomes.status_413 ?? 0) > 0);
  await pair.stop();
});

test('a rate limit holds on average, and what comes in bursts goes out evenly', async () => {
  const pair = new Pair();
  pair.rateBytesPerSecondMax = 1000;
  add(pair, 80);
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

test('something that throws inside is shown and tried again, and ends nothing', async () => {
  const pair = new Pair();
  await pair.startReceiver();
  add(pair, 5);
  let bugs = 2;
  const outlet = pair.agent.outlet.bind(pair.agent);
  pair.agent.outlet = (name) =>
    new Proxy(outlet(name), {
      get(target, key) {
        if (key === 'read' && bugs-- > 0) throw new Error('EIO: what nobody thought of');
        return Reflect.get(target, key);
      },
    });
  await pair.startShipper();
  await pair.clock.runUntil(() => pair.shipper!.status().problems[0]?.cause === 'internal');
  assert.equal(pair.shipper!.status().state, 'holding');
  await pair.drain();
  pair.assertExactlyOnce();
  assert.deepEqual(pair.shipper!.status().problems, []);
  await pair.stop();
});

test('a spool that closes before its shipper is stopped does not make it spin', async () => {
  const pair = new Pair();
  add(pair, 2);
  await pair.start();
  await pair.drain();
  pair.agent.close();
  await pair.clock.runFor(10_000);
  assert.equal(pair.shipper!.status().state, 'idle');
  await pair.stop();
});

test('stopping ends in every state at once and leaves the cursor as far as was proven', async () => {
  for (const fault of ['lost_request', 'refused', 'none'] as const) {
    const pair = new Pair();
    pair.network.fault = () => (fault === 'none' ? { kind: 'none', delayMs: 1_000_000 } : { kind: fault });
    add(pair, 5);
    await pair.start();
    await pair.clock.runFor(10);
    await pair.shipper!.stop();
    assert.equal(pair.shipper!.status().state, 'stopped');
    assert.equal(pair.agent.outlet('central').cursor, undefined);
    await pair.stop();
  }
});

function add(pair: Pair, blocks: number, text = 'line'): void {
  for (let i = 0; i < blocks; i++) pair.agent.add(`${text} ${pair.agent.blocks.length}\n`.repeat(1 + (i % 4)));
}
