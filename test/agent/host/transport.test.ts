/** The real transport, with the real listener and with servers that misbehave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, open, pair, rawServer, send, text, whole } from './wire-world.ts';

test('a request arrives as it was sent, and its answer too', async (t) => {
  const { transport, url } = await pair(t, echo);
  const answer = await send(transport, {
    url: `${url}/v1/blocks?a=b%20c`,
    headers: { 'x-one': 'two' },
    body: Buffer.alloc(3_000_000, 'x'),
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['x-answer'], 'yes');
  const seen = JSON.parse(text(answer));
  assert.deepEqual(
    [seen.method, seen.target, seen.headers['x-one'], seen.bytes],
    ['POST', '/v1/blocks?a=b%20c', 'two', 3_000_000],
  );
  assert.match(seen.peer, /^127\.0\.0\.1:\d+$/);
});

test('requests of one transport reuse one connection, also when sent together', async (t) => {
  const peers = new Set<string>();
  const { transport, url, listening } = await pair(t, async (request) => {
    peers.add(request.peer);
    await whole(request.body);
    return { status: 204 };
  });
  await Promise.all(Array.from({ length: 5 }, () => send(transport, { url, body: Buffer.from('x') })));
  assert.equal((await send(transport, { url })).status, 204);
  assert.equal(peers.size, 1);
  assert.equal(listening.connections, 1);
});

test('a kept connection that the server closed without a word costs nothing', async (t) => {
  let connections = 0;
  const port = await rawServer(t, (socket) => {
    connections++;
    // What tinyproxy does: the answer promises nothing, and the connection ends.
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  });
  const url = `http://127.0.0.1:${port}`;
  const transport = open(t, url);
  for (let i = 0; i < 5; i++) assert.equal((await send(transport, { url, body: Buffer.alloc(100_000) })).status, 200);
  assert.equal(connections, 5);
});

test('an answer before the end of the body reaches the client', async (t) => {
  const { transport, url } = await pair(t, async () => ({ status: 413, body: 'too much', close: true }));
  for (let i = 0; i < 5; i++) {
    const answer = await send(transport, { url, body: Buffer.alloc(8_000_000) });
    assert.deepEqual([answer.status, text(answer)], [413, 'too much']);
  }
});

test('redirects are answers, and answers are cut at their limit', async (t) => {
  const { transport, url } = await pair(t, async (request) =>
    request.target === '/long'
      ? { status: 200, body: 'y'.repeat(1_000_000) }
      : { status: 302, headers: { location: '/long' } },
  );
  assert.equal((await send(transport, { url: `${url}/` })).status, 302);
  const answer = await send(transport, { url: `${url}/long`, answerBytesMax: 1000 });
  assert.deepEqual([answer.status, answer.body.length], [200, 1000]);
  assert.equal((await send(transport, { url: `${url}/` })).status, 302);
});

test('a server that never answers costs a progress time-out, one that is slow but moves does not', async (t) => {
  const { transport, url } = await pair(t, async (request) => {
    await whole(request.body);
    if (request.target === '/never') await new Promise(() => {});
    return { status: 200 };
  });
  await assert.rejects(send(transport, { url: `${url}/never`, progressTimeoutMs: 100 }), { code: 'PROGRESS_TIMEOUT' });
  const port = await rawServer(t, (socket) => {
    let sent = 0;
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n';
    const timer = setInterval(() => socket.write(`${head}hello world!`[sent++] ?? ''), 10);
    socket.on('close', () => clearInterval(timer));
  });
  const slow = open(t, `http://127.0.0.1:${port}`);
  const answer = await send(slow, { url: `http://127.0.0.1:${port}/`, progressTimeoutMs: 300 });
  assert.equal(text(answer), 'hello world!');
});

test('a body that the server takes slowly is progress, one that it does not take is none', async (t) => {
  const port = await rawServer(t, (socket) => {
    socket.pause();
    let taken = 0;
    const timer = setInterval(() => {
      taken += (socket.read() as Buffer | null)?.length ?? 0;
      if (taken > 6_000_000) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    }, 10);
    socket.on('close', () => clearInterval(timer));
  });
  const url = `http://127.0.0.1:${port}`;
  assert.equal((await send(open(t, url), { url, body: Buffer.alloc(6_000_000), progressTimeoutMs: 1000 })).status, 200);
  const stuck = await rawServer(t, (socket) => socket.pause());
  const stuckUrl = `http://127.0.0.1:${stuck}`;
  const request = send(open(t, stuckUrl), { url: stuckUrl, body: Buffer.alloc(50_000_000), progressTimeoutMs: 300 });
  await assert.rejects(request, { code: 'PROGRESS_TIMEOUT' });
});

test('errors keep their code: refused, unknown host, closed in the middle, cancelled', async (t) => {
  const { transport, url, listening } = await pair(t, async () => new Promise(() => {}));
  const abort = new AbortController();
  const running = send(transport, { url, signal: abort.signal });
  abort.abort(new Error('stopping'));
  await assert.rejects(running, /stopping/);
  await listening.close(0);
  await assert.rejects(send(transport, { url }), { code: 'ECONNREFUSED' });
  const nowhere = open(t, 'http://no-such-host.invalid');
  await assert.rejects(send(nowhere, { url: 'http://no-such-host.invalid' }), (error: NodeJS.ErrnoException) => {
    return ['ENOTFOUND', 'EAI_AGAIN'].includes(error.code!) && error.message.length > 0;
  });
  const port = await rawServer(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhal')),
  );
  await assert.rejects(send(open(t, `http://127.0.0.1:${port}`), { url: `http://127.0.0.1:${port}` }), {
    code: 'ECONNRESET',
  });
  const garbage = await rawServer(t, (socket) => socket.once('data', () => socket.end('\0\x01garbage\r\n\r\n')));
  await assert.rejects(
    send(open(t, `http://127.0.0.1:${garbage}`), { url: `http://127.0.0.1:${garbage}` }),
    (error: NodeJS.ErrnoException) => {
      return error.code?.startsWith('HPE_') === true;
    },
  );
});
