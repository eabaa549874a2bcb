/** The real listener and the real transport, with each other and with raw sockets. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostListener } from '../../../agent/host/listener.ts';
import { hostTransports } from '../../../agent/host/transport.ts';
import type { Listening, ListenOptions, WireHandler } from '../../../collectors/ports.ts';
import type { Transport, TransportAnswer, TransportRequest } from '../../../shippers/ports.ts';
import type { LogEntry } from '../../../spool/ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';

const logged: LogEntry[] = [];
const listener = hostListener({ write: (entry) => logged.push(entry) });

/** OpenSSL's words for a certificate whose authority is not trusted. */
const untrusted = /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT/;

const defaults: ListenOptions = {
  host: '127.0.0.1',
  port: 0,
  connectionsMax: 50,
  headerBytesMax: 8192,
  idleTimeoutMs: 5000,
};

/** Answers with what came, as JSON. */
const echo: WireHandler = async (request) => {
  const body = await whole(request.body);
  const { method, target, headers, peer } = request;
  return {
    status: 200,
    headers: { 'x-answer': 'yes' },
    body: JSON.stringify({ method, target, headers, peer, bytes: body.length }),
  };
};

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

test('TLS on both sides: the client checks the server, the server the client, and new files are taken over', {
  skip: opensslMissing,
}, async (t) => {
  const root = folder(t);
  const [ours, theirs] = [makeAuthority(root, 'ours'), makeAuthority(root, 'theirs')];
  const server = makeCertificate(root, 'server', ours);
  const client = makeCertificate(root, 'client', ours);
  const stranger = makeCertificate(root, 'stranger', theirs);
  const tls = { ...server, clientCaFile: ours.certFile };
  const { listening } = await pair(t, echo, { tls, connectionsMax: 1000 });
  const url = `https://localhost:${listening.port}`;
  const trusted = open(t, url, { caFile: ours.certFile, ...client });
  assert.equal((await send(trusted, { url })).status, 200);
  await assert.rejects(send(open(t, url, { caFile: theirs.certFile, ...client }), { url }), {
    code: untrusted,
  });
  await assert.rejects(send(open(t, url, { caFile: ours.certFile, ...stranger }), { url }));
  await assert.rejects(send(open(t, url, { caFile: ours.certFile }), { url }));
  await assert.rejects(send(open(t, url, { caFile: join(root, 'missing.pem') }), { url }), {
    code: 'ENOENT',
    message: /missing\.pem/,
  });

  // The server changes its authority: a client that still trusts the old one fails, until its file changes too.
  const next = makeAuthority(root, 'next');
  fs.cpSync(makeCertificate(root, 'server2', next).certFile, server.certFile);
  fs.cpSync(join(root, 'server2.key'), server.keyFile);
  const caFile = join(root, 'trusted.pem');
  fs.cpSync(ours.certFile, caFile);
  const fails = (transport: Transport) =>
    send(transport, { url }).then(
      () => false,
      (error) => untrusted.test(error.code),
    );
  await until(() => fails(open(t, url, { caFile, ...client })));
  const following = open(t, url, { caFile, ...client });
  assert.ok(await fails(following));
  fs.cpSync(next.certFile, caFile);
  await until(async () => !(await fails(following)));

  // Half-written files leave the good ones in use, and the log says so.
  fs.writeFileSync(server.certFile, 'half');
  await until(async () => {
    assert.equal((await send(open(t, url, { caFile, ...client }), { url })).status, 200);
    return logged.some((entry) => entry.event === 'listener.certificate');
  });
  const broken = listener.listen({ ...defaults, tls }, echo);
  await assert.rejects(broken, new RegExp(`cannot use ${server.certFile}`));
});

function folder(t: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-wire-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

async function pair(t: TestContext, handler: WireHandler, options: Partial<ListenOptions> = {}) {
  const listening: Listening = await listener.listen({ ...defaults, ...options }, handler);
  t.after(() => listening.close(0));
  const url = `http://127.0.0.1:${listening.port}`;
  return { listening, url, transport: open(t, url) };
}

function open(t: TestContext, url: string, tls?: { caFile?: string; certFile?: string; keyFile?: string }): Transport {
  const transport = hostTransports.open({ url, tls, connectTimeoutMs: 2000 });
  t.after(() => transport.close());
  return transport;
}

function send(transport: Transport, request: Partial<TransportRequest> & { url: string }): Promise<TransportAnswer> {
  const signal = new AbortController().signal;
  return transport.send({
    method: 'POST',
    headers: {},
    progressTimeoutMs: 10_000,
    answerBytesMax: 65_536,
    signal,
    ...request,
  });
}

function text(answer: TransportAnswer): string {
  return Buffer.from(answer.body).toString();
}

async function whole(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sends bytes and returns all that comes back until the server closes. */
function raw(t: TestContext, port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  if (bytes !== '') socket.write(bytes);
  return received(socket);
}

function received(socket: Socket): Promise<string> {
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(got)));
}

async function rawServer(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await until(() => server.listening);
  return (server.address() as { port: number }).port;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('waited for 20 s in vain');
}
