/** TLS between the real listener and the real transport, and certificates that change. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { Transport } from '../../../shippers/ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { defaults, echo, folder, listener, logged, open, pair, received, send, until } from './wire-world.ts';

/** OpenSSL's words for a certificate whose authority is not trusted. */
const untrusted = /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT/;

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
  for (const certificate of [stranger, {}])
    assert.equal((await send(open(t, url, { caFile: ours.certFile, ...certificate }), { url })).status, 403);
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

test('a session that a client without certificate resumes is refused like its first connection', {
  skip: opensslMissing,
}, async (t) => {
  const root = folder(t);
  const ours = makeAuthority(root, 'ours');
  const tls = { ...makeCertificate(root, 'server', ours), clientCaFile: ours.certFile };
  const { listening } = await pair(t, async () => assert.fail('a request was taken'), { tls });
  const ask = async (maxVersion: 'TLSv1.2' | 'TLSv1.3', session: Buffer | undefined) => {
    const ca = fs.readFileSync(ours.certFile);
    const socket = connect({
      port: listening.port,
      host: '127.0.0.1',
      ca,
      maxVersion,
      ...(session ? { session } : {}),
    });
    let got: Buffer | undefined;
    socket.on('session', (each) => {
      got = each;
    });
    let resumed = false;
    socket.once('secureConnect', () => {
      resumed = socket.isSessionReused();
    });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const answer = await received(socket);
    assert.match(answer, /^HTTP\/1\.1 403 /);
    return { resumed, session: got };
  };
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { session } = await ask(version, undefined);
    assert.ok(session !== undefined);
    const again = await ask(version, session);
    assert.ok(again.resumed, `${version}: the session was not resumed, so nothing was shown`);
  }
});

test('a connection that was made with an authority that was taken back ends with its next answer', {
  skip: opensslMissing,
}, async (t) => {
  const root = folder(t);
  const [old, next] = [makeAuthority(root, 'old'), makeAuthority(root, 'next')];
  const client = makeCertificate(root, 'client', old);
  const clientCaFile = join(root, 'clients.pem');
  fs.cpSync(old.certFile, clientCaFile);
  const { listening } = await pair(t, echo, { tls: { ...makeCertificate(root, 'server', old), clientCaFile } });
  const read = (path: string) => fs.readFileSync(path);
  const own = { cert: read(client.certFile), key: read(client.keyFile), ca: read(old.certFile) };
  const socket = connect({ port: listening.port, host: '127.0.0.1', ...own });
  t.after(() => socket.destroy());
  let got = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    got += chunk;
  });
  socket.once('close', () => {
    closed = true;
  });
  const ask = async () => {
    got = '';
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
    await until(() => got.endsWith('}'));
    assert.match(got, /^HTTP\/1\.1 200 /);
    return /connection: close/i.test(got);
  };
  assert.equal(await ask(), false);
  fs.cpSync(next.certFile, clientCaFile);
  await until(ask);
  await until(() => closed);
  const again = open(t, `https://localhost:${listening.port}`, { caFile: old.certFile, ...client });
  assert.equal((await send(again, { url: `https://localhost:${listening.port}` })).status, 403);
});
