/** The real listener, with the real transport and with clients that misbehave. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostTransports } from '../../../agent/host/transport.ts';
import {
  defaults,
  echo,
  folder,
  listener,
  logged,
  open,
  pair,
  raw,
  received,
  send,
  text,
  until,
  whole,
} from './wire-world.ts';

test('slow headers, a silent connection and a slow body are cut off; a slow handler is not', async (t) => {
  let bodyError: unknown;
  const { listening } = await pair(
    t,
    async (request) => {
      if (request.target === '/slow') await new Promise((resolve) => setTimeout(resolve, 600));
      try {
        await whole(request.body);
      } catch (error) {
        bodyError = error;
        throw error;
      }
      return { status: 200 };
    },
    { idleTimeoutMs: 200 },
  );
  const silent = raw(t, listening.port, '');
  const headers = raw(t, listening.port, 'GET / HTTP/1.1\r\nhost: x\r\n');
  const body = raw(t, listening.port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc');
  const fine = raw(
    t,
    listening.port,
    'POST /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc',
  );
  await silent;
  assert.match(await headers, /^(HTTP\/1.1 408|$)/);
  assert.match(await body, /^HTTP\/1.1 408/);
  assert.equal((bodyError as NodeJS.ErrnoException).code, 'BODY_TIMEOUT');
  assert.equal((bodyError as Error).name, 'BodyTimeout');
  assert.match(await fine, /^HTTP\/1.1 200/);
});

test('a body that drips a byte at a time is cut off too', async (t) => {
  const { listening } = await pair(t, echo, { idleTimeoutMs: 300 });
  const socket = connect(listening.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n');
  const drip = setInterval(() => socket.write('x'), 20);
  t.after(() => clearInterval(drip));
  assert.match(await received(socket), /^HTTP\/1.1 408/);
});

test('too many header bytes get 431, garbage gets 400, too many connections are closed', async (t) => {
  const { listening } = await pair(t, echo, { connectionsMax: 2, headerBytesMax: 1000 });
  assert.match(
    await raw(t, listening.port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(2000)}\r\n\r\n`),
    /^HTTP\/1.1 431/,
  );
  assert.match(await raw(t, listening.port, 'this is not http\r\n\r\n'), /^HTTP\/1.1 400/);
  const first = connect(listening.port, '127.0.0.1');
  const second = connect(listening.port, '127.0.0.1');
  t.after(() => [first, second].map((socket) => socket.destroy()));
  await until(() => listening.connections === 2);
  assert.equal(await raw(t, listening.port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'), '');
});

test('the handler is told when its client goes away, also in the middle of a body', async (t) => {
  const told: string[] = [];
  const { listening } = await pair(t, async (request) => {
    request.signal.addEventListener('abort', () => told.push('signal'));
    await whole(request.body).catch((error) => told.push(error.code));
    if (request.target === '/wait') await until(() => told.includes('signal'));
    return { status: 200 };
  });
  const waiting = connect(listening.port, '127.0.0.1');
  waiting.write('GET /wait HTTP/1.1\r\nhost: x\r\n\r\n', () => setTimeout(() => waiting.destroy(), 50));
  await until(() => told.includes('signal'));
  told.length = 0;
  const uploading = connect(listening.port, '127.0.0.1');
  uploading.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc', () =>
    setTimeout(() => uploading.destroy(), 50),
  );
  await until(() => told.includes('ECONNRESET'));
});

test('a handler that throws costs its connection and a line in the log, nothing else', async (t) => {
  const { transport, url } = await pair(t, async (request) => {
    if (request.target === '/bad') throw new Error('a surprise');
    return { status: 200 };
  });
  await assert.rejects(send(transport, { url: `${url}/bad` }), { code: 'ECONNRESET' });
  assert.ok(logged.some((entry) => entry.event === 'listener.surprise' && entry.message.includes('a surprise')));
  assert.equal((await send(transport, { url })).status, 200);
});

test('closing waits for running requests for its grace time, then cuts them', async (t) => {
  const { transport, url, listening } = await pair(t, async (request) => {
    await new Promise((resolve) => setTimeout(resolve, request.target === '/short' ? 100 : 60_000).unref());
    return { status: 200 };
  });
  const other = open(t, url);
  const short = send(transport, { url: `${url}/short` });
  const long = assert.rejects(send(other, { url: `${url}/long` }), { code: 'ECONNRESET' });
  await until(() => listening.connections === 2);
  const closed = listening.close(400);
  assert.equal((await short).status, 200);
  await Promise.all([closed, long]);
  assert.equal(listening.connections, 0);
});

test('a port in use is told by its code', async (t) => {
  const { listening } = await pair(t, echo);
  await assert.rejects(listener.listen({ ...defaults, port: listening.port }, echo), { code: 'EADDRINUSE' });
});

test('a unix socket works under a path of any length, replaces a stale one, and is private', async (t) => {
  const root = folder(t);
  for (const directory of [root, join(root, 'd'.repeat(100), 'e'.repeat(100))]) {
    fs.mkdirSync(directory, { recursive: true });
    const socketPath = join(directory, 'admin.sock');
    const stale = createServer().listen(join(root, 'stale'));
    await until(() => fs.existsSync(join(root, 'stale')));
    fs.renameSync(join(root, 'stale'), socketPath);
    const listening = await listener.listen({ ...defaults, socketPath }, echo);
    assert.equal(fs.statSync(socketPath).mode & 0o777, 0o600);
    const transport = hostTransports.open({ url: 'http://localhost', socketPath, connectTimeoutMs: 1000 });
    const answer = await send(transport, { url: 'http://localhost/status.json', method: 'GET' });
    assert.equal(JSON.parse(text(answer)).target, '/status.json');
    await transport.close();
    await listening.close(0);
    stale.close();
  }
});

test('an idle time-out that is no multiple of anything is taken', async (t) => {
  const { url, transport } = await pair(t, echo, { idleTimeoutMs: 1607 });
  assert.equal((await send(transport, { url })).status, 200);
});
