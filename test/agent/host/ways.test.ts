/** The ways to an endpoint: TLS versions and names, addresses, unix sockets. Real sockets, real certificates. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createServer, type LookupFunction } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer, DEFAULT_MIN_VERSION, type TlsOptions } from 'node:tls';
import { makeTransports } from '../../../agent/host/transport.ts';
import { failureOfError, failureOfStatus } from '../../../shippers/http/shared/trouble.ts';
import type { Transport } from '../../../shippers/ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { defaults, echo, folder, listener, open, pair, rawServer, send, text, until } from './wire-world.ts';

const skip = opensslMissing;

/** Addresses for any name, as `names` says at the moment. */
function lookupOf(names: { addresses: readonly string[] }): LookupFunction {
  return (_, options, done) => {
    const all = names.addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) done(null, all);
    else done(null, all[0]!.address, all[0]!.family);
  };
}

async function causeOf(transport: Transport, url: string): Promise<string> {
  const error = await send(transport, { url }).catch((each) => each);
  if (error instanceof Error) return failureOfError(error, 'receiver').trouble.cause;
  return error.status < 300 ? `answered ${error.status}` : failureOfStatus(error, 'receiver').trouble.cause;
}

test('a TLS version below the least is not spoken, on either side', { skip }, async (t) => {
  const root = folder(t);
  const authority = makeAuthority(root, 'ca');
  const certificate = makeCertificate(root, 'server', authority);
  const caFile = authority.certFile;
  const only = async (versions: TlsOptions) => {
    const cert = fs.readFileSync(certificate.certFile);
    const key = fs.readFileSync(certificate.keyFile);
    const server = createTlsServer({ cert, key, ciphers: 'DEFAULT@SECLEVEL=0', ...versions }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    server.listen(0, '127.0.0.1');
    t.after(() => server.close());
    await until(() => server.listening);
    return `https://localhost:${(server.address() as { port: number }).port}`;
  };
  assert.equal(DEFAULT_MIN_VERSION, 'TLSv1.2');
  const old = await only({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' });
  assert.equal(await causeOf(open(t, old, { caFile }), old), 'tls_version');
  const middle = await only({ maxVersion: 'TLSv1.2' });
  assert.equal(await causeOf(open(t, middle, { caFile }), middle), 'answered 204');
  assert.equal(await causeOf(open(t, middle, { caFile, minVersion: '1.3' }), middle), 'tls_version');
  const { listening } = await pair(t, echo, { tls: { ...certificate, minVersion: '1.3' } });
  const ours = `https://localhost:${listening.port}`;
  assert.equal(await causeOf(open(t, ours, { caFile, minVersion: '1.3' }), ours), 'answered 200');
});

test('certificates that are wrong are told apart, and nothing in the environment has them accepted', {
  skip,
}, async (t) => {
  const root = folder(t);
  const [ours, theirs] = [makeAuthority(root, 'ours'), makeAuthority(root, 'theirs')];
  const day = 86_400_000;
  const cases = {
    tls_expired: makeCertificate(root, 'expired', ours, { validUntil: new Date(Date.now() - day / 2) }),
    tls_not_yet_valid: makeCertificate(root, 'early', ours, {
      validFrom: new Date(Date.now() + day / 2),
      validUntil: new Date(Date.now() + day),
    }),
    tls_wrong_host: makeCertificate(root, 'other', ours, { names: 'DNS:other.example' }),
    tls_unknown_ca: makeCertificate(root, 'foreign', theirs),
  };
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  for (const [cause, tls] of Object.entries(cases)) {
    const { listening } = await pair(t, echo, { tls });
    const url = `https://localhost:${listening.port}`;
    assert.equal(await causeOf(open(t, url, { caFile: ours.certFile }), url), cause);
    // without `ca` the authorities that Node brings decide, and they did not sign this
    if (cause === 'tls_unknown_ca') assert.equal(await causeOf(open(t, url), url), cause);
  }
});

test('our own certificate that the receiver does not take is named', { skip }, async (t) => {
  const root = folder(t);
  const [ours, theirs] = [makeAuthority(root, 'ours'), makeAuthority(root, 'theirs')];
  const tls = { ...makeCertificate(root, 'server', ours), clientCaFile: ours.certFile };
  const yesterday = new Date(Date.now() - 86_400_000 / 2);
  const certificates = {
    none: {},
    stranger: makeCertificate(root, 'stranger', theirs),
    expired: makeCertificate(root, 'expired', ours, { validUntil: yesterday }),
  };
  const { listening } = await pair(t, async () => assert.fail('a request was taken'), { tls });
  const url = `https://localhost:${listening.port}`;
  for (const [name, certificate] of Object.entries(certificates))
    assert.equal(await causeOf(open(t, url, { caFile: ours.certFile, ...certificate }), url), 'tls_refused_ours', name);
  const missing = { caFile: ours.certFile, certFile: join(root, 'none.pem'), keyFile: join(root, 'none.key') };
  assert.equal(await causeOf(open(t, url, missing), url), 'tls_files');
});

test('the server name is asked for and verified, whatever host the URL has', { skip }, async (t) => {
  const root = folder(t);
  const authority = makeAuthority(root, 'ca');
  const certificate = makeCertificate(root, 'server', authority, { names: 'DNS:logs.example' });
  const asked: (string | false | null)[] = [];
  const cert = fs.readFileSync(certificate.certFile);
  const key = fs.readFileSync(certificate.keyFile);
  const server = createTlsServer({ cert, key }, (socket) => {
    asked.push(socket.servername);
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  const caFile = authority.certFile;
  for (const host of ['127.0.0.1', 'localhost']) {
    const url = `https://${host}:${port}`;
    assert.equal(await causeOf(open(t, url, { caFile, serverName: 'logs.example' }), url), 'answered 204');
    assert.equal(asked.at(-1), 'logs.example');
    assert.equal(await causeOf(open(t, url, { caFile }), url), 'tls_wrong_host');
    assert.equal(await causeOf(open(t, url, { caFile, serverName: 'localhost' }), url), 'tls_wrong_host');
  }
});

test('the addresses of a name are tried in turn, and a name that moves is followed', async (t) => {
  const names = { addresses: ['127.0.0.9', '::1', '127.0.0.1'] };
  const transports = makeTransports({ environment: {}, lookup: lookupOf(names), connectionAgeMsMax: 50 });
  const first = await listener.listen({ ...defaults, host: '127.0.0.1' }, echo);
  t.after(() => first.close(0));
  const url = `http://logs.example.test:${first.port}`;
  const transport = open(t, url, undefined, {}, transports);
  assert.equal((await send(transport, { url })).status, 200);
  // the same port at another address: what the name stands for next
  const second = await listener.listen({ ...defaults, host: '127.0.0.2', port: first.port }, async () => ({
    status: 202,
  }));
  t.after(() => second.close(0));
  names.addresses = ['127.0.0.2'];
  await until(async () => (await send(transport, { url })).status === 202);
});

test('an IPv6 address is a host as any other', async (t) => {
  const v6 = await listener.listen({ ...defaults, host: '::1' }, echo);
  t.after(() => v6.close(0));
  const url = `http://[::1]:${v6.port}`;
  const answer = await send(open(t, url), { url });
  assert.match(JSON.parse(text(answer)).peer, /^\[::1\]:\d+$/);
});

test('a unix socket takes requests, its troubles are named, and no proxy stands in between', async (t) => {
  const root = folder(t);
  const socketPath = join(root, 'a'.repeat(120), 'socket');
  fs.mkdirSync(join(root, 'a'.repeat(120)));
  const listening = await listener.listen({ ...defaults, socketPath }, echo);
  t.after(() => listening.close(0));
  const url = 'http://collector/v1';
  const proxy = {
    url: 'http://127.0.0.1:1',
    authorization: undefined,
    caFile: undefined,
    noProxy: [],
    environment: true,
  };
  const answer = await send(open(t, url, undefined, { socketPath, proxy }), { url, body: Buffer.alloc(100_000) });
  assert.equal(JSON.parse(text(answer)).headers.host, 'collector');
  assert.equal(await causeOf(open(t, url, undefined, { socketPath: join(root, 'none') }), url), 'socket_unusable');
  const left = createServer().listen(join(root, 'left'));
  await until(() => left.listening);
  fs.linkSync(join(root, 'left'), join(root, 'stale'));
  await new Promise((resolve) => left.close(resolve));
  assert.equal(await causeOf(open(t, url, undefined, { socketPath: join(root, 'stale') }), url), 'socket_unusable');
});

test('a connection that was begun does not outlive its transport', { skip }, async (t: TestContext) => {
  let open_ = 0;
  const port = await rawServer(t, (socket) => {
    open_++;
    socket.once('close', () => open_--);
    socket.resume();
  });
  const url = `https://127.0.0.1:${port}`;
  const transport = makeTransports({ environment: {} }).open({ url, connectTimeoutMs: 60_000 });
  const abort = new AbortController();
  const request = send(transport, { url, signal: abort.signal }).catch(() => undefined);
  await until(() => open_ === 1);
  abort.abort();
  await request;
  await transport.close();
  await until(() => open_ === 0);
});
