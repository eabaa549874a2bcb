/** Certificates and authorities of both sides replaced again and again while lines are written and shipped. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { type MadeCertificate, makeAuthority, makeCertificate, opensslMissing } from '../support/certificates.ts';
import { Pair } from './pair.ts';
import { askStatus, freePort, sleep } from './tailspool.ts';

const generations = 3;

interface Generation {
  readonly authority: MadeCertificate;
  readonly server: MadeCertificate;
  readonly client: MadeCertificate;
}

test('mTLS: certificates and authorities of both sides rotate under load, and no line is lost or comes twice', {
  skip: opensslMissing,
}, async (t) => {
  const place = fs.mkdtempSync(join(tmpdir(), 'tailspool-rotation-'));
  t.after(() => fs.rmSync(place, { recursive: true, force: true }));
  const made = Array.from({ length: generations }, (_, index): Generation => {
    const authority = makeAuthority(place, `ca${index}`);
    const server = makeCertificate(place, `server${index}`, authority);
    return { authority, server, client: makeCertificate(place, `client${index}`, authority) };
  });
  const files = Object.fromEntries(
    ['ca', 'server', 'server-key', 'client', 'client-key'].map((name) => [name, join(place, `used-${name}`)]),
  ) as Record<'ca' | 'server' | 'server-key' | 'client' | 'client-key', string>;
  const use = (name: keyof typeof files, text: string) => {
    fs.writeFileSync(`${files[name]}.new`, text);
    fs.renameSync(`${files[name]}.new`, files[name]);
  };
  const trust = (...indices: number[]) =>
    use('ca', indices.map((index) => fs.readFileSync(made[index]!.authority.certFile, 'utf8')).join(''));
  const present = (index: number) => {
    for (const side of ['server', 'client'] as const) {
      const { certFile, keyFile } = made[index]![side];
      // one after the other: in between they do not fit, and the old ones stay in use
      use(side, fs.readFileSync(certFile, 'utf8'));
      use(`${side}-key`, fs.readFileSync(keyFile, 'utf8'));
    }
  };
  trust(0);
  present(0);

  const port = await freePort();
  const tls = (side: 'server' | 'client', ca: string) =>
    `tls: { cert: ${files[side]}, key: ${files[`${side}-key`]}, ${ca}: ${files.ca} }`;
  await using pair = await Pair.make(
    {
      url: `https://localhost:${port}/v1/blocks`,
      shipper: [tls('client', 'ca'), 'retry_max: 500ms'],
      receiver: { collector: [tls('server', 'client_ca')] },
      logsKept: true,
    },
    port,
  );
  pair.startReceiver();
  pair.startAgent();
  const log = join(pair.logs, 'a.log');
  let written = '';
  let number = 0;
  const write = (lines: number) => {
    let text = '';
    for (let i = 0; i < lines; i++) text += `${number++} a line that is written while certificates change\n`;
    fs.appendFileSync(log, text);
    written += text;
  };
  write(1000);
  await pair.untilMirrored('a.log', written.length);

  let rotating = true;
  const writer = (async () => {
    while (rotating) {
      write(100);
      await sleep(5);
    }
  })();
  const troubles = new Set<string>();
  /** Long enough for both sides to have looked at their files. */
  const pass = async () => {
    for (const end = Date.now() + 1500; Date.now() < end; await sleep(50))
      for (const { cause } of (await askStatus(pair.agentData))?.problems ?? []) troubles.add(cause);
  };
  try {
    // as it should be done: the new authority is trusted before its certificates are shown, the old one until then
    for (let index = 1; index < generations - 1; index++) {
      trust(index - 1, index);
      await pass();
      present(index);
      await pass();
      trust(index);
      await pass();
      assert.equal(await shownBy(port, made[index]!), fingerprintOf(made[index]!.server));
    }
    assert.deepEqual([...troubles], []);
    // and as it should not: everything at once, so that for a moment nobody trusts anybody
    trust(generations - 1);
    present(generations - 1);
    await pass();
  } finally {
    rotating = false;
    await writer;
  }
  await pair.untilMirrored('a.log', written.length);
  assert.equal(await shownBy(port, made.at(-1)!), fingerprintOf(made.at(-1)!.server));
  await assert.rejects(shownBy(port, made[0]!));
  write(10);
  await pair.untilMirrored('a.log', written.length);
  assert.ok(pair.mirrored('a.log')!.equals(Buffer.from(written)), 'the mirror differs from what was written');
  t.diagnostic(`${number} lines over ${generations} generations of certificates`);
});

/** The certificate that the receiver shows to somebody of this generation; fails where one does not trust the other. */
async function shownBy(port: number, { authority, client }: Generation): Promise<string> {
  const read = (path: string) => fs.readFileSync(path);
  const own = { cert: read(client.certFile), key: read(client.keyFile), ca: read(authority.certFile) };
  const socket = connect({ port, host: 'localhost', ...own });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function fingerprintOf({ certFile }: MadeCertificate): string {
  return new X509Certificate(fs.readFileSync(certFile)).fingerprint256;
}
