/** GELF with its real client (`gelf-pro`): UDP, chunked and compressed, and TCP; and what is no GELF. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GelfCollector, type GelfListener, type GelfOptions } from '../../../collectors/gelf/collector.ts';
import type { Event } from '../../../spool/event.ts';
import { SocketWorld, sendTo, until } from '../socket/socket-world.ts';
import { send, setUp } from './client.ts';

const at = { host: '127.0.0.1', port: 0 };
const limits = { connectionsMax: 100, connectionsPerPeerMax: 100, handshakeTimeoutMs: 10_000, outputBytesMax: 65_536 };
const tcp: GelfListener = { transport: 'tcp', stream: { at, ...limits } };
const udp: GelfListener = { transport: 'udp', datagram: { at, datagramBytesMax: 65_535 } };
const options: GelfOptions = {
  ...{ name: 'g', resource: { 'host.name': 'h' }, attributes: {}, whenFull: 'block' },
  ...{ listeners: [tcp, udp], messageBytesMax: 100_000 },
};

async function events(world: SocketWorld): Promise<Event[]> {
  return (await world.records()).map((line) => JSON.parse(line));
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`what gelf-pro sends over ${transport} arrives, long messages too`, async (t) => {
    const world = await SocketWorld.open(t);
    const gelf = await world.start((ports) => new GelfCollector(options, ports));
    // Random, so that compression leaves enough for several chunks.
    const long = randomBytes(20_000).toString('base64');
    setUp(transport, gelf.addresses[transport]!.port);
    await send('short', { id: 1, nested: { a: 'b' } });
    await send(long, { n: 2 });
    await send('last', {});
    await until(() => gelf.status().read.records === 3);
    const arrived = await events(world);
    const [short, other] = ['short', 'last'].map((text) => arrived.find(({ body }) => body === text));
    assert.ok(short && other);
    assert.deepEqual([short.severityNumber, short.severityText], [13, 'warning']);
    assert.equal(short.attributes?.nested_a ?? short.attributes?._nested_a, 'b');
    assert.equal(short.attributes?.facility ?? short.attributes?.['gelf.facility'], 'test');
    assert.match(short.timestamp ?? '', /^\d{4}-\d\d-\d\dT/);
    const whole = arrived.find(({ attributes }) => attributes?.n === 2);
    assert.equal(whole?.attributes?.['gelf.full_message'] ?? whole?.body, long);
    const { gauges } = gelf.status();
    assert.deepEqual([gauges.unparsed, gauges.chunks_malformed, gauges.chunked_messages], [0, 0, 0]);
  });
}

test('what is no GELF stays as it came, and says so', async (t) => {
  const world = await SocketWorld.open(t);
  const gelf = await world.start((ports) => new GelfCollector(options, ports));
  const { port } = gelf.addresses.udp!;
  const socket = createSocket('udp4');
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  const sent = [Buffer.from('hello\n'), Buffer.from('{"no":"message"}'), bomb, Buffer.from([0x1e, 0x0f, 1])];
  for (const one of sent) await new Promise((resolve) => socket.send(one, port, '127.0.0.1', resolve));
  await sendTo(gelf.addresses.tcp!.port, `{"short_message":"good"}\0not good\0{"short_message":"end"}`);
  await until(() => gelf.status().read.records === 6);
  const bodies = (await events(world)).map(({ body }) => body);
  const expected = ['end', 'good', 'hello\n', 'not good', '{"no":"message"}', { bytes: bomb.toString('base64') }];
  assert.deepEqual(bodies.toSorted(byText), expected.toSorted(byText));
  const { gauges } = gelf.status();
  assert.deepEqual([gauges.unparsed, gauges.chunks_malformed], [4, 1]);
  socket.close();
});

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
