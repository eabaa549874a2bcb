/** The real datagram listener: our own addon and Node's sockets, through the same tests; and what only the addon can. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { hostDatagramListener } from '../../../agent/host/datagram-listener.ts';
import { ipv6 } from '../../../agent/host/datagram-native.ts';
import { dropsIn } from '../../../agent/host/kernel-drops.ts';
import type { DatagramListening, DatagramListenOptions } from '../../../collectors/socket-ports.ts';
import { nativeMissing } from '../../support/native.ts';

const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-datagrams-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const native = hostDatagramListener();
const byNode = hostDatagramListener(undefined, () => {
  throw new Error('no folder allows native code');
});
const udp = { host: '127.0.0.1', port: 0 };
const noLogger = spawnSync('logger', ['--version']).error !== undefined && 'logger is not installed';

for (const [way, listener, skip] of [
  ['native', native, nativeMissing],
  ['node', byNode, false],
] as const) {
  test(`${way}: datagrams come whole, in order, with their sender; long ones are cut and say so`, {
    skip,
  }, async (t) => {
    const listening = await listen(t, listener, { at: udp, datagramBytesMax: 1000 });
    assert.equal(listening.way.kind, way);
    const { port } = await send(listening.port, ['one', '', 'x'.repeat(3000), 'last']);
    const got = await collect(listening, 4);
    assert.deepEqual(
      got.map(({ text, truncated }) => [text.length > 10 ? text.length : text, truncated]),
      [
        ['one', false],
        ['', false],
        [1000, true],
        ['last', false],
      ],
    );
    assert.deepEqual(got[0]!.peer, { address: '127.0.0.1', port });
  });

  test(`${way}: IPv6 senders, and IPv4 ones on an IPv6 socket, are named as people write them`, { skip }, async (t) => {
    const listening = await listen(t, listener, { at: { host: '::', port: 0 } });
    await send(listening.port, ['four']);
    assert.equal((await collect(listening, 1))[0]!.peer.address, '127.0.0.1');
    await send(listening.port, ['six'], '::1');
    assert.equal((await collect(listening, 1))[0]!.peer.address, '::1');
  });

  test(`${way}: what is dropped because nobody reads is counted`, { skip }, async (t) => {
    const listening = await listen(t, listener, { at: udp, receiveBufferBytes: 4096, datagramBytesMax: 60_000 });
    assert.equal(listening.drops(), 0);
    const sent = 300;
    const datagrams = Array.from({ length: sent }, (_, at) => `${at} `.padEnd(50_000, '.'));
    await send(listening.port, datagrams);
    await until(() => (listening.drops() ?? 0) > 0);
    let got = 0;
    const reading = (async () => {
      for (let batch = await listening.read(); batch !== undefined; batch = await listening.read()) got += batch.length;
    })();
    await until(() => got + (listening.drops() ?? 0) === sent);
    const drops = listening.drops();
    await listening.close(1000);
    await reading;
    assert.ok(got > 0 && drops! > 0, `${got} came, ${drops} were dropped`);
  });

  test(`${way}: a busy port is an error with its code, and after closing it is free`, { skip }, async (t) => {
    const first = await listen(t, listener, { at: udp });
    const at = { host: '127.0.0.1', port: first.port };
    await assert.rejects(listener.listen({ at, datagramBytesMax: 100 }), { code: 'EADDRINUSE' });
    await first.close(100);
    assert.equal(await first.read(), undefined);
    await listen(t, listener, { at });
  });

  test(`${way}: a reader that waits while it is closed is told, and gets what had arrived before`, {
    skip,
  }, async (t) => {
    const listening = await listen(t, listener, { at: udp });
    const reading = listening.read();
    await listening.close(100);
    assert.equal(await reading, undefined);
    const other = await listen(t, listener, { at: udp });
    await send(other.port, ['a', 'b']);
    if (way === 'node') await new Promise((resolve) => setTimeout(resolve, 100));
    const closing = other.close(2000);
    assert.equal((await collect(other, 2)).length, 2);
    assert.equal(await other.read(), undefined);
    await closing;
  });
}

test('the kernel is asked for a larger buffer, and what it gave is told', { skip: nativeMissing }, async (t) => {
  const listening = await listen(t, native, { at: udp, receiveBufferBytes: 1024 * 1024 });
  assert.equal(listening.receiveBufferBytes, 1024 * 1024);
});

test('other work has its turn however many datagrams arrive', { skip: nativeMissing }, async (t) => {
  const listening = await listen(t, native, { at: udp, receiveBufferBytes: 4 * 1024 * 1024 });
  await send(
    listening.port,
    Array.from({ length: 2000 }, () => 'x'),
  );
  let turns = 0;
  let running = true;
  const turn = () => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await collect(listening, 2000);
  running = false;
  assert.ok(turns >= 3, `${turns} turns`);
});

test('a unix datagram has its mode and tells the sender’s process', { skip: nativeMissing || noLogger }, async (t) => {
  const path = join(folder, 'log');
  const listening = await listen(t, native, { at: { path, mode: 0o666 } });
  assert.equal(fs.statSync(path).mode & 0o777, 0o666);
  execFileSync('logger', ['--socket', path, '--socket-errors=on', '--id', 'from a process']);
  const [got] = await collect(listening, 1);
  assert.match(got!.text, /from a process$/);
  assert.equal(got!.peer.address, undefined);
  assert.equal(got!.peer.process?.uid, process.getuid!());
  assert.match(got!.text, new RegExp(`\\[${got!.peer.process!.pid}\\]`));
  assert.equal(listening.drops(), undefined);
  await listening.close(100);
  assert.equal(fs.existsSync(path), false);
});

test('a dead unix datagram socket is replaced, one that is in use is not', { skip: nativeMissing }, async (t) => {
  const path = join(folder, 'deep', 'x'.repeat(120), 'log');
  fs.mkdirSync(join(path, '..'), { recursive: true });
  const at = { path, mode: 0o600 };
  const first = await listen(t, native, { at });
  await assert.rejects(native.listen({ at, datagramBytesMax: 100 }), { code: 'EADDRINUSE' });
  fs.linkSync(path, `${path}.left`);
  await first.close(100);
  fs.renameSync(`${path}.left`, path);
  await listen(t, native, { at });
});

test('where the addon cannot be had, a unix datagram socket is refused with the reason', async () => {
  const at = { path: join(folder, 'none'), mode: 0o600 };
  await assert.rejects(byNode.listen({ at, datagramBytesMax: 100 }), {
    code: 'ERR_NO_ADDON',
    message: /no folder allows/,
  });
});

test('IPv6 addresses are written as RFC 5952 says', () => {
  const written = (hex: string) => ipv6(Buffer.from(hex.replaceAll(':', ''), 'hex'), 0);
  assert.equal(written('2001:0db8:0000:0000:0001:0000:0000:0001'), '2001:db8::1:0:0:1');
  assert.equal(written('0000:0000:0000:0000:0000:0000:0000:0001'), '::1');
  assert.equal(written('0000:0000:0000:0000:0000:0000:0000:0000'), '::');
  assert.equal(written('2001:0db8:0000:0001:0001:0001:0001:0001'), '2001:db8:0:1:1:1:1:1');
  assert.equal(written('fe80:0000:0000:0000:0000:0000:0000:0000'), 'fe80::');
});

test('drops are read from the line of the socket’s inode', () => {
  const table = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    ' 4212: 0100007F:99BD 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3586645 2 0000000095c9294c 17      ',
    ' 4213: 0100007F:99BE 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 35866 2 0000000095c9294c 18      ',
  ].join('\n');
  assert.equal(dropsIn(table, '35866'), 18);
  assert.equal(dropsIn(table, '3586'), undefined);
});

async function listen(
  t: TestContext,
  listener: typeof native,
  options: Partial<DatagramListenOptions> & Pick<DatagramListenOptions, 'at'>,
): Promise<DatagramListening> {
  const listening = await listener.listen({ datagramBytesMax: 65_535, ...options });
  t.after(() => listening.close(100));
  return listening;
}

/** In bursts that the sender's own buffer holds. */
async function send(port: number, texts: readonly string[], to = '127.0.0.1'): Promise<{ port: number }> {
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
  for (const text of texts) await new Promise((resolve) => socket.send(text, port, to, resolve));
  const from = socket.address();
  socket.close();
  return from;
}

async function collect(listening: DatagramListening, count: number) {
  const got: {
    text: string;
    truncated: boolean;
    peer: unknown & { address?: string; process?: { pid: number; uid: number } };
  }[] = [];
  while (got.length < count) {
    const batch = await listening.read();
    assert.ok(batch !== undefined, 'it was closed');
    for (const { memory, from, to, truncated, peer } of batch) {
      got.push({
        text: Buffer.from(memory.subarray(from, to)).toString(),
        truncated,
        peer: peer as (typeof got)[number]['peer'],
      });
    }
  }
  return got;
}

async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < limit, `not within 20 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
