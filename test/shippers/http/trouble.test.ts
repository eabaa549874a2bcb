/** What goes wrong between a shipper and its receiver: how often it is tried, what is shown, how it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankImage } from '../../wire/memory-spool.ts';
import { Pair } from '../../wire/pair.ts';

test('two receivers behind one address: nothing is lost, and it ends in red trouble instead of a busy loop', async () => {
  const pair = new Pair();
  await pair.start();
  const first = pair.network.handler!;
  await pair.startReceiver(pair.open(blankImage('other center')));
  const second = pair.network.handler!;
  let turn = 0;
  pair.network.handler = (request) => (turn++ % 2 === 0 ? first : second)(request);
  pair.add(300);
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
    pair.add(3);
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
  assert.equal(pair.shipper!.status().problems[0]?.cause, 'connection_refused');
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
  pair.add(1);
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
  pair.add(60);
  await pair.start();
  await pair.drain();
  pair.assertExactlyOnce();
  assert.ok((pair.shipper!.status().outcomes.status_413 ?? 0) > 0);
  await pair.stop();
});

test('something that throws inside is shown and tried again, and ends nothing', async () => {
  const pair = new Pair();
  await pair.startReceiver();
  pair.add(5);
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
  pair.add(2);
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
    pair.add(5);
    await pair.start();
    await pair.clock.runFor(10);
    await pair.shipper!.stop();
    assert.equal(pair.shipper!.status().state, 'stopped');
    assert.equal(pair.agent.outlet('central').cursor, undefined);
    await pair.stop();
  }
});
