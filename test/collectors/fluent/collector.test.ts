/** Fluent Forward with its real client: every mode, acknowledgements, the shared key; and clients that misbehave. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { EventTime } from '@fluent-org/logger';
import { ExtensionCodec, encode } from '@msgpack/msgpack';
import { until } from '../../end-to-end/tailspool.ts';
import { temporarySpool } from '../../spool/temporary-spool.ts';
import { clientOf, eventsIn, listening, modes } from './world.ts';

for (const mode of modes) {
  test(`what is emitted in ${mode} mode is durable when it is acknowledged`, async () => {
    await using dir = temporarySpool();
    const spool = await dir.open();
    const { collector, port } = await listening(dir, spool);
    const client = clientOf(port, mode);
    const at = new EventTime(1_795_457_924, 870_151_001);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        client.emit('web', { message: `event ${n}`, n, deep: { list: [1, null, 'ü'] } }, at),
      ),
    );
    const events = eventsIn(dir, spool);
    assert.deepEqual(
      events.map(({ body }) => body),
      Array.from({ length: 50 }, (_, n) => `event ${n}`),
    );
    const { attributes, timestamp } = events[7] ?? {};
    assert.equal(timestamp, '2026-11-23T18:18:44.870151001Z');
    assert.equal(attributes?.['fluent.tag'], 'app.web');
    assert.deepEqual([attributes.n, attributes.deep], [7, { list: [1, null, 'ü'] }]);
    assert.equal(attributes['network.peer.address'], '127.0.0.1');
    const { gauges } = collector.status();
    assert.ok((gauges.chunks_acknowledged ?? 0) > 0);
    assert.equal(gauges.malformed, 0);
    await client.shutdown();
    await collector.stop();
    await spool.close();
  });
}

test('with a shared key only who knows it is let in', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(dir, spool, {}, 'secret');
  const knowing = clientOf(port, 'PackedForward', 'secret');
  await knowing.emit('a', { log: 'in' });
  const guessing = clientOf(port, 'PackedForward', 'guessed');
  guessing.emit('a', { log: 'out' }).catch(() => {});
  await until('a refusal', () => (collector.status().gauges.handshakes_refused ?? 0) > 0);
  const mute = new Client(port);
  mute.say(encode(['a', 1, { log: 'out too' }]));
  await mute.ends();
  assert.deepEqual(
    eventsIn(dir, spool).map(({ body }) => body),
    ['in'],
  );
  await Promise.allSettled([knowing.shutdown(), guessing.disconnect()]);
  await collector.stop();
  await spool.close();
});

test('a chunk that is sent again is acknowledged again and not taken again, after a restart too', async () => {
  await using dir = temporarySpool();
  let spool = await dir.open();
  for (const round of [1, 2]) {
    const { collector, port } = await listening(dir, spool);
    const client = new Client(port);
    const packed = Buffer.concat([encode([1, { log: 'one' }]), encode([2, { log: 'two' }])]);
    const chunk = Buffer.concat([encode(['t', gzipSync(packed), { chunk: 'abc', compressed: 'gzip' }])]);
    client.say(chunk, chunk);
    await client.hears(Buffer.concat([encode({ ack: 'abc' }), encode({ ack: 'abc' })]));
    assert.equal(collector.status().gauges.chunks_repeated, round);
    client.cut();
    await collector.stop();
    await spool.close();
    spool = await dir.open();
  }
  assert.deepEqual(
    eventsIn(dir, spool).map(({ body }) => body),
    ['one', 'two'],
  );
  await spool.close();
});

test('what is no message harms nobody else: passed over and counted, or its sender is cut off', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(dir, spool);
  const good = new Client(port);
  const cutOff = [
    Buffer.from([0xc1]),
    Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
    Buffer.alloc(100, 0x91),
    encode(['t', 1, { log: 'x'.repeat(70_000) }]),
  ];
  for (const bytes of cutOff) {
    const bad = new Client(port);
    bad.say(bytes);
    await bad.ends();
  }
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  const passedOver = [encode({ a: 1 }), encode(['t', 'rubbish']), encode(['t', bomb, { compressed: 'gzip' }])];
  good.say(encode(null), ...passedOver, encode(['t', [[3, { log: 'kept' }], 'no entry'], { chunk: 'c' }]));
  await good.hears(Buffer.from(encode({ ack: 'c' })));
  assert.deepEqual(
    eventsIn(dir, spool).map(({ body }) => body),
    ['kept'],
  );
  assert.equal(spool.status().collectors.f?.dropped.malformed?.records, 10);
  good.cut();
  await collector.stop();
  await spool.close();
});

test('long integers, bytes, floats and odd times survive; a record that names what is ours is told from it', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(dir, spool);
  const client = new Client(port);
  const extensionCodec = new ExtensionCodec();
  const record = {
    big: 2n ** 60n,
    small: 5n,
    float: 0.5,
    bytes: new Uint8Array([0xff, 0]),
    'fluent.tag': 'mine',
    message: 'm',
    log: 'l',
  };
  client.say(encode(['t', 1.25, record, { chunk: 'c' }], { useBigInt64: true, extensionCodec }));
  await client.hears(Buffer.from(encode({ ack: 'c' })));
  const [event] = eventsIn(dir, spool);
  assert.equal(event?.timestamp, '1970-01-01T00:00:01.250000Z');
  assert.equal(event.body, 'l');
  const { 'network.peer.address': _, 'network.peer.port': __, ...attributes } = event.attributes ?? {};
  assert.deepEqual(attributes, {
    ...{ 'fluent.tag': 't', big: '1152921504606846976', small: 5, float: 0.5, bytes: { bytes: '/wA=' } },
    ...{ 'fluent.record.fluent.tag': 'mine', message: 'm' },
  });
  client.cut();
  await collector.stop();
  await spool.close();
});

class Client {
  readonly #socket: net.Socket;
  #heard: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(port: number) {
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (bytes) => (this.#heard = Buffer.concat([this.#heard, bytes]))).on('error', () => {});
    this.#socket.on('close', () => (this.#ended = true));
  }

  say(...messages: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  cut(): void {
    this.#socket.destroy();
  }

  async hears(bytes: Buffer): Promise<void> {
    await until(
      'an answer',
      () => this.#heard.includes(bytes),
      () => this.#heard.toString('latin1'),
      10_000,
    );
  }

  async ends(): Promise<void> {
    await until(
      'the end',
      () => this.#ended,
      () => this.#heard.toString('latin1'),
      10_000,
    );
  }
}
