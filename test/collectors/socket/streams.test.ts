/** Records over connections, from the client's bytes to the spool. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { octetCountedFraming } from '../../../collectors/shared/framing/counted.ts';
import { lineFraming } from '../../../collectors/shared/framing/delimited.ts';
import { groupedFraming } from '../../../collectors/shared/framing/grouped.ts';
import { textEncoder } from '../../../collectors/socket/records.ts';
import type { StreamCollector } from '../../../collectors/socket/stream-collector.ts';
import { SocketWorld, sendTo, until } from './socket-world.ts';

const smallSpool = { maxBytes: 3 * 1024 * 1024, segmentBytes: 256 * 1024 };

test('each line is an event with its sender, and all senders are one source', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams();
  for (const text of ['first\n', 'second "quoted" ä\r\n', Buffer.from('ff0a', 'hex'), 'no end']) {
    const { read } = tcp.status();
    await sendTo(tcp.address!.port, text);
    await until(() => tcp.status().read.records > read.records);
  }
  const events = (await world.records()).map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ body }) => body),
    ['first', 'second "quoted" ä', { bytes: '/w==' }, 'no end'],
  );
  for (const { attributes } of events) {
    assert.equal(attributes['network.peer.address'], '127.0.0.1');
    assert.ok(attributes['network.peer.port'] > 0);
  }
  assert.equal(world.spool.status().sources, 1);
});

test('lines of a connection that belong together are one record, each connection by itself, and the last one after its time', async (t) => {
  const world = await SocketWorld.open(t);
  const groups = { start: /^\d/, continue: undefined, traces: [], timeoutMs: 100, linesMax: 3, bytesMax: 10_000 };
  const tcp = await world.streams({ framing: groupedFraming(() => lineFraming(1000), groups) });
  const client = connect(tcp.address!.port, '127.0.0.1');
  client.write('1 a\n b\n c\n d\n2 e\n');
  await until(() => tcp.status().read.records === 2);
  await sendTo(tcp.address!.port, '9 of another\n');
  await until(() => tcp.status().read.records === 4); // the open one of the first client, after its time
  client.end(' late\n3 no end');
  await until(() => tcp.status().read.records === 6);
  const events = (await world.records()).map((line) => JSON.parse(line));
  const bodies = events.map(({ body }) => body);
  assert.deepEqual(bodies.toSorted(), ['1 a\n b\n c', ' d', '2 e', '9 of another', ' late', '3 no end'].toSorted());
  const flags = (body: string) => events.find((event) => event.body === body).attributes;
  assert.equal(flags('1 a\n b\n c')['tailspool.split'], true);
  for (const body of [' d', ' late']) assert.equal(flags(body)['tailspool.continues'], true, body);
  assert.equal(tcp.status().gauges.split_groups, 1);
  assert.equal(tcp.status().gauges.held_bytes, 0);
});

test('text is kept as it came, without the sender', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams({ format: 'text', encoder: textEncoder });
  await sendTo(tcp.address!.port, Buffer.from('a\n\xff\n\nlast', 'latin1'));
  await until(() => tcp.status().read.records === 4);
  assert.deepEqual(await world.records(), ['a', '\ufffd', '', 'last']);
});

test('many clients at once lose nothing, and each one’s records stay in their order', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams();
  const [clients, each] = [50, 2000];
  await Promise.all(
    Array.from({ length: clients }, (_, client) => {
      const lines = Array.from({ length: each }, (_, n) => `${client} ${n} ${'x'.repeat((client * n) % 200)}\n`);
      return sendTo(tcp.address!.port, lines.join(''));
    }),
  );
  await until(() => tcp.status().read.records === clients * each);
  const next = new Map<string, number>();
  for (const body of (await world.bodies()) as string[]) {
    const [client, n] = body.split(' ') as [string, string];
    assert.equal(Number(n), next.get(client) ?? 0);
    next.set(client, Number(n) + 1);
  }
  assert.equal(next.size, clients);
});

test('a full spool holds clients back, and when there is room everything arrives', async (t) => {
  const world = await SocketWorld.open(t, smallSpool);
  const tcp = await world.streams();
  const sent = await fill(world, tcp);
  const held = tcp.status().read.records;
  assert.ok(held < sent, 'everything fitted');
  await drain(world, () => tcp.status().read.records === sent);
  assert.deepEqual(world.spool.status().collectors.in?.dropped, {});
});

test('drop_newest goes on reading when the spool is full, and counts for good what it dropped', async (t) => {
  const world = await SocketWorld.open(t, smallSpool);
  const tcp = await world.streams({ whenFull: 'drop_newest' });
  const sent = await fill(world, tcp);
  await until(() => tcp.status().gauges.connections === 0);
  await drain(world, () => tcp.status().read.records === sent);
  await world.spool.intake.flush();
  const { spooled, dropped } = world.spool.status().collectors.in!;
  assert.ok(dropped.overflow!.records > 0);
  assert.equal(spooled.records + dropped.overflow!.records, sent);
});

test('stopping while the spool is full is quick, and counts what it had taken from clients', async (t) => {
  const world = await SocketWorld.open(t, smallSpool);
  const tcp = await world.streams();
  await fill(world, tcp);
  const began = performance.now();
  await tcp.stop();
  assert.ok(performance.now() - began < 5_000);
  const { read } = tcp.status();
  const { spooled, dropped } = world.spool.status().collectors.in!;
  assert.ok(dropped.overflow!.records > 0);
  assert.equal(spooled.records + dropped.overflow!.records, read.records);
});

test('a client whose framing breaks is hung up on, what stood there is kept, and others go on', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams({ framing: () => octetCountedFraming(1000) });
  const good = await sendTo(tcp.address!.port, '3 one', { end: false });
  const bad = await sendTo(tcp.address!.port, '3 two<13>no count\n', { end: false });
  await new Promise((resolve) => bad.once('close', resolve).resume());
  good.end('5 three');
  await until(() => tcp.status().read.records === 4);
  const events = (await world.records()).map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ body }) => body).sort(), ['<13>no count\n', 'one', 'three', 'two']);
  assert.equal(events.find(({ body }) => body === '<13>no count\n').attributes['tailspool.malformed'], true);
  const { gauges } = tcp.status();
  assert.deepEqual([gauges.framing_errors, gauges.malformed_records], [1, 1]);
  assert.equal(world.logged.filter(({ event }) => event === 'socket.framing').length, 1);
});

test('a line above the limit arrives in flagged fragments', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams({ framing: () => lineFraming(1000) });
  await sendTo(tcp.address!.port, `${'a'.repeat(2500)}\nshort\n`);
  await until(() => tcp.status().read.records === 4);
  const events = (await world.records()).map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ body, attributes }) => [
      body.length,
      attributes['tailspool.fragment'],
      attributes['tailspool.fragment.last'],
    ]),
    [
      [1000, 1, undefined],
      [1000, 2, undefined],
      [500, 3, true],
      [5, undefined, undefined],
    ],
  );
  assert.equal(tcp.status().gauges.fragments, 3);
});

test('a client above its rate is read more slowly, another is not', async (t) => {
  const world = await SocketWorld.open(t);
  const tcp = await world.streams({ rateBytesPerSecondMax: 1024 * 1024 });
  const lines = `${'x'.repeat(1023)}\n`.repeat(2048);
  const began = performance.now();
  const fast = await sendTo(tcp.address!.port, lines, { end: false });
  await until(() => tcp.status().read.records > 0);
  await sendTo(tcp.address!.port, 'other\n');
  await until(async () => tcp.status().read.records === 2049);
  assert.ok(performance.now() - began >= 1800, 'it was not held back');
  const bodies = (await world.bodies()) as string[];
  assert.ok(bodies.indexOf('other') < 2048, 'the other had to wait');
  fast.destroy();
});

test('a busy port is red, never fatal, and taken when it is free', async (t) => {
  const world = await SocketWorld.open(t);
  const first = await world.streams();
  const { port } = first.address!;
  const at = { host: '127.0.0.1', port };
  const limits = { connectionsMax: 9, connectionsPerPeerMax: 9, handshakeTimeoutMs: 1000, outputBytesMax: 1000 };
  const second = await world.streams({ listen: { at, ...limits } });
  const [problem] = second.status().problems;
  assert.equal(problem?.red, true);
  assert.equal(problem?.cause, 'cannot_listen');
  assert.match(problem!.message, new RegExp(`127.0.0.1:${port}.*EADDRINUSE`));
  await first.stop();
  await until(() => second.status().problems.length === 0);
  await sendTo(port, 'here\n');
  await until(() => second.status().read.records === 1);
});

/** Sends more than the spool takes; returns how many records once nothing moves any more. */
async function fill(world: SocketWorld, tcp: StreamCollector): Promise<number> {
  const sent = 20_000;
  const noise = () => Math.random().toString(36).slice(2);
  const lines = Array.from({ length: sent }, () => `${Array.from({ length: 20 }, noise).join('')}\n`);
  for (let client = 0; client < 4; client++) {
    const part = lines.slice((client * sent) / 4, ((client + 1) * sent) / 4);
    void sendTo(tcp.address!.port, part.join(''));
  }
  await until(() => world.spool.intake.hold === 'spool_full');
  return sent;
}

/** A shipper that has everything delivered, again and again. */
async function drain(world: SocketWorld, done: () => boolean): Promise<void> {
  const outlet = world.spool.outlet('s');
  let at = outlet.oldest;
  await until(async () => {
    for (let read = outlet.read(at, 1024 * 1024); read.kind !== 'end'; read = outlet.read(at, 1024 * 1024)) {
      assert.ok(read.kind !== 'unreadable');
      at = read.upto;
      if (read.kind !== 'blocks') continue;
      const last = read.blocks.at(-1)!;
      await outlet.save(
        { receiver: '', epoch: read.epoch.id, forked: false, position: last.end, hash: last.hash },
        true,
      );
    }
    return done();
  });
}
