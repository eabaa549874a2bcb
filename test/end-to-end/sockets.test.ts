/** The collectors of plain sockets in one started agent, each framing once, with clients that are not ours. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { Event } from '../../collectors/shared/event.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../support/certificates.ts';
import { nativeMissing } from '../support/native.ts';
import { Pair } from './pair.ts';
import { askStatus, freePort, isPortBound, until, untilAnswers } from './tailspool.ts';

const run = promisify(execFile);
const lines = Array.from({ length: 300 }, (_, n) => `${n}: größer ${'x'.repeat((n * 37) % 200)}`);
/** With line feeds in them. */
const texts = lines.map((line, n) => (n % 3 === 0 ? `${line}\n  more of ${n}` : line));

const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-sockets-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const authority = opensslMissing ? undefined : makeAuthority(folder, 'authority');
const server = authority && makeCertificate(folder, 'localhost', authority);
const client = authority && makeCertificate(folder, 'client-7', authority);

/** Sends to a unix socket with connections what it reads. */
const python = `import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(open(sys.argv[2], 'rb').read())
s.close()
`;

interface Way {
  readonly name: string;
  readonly missing?: string | false | undefined;
  /** Of the collector; SOCKET stands for a path, ADDRESS for an address. */
  readonly collector: string;
  readonly sent: readonly string[];
  /** What the client is given to send. */
  readonly bytes: Buffer;
  readonly send: (to: { port: number; socket: string; file: string }) => Promise<unknown>;
  /** Of a record; by default all of it. */
  readonly textOf?: (body: string) => string;
  readonly attributes?: (event: Event) => void;
}

const lacks = (program: string, ...args: string[]) =>
  spawnSync(program, args).error !== undefined && `${program} is not installed`;
const pythonMissing = lacks('python3', '--version');
const byPython: Way['send'] = ({ socket, file }) => run('python3', ['-c', python, socket, file]);
const byBash =
  (protocol: 'tcp' | 'udp', command: string): Way['send'] =>
  ({ port, file }) =>
    run('bash', ['-c', `${command} > /dev/${protocol}/127.0.0.1/${port}`, 'bash', file]);
const onLoopback = ({ attributes }: Event) => assert.equal(attributes?.['network.peer.address'], '127.0.0.1');

const ways: readonly Way[] = [
  {
    name: 'tcp, lines, by bash',
    collector: 'type: tcp, listen: ADDRESS',
    sent: lines,
    bytes: Buffer.from(`${lines.join('\r\n')}\r\n`),
    send: byBash('tcp', 'cat "$1"'),
    attributes: onLoopback,
  },
  {
    name: 'tcp with TLS for clients with a certificate, lines, by openssl',
    missing: opensslMissing,
    collector: `type: tcp, listen: ADDRESS, tls: { cert: ${server?.certFile}, key: ${server?.keyFile}, client_ca: ${authority?.certFile} }`,
    sent: lines,
    bytes: Buffer.from(`${lines.join('\n')}\n`),
    send: ({ port, file }) => {
      const certificates = `-CAfile ${authority?.certFile} -cert ${client?.certFile} -key ${client?.keyFile}`;
      const command = `openssl s_client -connect 127.0.0.1:${port} ${certificates} -verify_return_error -quiet -no_ign_eof < "$1"`;
      return run('bash', ['-c', command, 'bash', file]);
    },
    attributes: ({ attributes }) => assert.equal(attributes?.['tls.client.subject'], 'CN=client-7'),
  },
  {
    name: 'tcp, groups of lines, by bash',
    collector: "type: tcp, listen: ADDRESS, multiline: { continue: '^\\s' }",
    sent: texts,
    bytes: Buffer.from(`${texts.join('\n')}\n`),
    send: byBash('tcp', 'cat "$1"'),
  },
  {
    name: 'unix, NUL, by Python',
    missing: pythonMissing,
    collector: 'type: unix, path: SOCKET, framing: nul',
    sent: texts,
    bytes: Buffer.from(texts.map((text) => `${text}\0`).join('')),
    send: byPython,
  },
  {
    name: 'unix, octet-counted, by Python',
    missing: pythonMissing,
    collector: 'type: unix, path: SOCKET, framing: octet_counted',
    sent: texts,
    bytes: Buffer.from(texts.map((text) => `${Buffer.byteLength(text)} ${text}`).join('')),
    send: byPython,
  },
  {
    name: 'unix, lengths of two bytes, by Python',
    missing: pythonMissing,
    collector: 'type: unix, path: SOCKET, framing: length, length_bytes: 2, length_order: little',
    sent: texts,
    bytes: Buffer.concat(texts.flatMap((text) => [lengthOf(text), Buffer.from(text)])),
    send: byPython,
  },
  {
    name: 'udp, a datagram a line, by bash',
    collector: 'type: udp, listen: ADDRESS',
    sent: lines,
    bytes: Buffer.from(`${lines.join('\n')}\n`),
    // What bash writes with one printf is one datagram; the default buffer of the kernel holds some hundreds.
    send: byBash('udp', 'while IFS= read -r line; do printf %s "$line"; done < "$1"'),
    attributes: onLoopback,
  },
  {
    name: 'unixgram, by logger',
    missing: nativeMissing || lacks('logger', '--version'),
    collector: 'type: unixgram, path: SOCKET, mode: "0666"',
    sent: lines,
    bytes: Buffer.from(`${lines.join('\n')}\n`),
    send: ({ socket, file }) => run('logger', ['-u', socket, '-d', '-t', 'load', '-f', file]),
    textOf: (body) => body.replace(/^<13>.*? load: /, ''),
  },
];

test('what clients send to plain sockets is in the mirror, in order', async (t) => {
  const taken = ways.filter(({ missing }) => !missing);
  const places = await Promise.all(taken.map(async (way, n) => ({ way, name: `in${n}`, ...(await placeFor(n)) })));
  const collectors = places.map(({ way, name, port, socket }) => {
    const keys = way.collector.replace('ADDRESS', `"127.0.0.1:${port}"`).replace('SOCKET', socket);
    return `${name}: { ${keys} }`;
  });
  await using pair = await Pair.make({ collectors });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  pair.startAgent();
  const bound = () =>
    places.every(({ port, socket }) => fs.existsSync(socket) || isPortBound('tcp', port) || isPortBound('udp', port));
  await until('the sockets', bound, () => pair.describe());
  for (const way of ways) {
    const place = places.find((each) => each.way === way);
    await t.test(way.name, { skip: way.missing }, () => sendAndCompare(pair, place!));
  }
});

async function placeFor(number: number) {
  const socket = join(folder, `socket-${number}`);
  return { port: await freePort(), socket, file: join(folder, `bytes-${number}`) };
}

interface Place extends Awaited<ReturnType<typeof placeFor>> {
  readonly way: Way;
  readonly name: string;
}

async function sendAndCompare(pair: Pair, { way, name, ...to }: Place): Promise<void> {
  fs.writeFileSync(to.file, way.bytes);
  await way.send(to);
  const { length } = way.sent;
  const arrived = () => pair.arrived(name).split('\n').slice(0, -1);
  await until(
    `${length} records`,
    () => arrived().length >= length,
    () => pair.describe(),
  );
  const events = arrived().map((line) => JSON.parse(line) as Event);
  const bodies = events.map(({ body }) => String(body));
  assert.deepEqual(way.textOf ? bodies.map(way.textOf) : bodies, way.sent);
  way.attributes?.(events[0]!);
  const totals = async () => (await askStatus(pair.agentData))?.collectors.find((each) => each.name === name)?.totals;
  await until(`${length} records in status`, async () => (await totals())?.spooled.records === length);
  assert.deepEqual((await totals())?.dropped, {});
}

function lengthOf(text: string): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(Buffer.byteLength(text));
  return bytes;
}
