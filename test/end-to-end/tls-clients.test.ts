/** A thousand TLS clients of which nobody says anything, against a started agent: what they cost it, and that it says so and serves others. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { makeAuthority, makeCertificate, opensslMissing } from '../support/certificates.ts';
import { askStatus, freePort, Tailspool, until, untilAnswers } from './tailspool.ts';

const clients = 500;
const clientsAtOnce = 50;
const mib = 1024 * 1024;
/** Of a client in its handshake, and of one that is done with it and silent; of the agent's own memory (RssAnon). */
const halfOpenBytesMax = 96 * 1024;
const idleBytesMax = 128 * 1024;

test('500 half-open and 500 idle TLS clients take a bounded memory each, status shows both, and another one is served', {
  skip: opensslMissing,
}, async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-clients-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const authority = makeAuthority(folder, 'authority');
  const server = makeCertificate(folder, 'localhost', authority);
  const [dataDir, config, port] = [join(folder, 'agent'), join(folder, 'agent.yaml'), await freePort()];
  const collector = {
    ...{ type: 'tcp', listen: `127.0.0.1:${port}`, tls: { cert: server.certFile, key: server.keyFile } },
    ...{ connections_max: 1100, connections_per_peer_max: 1100, handshake_timeout: '10m' },
  };
  fs.writeFileSync(config, JSON.stringify({ data_dir: dataDir, collectors: { in: collector } }));
  await using agent = new Tailspool(['run', '--config', config]);
  await untilAnswers(dataDir, () => agent.printed);
  const seen = async () => (await askStatus(dataDir))?.collectors[0];
  const gauges = async () => (await seen())?.gauges ?? {};
  await until('it listens', async () => (await gauges()).connections === 0 && (await seen())?.problems.length === 0);
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  const ca = fs.readFileSync(authority.certFile);

  // What the first client needs is not what each one needs.
  sockets.push(await secured(port, ca));
  const before = privateBytes(agent.pid);
  // They begin to speak and stop in the middle: no memory is put off.
  sockets.push(...(await many(() => halfOpen(port))));
  await until('500 in their handshake', async () => (await gauges()).connections_handshaking === clients);
  const withHalfOpen = privateBytes(agent.pid);
  sockets.push(...(await many(() => secured(port, ca))));
  await until('500 idle ones', async () => (await gauges()).connections_accepted === clients + 1);
  const withAll = privateBytes(agent.pid);

  const { connections, connections_handshaking } = await gauges();
  assert.deepEqual([connections, connections_handshaking], [2 * clients + 1, clients]);
  const other = await secured(port, ca);
  sockets.push(other);
  other.write('served\n');
  await until('its record', async () => (await seen())?.totals.spooled.records === 1);

  const [each, eachIdle] = [(withHalfOpen - before) / clients, (withAll - withHalfOpen) / clients];
  const texts = [before, withHalfOpen, withAll].map((bytes) => (bytes / mib).toFixed(1));
  t.diagnostic(
    `private memory: ${texts[0]} MiB, ${texts[1]} with 500 half-open clients, ${texts[2]} with 500 idle too`,
  );
  t.diagnostic(
    `${Math.round(each / 1024)} KiB for each half-open client, ${Math.round(eachIdle / 1024)} for each idle one`,
  );
  assert.ok(each <= halfOpenBytesMax, `${each} bytes for a half-open client`);
  assert.ok(eachIdle <= idleBytesMax, `${eachIdle} bytes for an idle client`);
});

/** So many at a time that none waits in the kernel's queue. */
async function many<T>(make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < clients) made.push(...(await Promise.all(Array.from({ length: clientsAtOnce }, make))));
  return made;
}

/** What the process has written itself. */
function privateBytes(pid: number): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  assert.ok(line, 'no RssAnon');
  return Number(line[1]) * 1024;
}

function halfOpen(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' }).once('error', reject);
    socket.once('connect', () => socket.write(Buffer.from('160301', 'hex'), () => resolve(socket)));
  });
}

function secured(port: number, ca: Buffer): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: 'localhost', ca }, () => resolve(socket));
    socket.once('error', reject);
  });
}
