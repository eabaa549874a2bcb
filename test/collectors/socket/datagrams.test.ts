/** Records from datagrams, from the sender's to the spool; and what becomes of those that nobody could read. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineFraming } from '../../../collectors/shared/framing/delimited.ts';
import { textEncoder } from '../../../collectors/socket/records.ts';
import { nativeMissing } from '../../support/native.ts';
import { SocketWorld, until } from './socket-world.ts';

const noLogger = spawnSync('logger', ['--version']).error !== undefined && 'logger is not installed';

test('each datagram is an event with its sender, without the end that some senders give a text', async (t) => {
  const world = await SocketWorld.open(t);
  const udp = await world.datagrams();
  await send(udp.address!.port, [
    'plain',
    'line\n',
    'windows\r\n',
    'c\0',
    'two\nlines\n',
    '',
    Buffer.from('ff', 'hex'),
  ]);
  await until(() => udp.status().read.records === 7);
  const events = (await world.records()).map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ body }) => body),
    ['plain', 'line', 'windows', 'c', 'two\nlines', '', { bytes: '/w==' }],
  );
  assert.equal(events[0].attributes['network.peer.address'], '127.0.0.1');
  assert.equal(world.spool.status().sources, 1);
});

test('as text, a datagram of several lines is several records', async (t) => {
  const world = await SocketWorld.open(t);
  const udp = await world.datagrams({ format: 'text', encoder: textEncoder, framing: () => lineFraming(65_535) });
  await send(udp.address!.port, ['one', 'two\nthree\n']);
  await until(() => udp.status().read.records === 3);
  assert.deepEqual(await world.records(), ['one', 'two', 'three']);
});

test('logger’s datagrams arrive over UDP, and over a unix socket with the process that sent them', {
  skip: noLogger || nativeMissing,
}, async (t) => {
  const world = await SocketWorld.open(t);
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-log-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log');
  const udp = await world.datagrams();
  const unix = await world.datagrams({
    name: 'unix',
    type: 'unixgram',
    listen: { at: { path, mode: 0o666 }, datagramBytesMax: 65_535 },
  });
  execFileSync('logger', ['--udp', '--server', '127.0.0.1', '--port', String(udp.address!.port), 'over udp']);
  await until(() => udp.status().read.records === 1);
  execFileSync('logger', ['--socket', path, 'over unix']);
  await until(() => unix.status().read.records === 1);
  const [first, second] = (await world.records()).map((line) => JSON.parse(line));
  assert.match(first.body, /^<13>.*over udp$/);
  assert.match(second.body, /^<13>.*over unix$/);
  assert.equal(second.attributes['process.user.id'], process.getuid!());
  assert.ok(second.attributes['process.pid'] > 1);
});

test('what the kernel drops while the spool takes nothing is counted for good: nothing is unaccounted for', {
  skip: nativeMissing,
}, async (t) => {
  const world = await SocketWorld.open(t, { maxBytes: 3 * 1024 * 1024, segmentBytes: 256 * 1024 });
  const listen = { at: { host: '127.0.0.1', port: 0 }, datagramBytesMax: 65_535, receiveBufferBytes: 65_536 };
  const udp = await world.datagrams({ listen });
  const sent = await overfill(udp.address!.port, world);
  await udp.stop();
  await world.spool.intake.flush();
  const { spooled, dropped } = world.spool.status().collectors.in!;
  assert.ok(dropped.kernel_buffer!.records > 0);
  const taken = dropped.overflow?.records ?? 0;
  assert.equal(spooled.records + dropped.kernel_buffer!.records + taken, sent);
  assert.ok(taken <= 64 * 8, `${taken} were taken from the kernel that the spool had no room for`);
  const [problem] = udp.status().problems;
  assert.equal(problem?.cause, 'kernel_drops');
});

test('drop_newest reads on and drops here, counted', { skip: nativeMissing }, async (t) => {
  const world = await SocketWorld.open(t, { maxBytes: 3 * 1024 * 1024, segmentBytes: 256 * 1024 });
  const listen = { at: { host: '127.0.0.1', port: 0 }, datagramBytesMax: 65_535, receiveBufferBytes: 4 * 1024 * 1024 };
  const udp = await world.datagrams({ whenFull: 'drop_newest', listen });
  const sent = await overfill(udp.address!.port, world);
  // The spool takes no counts either while it is full.
  await until(() => udp.status().gauges.drops_waiting! + udp.status().read.records === sent);
  await udp.stop();
  const { spooled, dropped } = world.spool.status().collectors.in!;
  assert.equal(spooled.records + dropped.overflow!.records + (dropped.kernel_buffer?.records ?? 0), sent);
});

test('a buffer smaller than asked for is said, with what to do', { skip: nativeMissing }, async (t) => {
  const world = await SocketWorld.open(t);
  const listen = { at: { host: '127.0.0.1', port: 0 }, datagramBytesMax: 1000, receiveBufferBytes: 2 ** 31 - 1 };
  const udp = await world.datagrams({ listen });
  const [problem] = udp.status().problems;
  assert.equal(problem?.cause, 'small_receive_buffer');
  assert.match(problem!.hint!, /net\.core\.rmem_max/);
  assert.equal(problem!.red, false);
});

async function send(port: number, datagrams: readonly (string | Uint8Array)[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const [at, datagram] of datagrams.entries()) {
    await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
    // Sending gives nobody else a turn.
    if (at % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.close();
}

/** Sends more than the spool takes; returns how many. */
async function overfill(port: number, world: SocketWorld): Promise<number> {
  const noise = () => Math.random().toString(36).slice(2);
  let sent = 0;
  for (let round = 0; round < 3; sent += 500) {
    await send(
      port,
      Array.from({ length: 500 }, () => Array.from({ length: 100 }, noise).join('')),
    );
    if (world.spool.intake.hold === 'spool_full') round++;
  }
  return sent;
}
