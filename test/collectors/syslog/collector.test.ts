/** The syslog collector over real sockets and a real spool. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { SyslogCollector, type SyslogListener, type SyslogOptions } from '../../../collectors/syslog/collector.ts';
import type { Event } from '../../../spool/event.ts';
import { SocketWorld, sendTo, until } from '../socket/socket-world.ts';

const at = { host: '127.0.0.1', port: 0 };
const limits = { connectionsMax: 100, connectionsPerPeerMax: 100, handshakeTimeoutMs: 10_000, outputBytesMax: 65_536 };
const tcp: SyslogListener = { transport: 'tcp', stream: { at, ...limits } };
const udp: SyslogListener = { transport: 'udp', datagram: { at, datagramBytesMax: 65_535 } };
const header = '<13>May  6 07:08:09 host app: ';

function open(world: SocketWorld, options: Partial<SyslogOptions> = {}): Promise<SyslogCollector> {
  const common = { name: 'net', resource: { 'host.name': 'h' }, attributes: {}, whenFull: 'block' } as const;
  const own = { listeners: [tcp], parse: true, timezone: 'UTC', messageBytesMax: 1024 };
  return world.start((ports) => new SyslogCollector({ ...common, ...own, ...options }, ports));
}

async function events(world: SocketWorld): Promise<Event[]> {
  return (await world.records()).map((line) => JSON.parse(line));
}

async function datagram(port: number, text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve));
  socket.close();
}

test('octet counting and lines are told apart by connection, at once', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world);
  const { port } = syslog.addresses.tcp!;
  const counted = (text: string) => `${Buffer.byteLength(text)} ${text}`;
  const [lines, frames] = await Promise.all([
    sendTo(port, `${header}line 1\n${header}line 2\n`, { end: false }),
    sendTo(port, counted(`${header}two\nlines ä`) + counted(`${header}next`), { end: false }),
  ]);
  await until(() => syslog.status().read.records === 4);
  lines.end(`${header}line 3\n`);
  frames.end(counted(`${header}last`));
  await until(() => syslog.status().read.records === 6);
  const bodies = (await events(world)).map(({ body }) => body);
  assert.deepEqual(bodies.toSorted(), ['last', 'line 1', 'line 2', 'line 3', 'next', 'two\nlines ä']);
});

test('several sockets of one collector: a source each, found again after a restart', async (t) => {
  const world = await SocketWorld.open(t);
  for (let life = 1; life <= 2; life++) {
    const syslog = await open(world, { listeners: [tcp, udp] });
    await sendTo(syslog.addresses.tcp!.port, `${header}tcp ${life}\n`);
    await datagram(syslog.addresses.udp!.port, `${header}udp ${life}\n`);
    await until(() => syslog.status().read.records === 2);
    await syslog.stop();
  }
  assert.deepEqual((await events(world)).map(({ body }) => body).toSorted(), ['tcp 1', 'tcp 2', 'udp 1', 'udp 2']);
  const sources = [...world.spool.intake.sources.values()].map(({ description }) => description);
  assert.deepEqual(sources.map(({ attributes }) => attributes['syslog.transport']).toSorted(), ['tcp', 'udp']);
  assert.ok(sources.every(({ type, collector }) => type === 'syslog' && collector === 'net'));
});

test('a message that is too long comes in pieces; only the first has the header', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world, { messageBytesMax: 100 });
  // The second piece begins like a message.
  const text = `${'x'.repeat(100 - header.length)}<13>May  6 07:08:09 other: ${'y'.repeat(150)}`;
  await sendTo(syslog.addresses.tcp!.port, `${header}${text}\n${header}short\n`);
  await until(() => syslog.status().read.records >= 4);
  const all = await events(world);
  const pieces = all.filter(({ attributes }) => attributes?.['tailspool.fragment'] !== undefined);
  assert.equal(pieces.map(({ body }) => body).join(''), text);
  assert.deepEqual(
    pieces.map(({ attributes }) => attributes?.['tailspool.fragment']),
    pieces.map((_, n) => n + 1),
  );
  assert.equal(pieces[0]?.resource?.['service.name'], 'app');
  assert.ok(pieces.slice(1).every(({ resource, timestamp }) => resource === undefined && timestamp === undefined));
  assert.equal(all.at(-1)?.body, 'short');
});

test('what is no syslog is kept, flagged and counted; nothing is made of nothing', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world);
  await sendTo(syslog.addresses.tcp!.port, 'GET / HTTP/1.1\r\n\r\n\n<13>app: yes\n');
  await until(() => syslog.status().read.records === 2);
  const [first, second] = await events(world);
  assert.equal(first?.body, 'GET / HTTP/1.1');
  assert.equal(first?.attributes?.['tailspool.unparsed'], true);
  assert.equal(second?.body, 'yes');
  const { gauges } = syslog.status();
  assert.deepEqual([gauges.unparsed, gauges.empty_messages], [1, 2]);
});

test('`parse: false` keeps each message as it came', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world, { parse: false, listeners: [tcp, udp] });
  await sendTo(syslog.addresses.tcp!.port, `${header}tcp\n`);
  await until(() => syslog.status().read.records === 1);
  await datagram(syslog.addresses.udp!.port, '<34>1 - h a - - - udp');
  await until(() => syslog.status().read.records === 2);
  const all = await events(world);
  assert.deepEqual(
    all.map(({ body }) => body),
    [`${header}tcp`, '<34>1 - h a - - - udp'],
  );
  assert.ok(
    all.every(({ timestamp, attributes }) => !timestamp && attributes?.['network.peer.address'] === '127.0.0.1'),
  );
});

test('records stay whole while later ones are written behind them', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world, { messageBytesMax: 60_000 });
  const bodies = Array.from({ length: 3000 }, (_, n) => `${n} ${'"'.repeat((n * 7919) % 4000)}`);
  await sendTo(syslog.addresses.tcp!.port, bodies.map((body) => `${header}${body}\n`).join(''));
  await until(() => syslog.status().read.records === bodies.length);
  assert.deepEqual(
    (await events(world)).map(({ body }) => body),
    bodies,
  );
});

test('messages that end with NUL, and with both', async (t) => {
  const world = await SocketWorld.open(t);
  const syslog = await open(world);
  const { port } = syslog.addresses.tcp!;
  await sendTo(port, `${header}nul\0${header}two\nlines\0`);
  await until(() => syslog.status().read.records === 2);
  await sendTo(port, `${header}nul, line feed\0\n${header}again\0\n`);
  await until(() => syslog.status().read.records === 4);
  await sendTo(port, `${header}line feed, nul\n\0${header}again\n\0`);
  await until(() => syslog.status().read.records === 6);
  assert.deepEqual(
    (await events(world)).map(({ body }) => body),
    ['nul', 'two\nlines', 'nul, line feed', 'again', 'line feed, nul', 'again'],
  );
  assert.equal(syslog.status().gauges.unparsed, 0);
});
