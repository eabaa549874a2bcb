/** The real stream listener with clients that behave and clients that do not. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { hostStreamListener } from '../../../agent/host/stream-listener.ts';
import type { StreamConnection, StreamListening, StreamListenOptions } from '../../../collectors/socket-ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';

const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-streams-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const listener = hostStreamListener({ write: () => {} });
const defaults: StreamListenOptions = {
  at: { host: '127.0.0.1', port: 0 },
  connectionsMax: 2000,
  connectionsPerPeerMax: 2000,
  handshakeTimeoutMs: 10_000,
  outputBytesMax: 1024 * 1024,
};

test('a connection gives what was sent, answers, and ends when the client ends it', async (t) => {
  const heard: string[] = [];
  const listening = await listen(t, {}, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
      heard.push(Buffer.from(piece).toString());
      connection.write(`ack ${heard.length}\n`);
    }
    heard.push(`${connection.ended} ${connection.peer.address} ${connection.peer.port! > 0}`);
  });
  const client = await connected(listening.port);
  client.write('first');
  assert.equal(await next(client), 'ack 1\n');
  client.end('second');
  assert.equal(await next(client), 'ack 2\n');
  await until(() => listening.connections === 0);
  assert.deepEqual(heard, ['first', 'second', 'client 127.0.0.1 true']);
});

test('a client is held back while nobody reads, and nothing of what it sent is lost', async (t) => {
  const started = Promise.withResolvers<void>();
  let bytes = 0;
  const listening = await listen(t, {}, async (connection) => {
    await started.promise;
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read())
      bytes += piece.length;
  });
  const client = await connected(listening.port);
  const sent = 64 * 1024 * 1024;
  client.write(Buffer.alloc(sent));
  client.end();
  await until(() => client.bytesWritten > 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The kernel's two buffers, and not the rest.
  assert.ok(client.writableLength > 0, 'the client could send everything');
  started.resolve();
  await until(() => listening.connections === 0);
  assert.equal(bytes, sent);
});

test('more connections than allowed are closed at once, and one address cannot take all of them', async (t) => {
  const listening = await listen(t, { connectionsMax: 4, connectionsPerPeerMax: 3 }, readAll);
  const mine = await Promise.all(Array.from({ length: 3 }, () => connected(listening.port)));
  await ended(net.connect(listening.port, '127.0.0.1'));
  const other = await connected(listening.port, { localAddress: '127.0.0.2' });
  await ended(net.connect({ port: listening.port, host: '127.0.0.1', localAddress: '127.0.0.3' }));
  assert.equal(listening.connections, 4);
  assert.equal(listening.counts.refusedByPeerLimit, 1);
  assert.equal(listening.counts.refusedByLimit, 1);
  mine[0]!.destroy();
  await until(() => listening.connections === 3);
  const again = await connected(listening.port);
  await until(() => listening.connections === 4);
  for (const client of [...mine, other, again]) client.destroy();
});

test('a silent connection is closed after its time, and one that is not read does not count as silent', async (t) => {
  const release = Promise.withResolvers<void>();
  const ends: (string | undefined)[] = [];
  const listening = await listen(t, { idleTimeoutMs: 100 }, async (connection) => {
    if (ends.length === 1) await release.promise;
    await readAll(connection);
    ends.push(connection.ended);
  });
  const silent = await connected(listening.port);
  await ended(silent);
  await until(() => ends.length === 1);
  assert.deepEqual(ends, ['idle']);
  assert.equal(listening.counts.closedIdle, 1);
  const waiting = await connected(listening.port);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(listening.connections, 1);
  waiting.end('late');
  release.resolve();
  await until(() => ends.length === 2);
  assert.equal(ends[1], 'client');
});

test('a client that reads no answers is cut off at the limit', async (t) => {
  const listening = await listen(t, { outputBytesMax: 65_536 }, async (connection) => {
    while (connection.write(Buffer.alloc(65_536))) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(connection.ended, 'unread');
  });
  const client = await connected(listening.port);
  client.pause();
  await until(() => listening.counts.closedUnread === 1 && listening.connections === 0);
  client.destroy();
});

test('little pieces that are gathered come all, in order, and the end behind them', async (t) => {
  let [heard, pieces] = ['', 0];
  const listening = await listen(t, { gathers: true }, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
      heard += Buffer.from(piece).toString('latin1');
      pieces++;
    }
    heard += connection.ended;
  });
  const client = await connected(listening.port, { noDelay: true });
  const lines = Array.from({ length: 300 }, (_, at) => `line ${at}\n`);
  for (const line of lines) await new Promise((resolve) => client.write(line, () => setImmediate(resolve)));
  client.end(Buffer.alloc(1_000_000, 'x'));
  await until(() => listening.connections === 0);
  assert.equal(heard, `${lines.join('')}${'x'.repeat(1_000_000)}client`);
  t.diagnostic(`${lines.length} lines and a million bytes in ${pieces} pieces`);
});

test('closing gives what had arrived, and cuts who goes on sending', async (t) => {
  let bytes = 0;
  const listening = await listen(t, {}, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read())
      bytes += piece.length;
  });
  const quiet = await connected(listening.port);
  quiet.write('0123456789');
  const busy = await connected(listening.port);
  const timer = setInterval(() => busy.write('x'), 5);
  t.after(() => clearInterval(timer));
  await until(() => listening.connections === 2);
  await listening.close(300);
  assert.ok(bytes >= 10);
  await until(() => quiet.destroyed && busy.destroyed);
  await assert.rejects(connected(listening.port), { code: 'ECONNREFUSED' });
});

test('a unix socket has its mode, replaces a dead one, leaves a live one alone, and goes at the end', async (t) => {
  const path = join(folder, 'log.sock');
  const at = { path, mode: 0o620 };
  const listening = await listen(t, { at }, readAll);
  assert.equal(fs.statSync(path).mode & 0o777, 0o620);
  await assert.rejects(listener.listen({ ...defaults, at }, readAll), { code: 'EADDRINUSE' });
  // What a crash leaves: the file without a listener.
  fs.linkSync(path, join(folder, 'left.sock'));
  await listening.close(100);
  assert.equal(fs.existsSync(path), false);
  fs.renameSync(join(folder, 'left.sock'), path);
  const again = await listen(t, { at }, readAll);
  const client = net.connect(path);
  await until(() => again.connections === 1);
  client.destroy();
  fs.writeFileSync(join(folder, 'file'), 'precious');
  const taken = listener.listen({ ...defaults, at: { path: join(folder, 'file'), mode: 0o600 } }, readAll);
  await assert.rejects(taken, { code: 'EADDRINUSE' });
  assert.equal(fs.readFileSync(join(folder, 'file'), 'utf8'), 'precious');
});

test('TLS: a client certificate is asked for, its name is the peer’s, and others are refused', {
  skip: opensslMissing,
}, async (t) => {
  const { server, client, stranger, authority } = certificates();
  const heard: string[] = [];
  const options = { tls: { ...server, clientCaFile: authority.certFile } };
  const listening = await listen(t, options, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
      heard.push(`${connection.peer.certificate}: ${Buffer.from(piece)}`);
    }
  });
  const ca = fs.readFileSync(authority.certFile);
  const known = await secured(listening.port, { ca, ...pem(client) });
  known.end('hello');
  await until(() => heard.length === 1);
  assert.deepEqual(heard, ['client: hello']);
  for (const wrong of [{}, pem(stranger)]) {
    const socket = tls.connect({ port: listening.port, host: 'localhost', ca, ...wrong });
    socket.write('let me in');
    await ended(socket);
  }
  assert.equal(listening.counts.certificatesRefused, 2);
  assert.equal(heard.length, 1);
});

test('TLS: a changed certificate is used for new connections, and old ones go on', {
  skip: opensslMissing,
}, async (t) => {
  const { authority, server } = certificates();
  let heard = '';
  const listening = await listen(t, { tls: server }, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read())
      heard += Buffer.from(piece);
  });
  const ca = fs.readFileSync(authority.certFile);
  const old = await secured(listening.port, { ca });
  const next = makeCertificate(folder, 'next', authority);
  fs.copyFileSync(next.keyFile, server.keyFile);
  fs.copyFileSync(next.certFile, server.certFile);
  await until(async () => {
    const socket = await secured(listening.port, { ca });
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN === 'next';
  });
  old.end('still here');
  await until(() => heard === 'still here');
});

test('500 half-open and 500 idle TLS clients are bounded, shown, and others are served', {
  skip: opensslMissing,
}, async (t) => {
  const { authority, server } = certificates();
  let heard = 0;
  const limits = { handshakeTimeoutMs: 3_000, connectionsMax: 1200, connectionsPerPeerMax: 1200 };
  const listening = await listen(t, { tls: server, ...limits }, async (connection) => {
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read())
      heard += piece.length;
  });
  const halfOpen = await Promise.all(Array.from({ length: 500 }, () => connected(listening.port)));
  await until(() => listening.handshaking === 500);
  // A fifth of them begin to speak and stop in the middle.
  for (const socket of halfOpen.slice(0, 100)) socket.write(Buffer.from('160301', 'hex'));
  const ca = fs.readFileSync(authority.certFile);
  const idle = await Promise.all(Array.from({ length: 500 }, () => secured(listening.port, { ca })));
  await until(() => listening.counts.accepted === 500);
  const other = await secured(listening.port, { ca });
  other.write('served');
  await until(() => heard === 6);
  await until(() => listening.counts.handshakesTimedOut === 500);
  assert.equal(listening.handshaking, 0);
  // A socket that was given up is counted until the system has closed it.
  await until(() => listening.connections === 501);
  idle[499]!.write('too');
  await until(() => heard === 9);
  for (const socket of [...halfOpen, ...idle, other]) socket.destroy();
});

async function listen(
  t: TestContext,
  options: Partial<StreamListenOptions>,
  serve: (connection: StreamConnection) => Promise<void>,
): Promise<StreamListening> {
  const listening = await listener.listen({ ...defaults, ...options }, serve);
  t.after(() => listening.close(100));
  return listening;
}

async function readAll(connection: StreamConnection): Promise<void> {
  while ((await connection.read()) !== undefined);
}

function certificates() {
  const authority = makeAuthority(folder, 'authority');
  const strangers = makeAuthority(folder, 'strangers');
  return {
    authority,
    server: makeCertificate(folder, 'server', authority),
    client: makeCertificate(folder, 'client', authority),
    stranger: makeCertificate(folder, 'stranger', strangers),
  };
}

function pem({ certFile, keyFile }: { certFile: string; keyFile: string }) {
  return { cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile) };
}

function connected(port: number, more: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', ...more });
    socket
      .once('error', reject)
      .once('connect', () => resolve(socket.removeListener('error', reject).on('error', () => {})));
  });
}

function secured(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: 'localhost', ...options }, () => resolve(socket));
    socket.once('error', reject).on('error', () => {});
  });
}

function ended(socket: net.Socket): Promise<void> {
  return new Promise((resolve) =>
    socket
      .on('error', () => {})
      .once('close', () => resolve())
      .resume(),
  );
}

function next(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < limit, `not within 20 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
