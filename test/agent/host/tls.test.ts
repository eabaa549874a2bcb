/** TLS between the real listener and the real transport, and certificates that change. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Transport } from '../../../shippers/ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { defaults, echo, folder, listener, logged, open, pair, send, until } from './wire-world.ts';

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
