/**
 * What is built into the program and could be missing, broken or not allowed on this host, each with a small test of its own.
 * Reads and writes no files but the unnamed ones that native parts are loaded through; talks to nobody but itself on loopback.
 */
import { createRequire } from 'node:module';
import { isSea } from 'node:sea';
import { crc32, gzipSync } from 'node:zlib';
import type { ByteWork, Codec, Log } from '../../spool/ports.ts';
import { leftOut, loadByteWork, loadDatagramBinding, loadNotifyBinding } from './addon.ts';
import { chooseCodec } from './codec.ts';
import { openZlibCodec } from './codec-zlib.ts';
import { hostInflater } from './inflater.ts';
import { hostListener } from './listener.ts';
import { hostTransports } from './transport.ts';

export interface EmbeddedPart {
  readonly name: string;
  /** Resolves with a word for people; rejects with what is wrong. */
  check(): Promise<string>;
}

export function embeddedParts(log: Log): readonly EmbeddedPart[] {
  return [
    { name: 'fast codec', check: fastCodec },
    { name: 'codec of Node', check: codecOfNode },
    { name: 'byte work', check: byteWork },
    { name: 'sd_notify', check: notify },
    { name: 'unix datagrams', check: datagrams },
    { name: 'gzip and zstd files', check: inflate },
    { name: 'lock without flock', check: sqlite },
    { name: 'TLS', check: tls },
    { name: 'HTTP client and server', check: () => http(log) },
  ];
}

const text = Buffer.from('a line of a log\n'.repeat(10_000));

async function fastCodec(): Promise<string> {
  const { codec, fallbackReason } = chooseCodec();
  if (fallbackReason === leftOut) return leftOut;
  if (fallbackReason !== undefined) throw new Error(`cannot be used: ${fallbackReason}`);
  return `${codec.name}, ${ratio(codec)}`;
}

async function codecOfNode(): Promise<string> {
  const codec = openZlibCodec();
  return `${codec.name}, ${ratio(codec)}`;
}

function ratio(codec: Codec): string {
  const into = Buffer.alloc(codec.frameBytesMax(text.length));
  const frame = into.subarray(0, codec.compress(text, into));
  const back = Buffer.alloc(text.length);
  expect(codec.expand(frame, back) === text.length && back.equals(text), 'does not return what it was given');
  return `${Math.round(text.length / frame.length)}:1 on equal lines`;
}

async function byteWork(): Promise<string> {
  if (!isSea()) return "not built in: Node's CRC-32, and counting in WebAssembly";
  const own = ownByteWork();
  if (own === undefined) return leftOut;
  expect(own.countLineFeeds(text, text.length) === 10_000, 'line feeds are miscounted');
  if (own.crc32 === undefined) return "own counting, Node's CRC-32: the processor has nothing for it";
  expect(own.crc32(text) === crc32(text), 'the CRC-32 is another than that of Node');
  return 'own CRC-32 and counting';
}

function ownByteWork(): ByteWork | undefined {
  try {
    return loadByteWork();
  } catch (error) {
    if ((error as Error).message === leftOut) return undefined;
    throw error;
  }
}

async function notify(): Promise<string> {
  if (!isSea()) return 'not built in: systemd-notify is run';
  const noSuchFile = 2;
  const error = sendNowhere();
  if (error === undefined) return leftOut;
  expect(error === noSuchFile, `a socket that is not there gives error ${error}`);
  return 'own function';
}

function sendNowhere(): number | undefined {
  try {
    return loadNotifyBinding().send('/proc/no such socket', 'READY=1');
  } catch (error) {
    if ((error as Error).message === leftOut) return undefined;
    throw error;
  }
}

async function datagrams(): Promise<string> {
  try {
    const descriptor = loadDatagramBinding().open(1, '', 0, 0);
    expect(descriptor < 0, 'a socket without a name could be bound');
    return 'own function';
  } catch (error) {
    const { message } = error as Error;
    if (message === leftOut || !isSea()) return message;
    throw error;
  }
}

async function inflate(): Promise<string> {
  const packed = gzipSync(text);
  const pieces: Buffer[] = [];
  const read = (into: Uint8Array, at: number) => packed.copy(into, 0, at);
  for await (const piece of hostInflater.expand('gzip', read)) pieces.push(Buffer.from(piece));
  expect(Buffer.concat(pieces).equals(text), 'does not return what it was given');
  return 'expanded as they are read';
}

async function sqlite(): Promise<string> {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  using database = new DatabaseSync(':memory:');
  database.exec('BEGIN EXCLUSIVE');
  return 'node:sqlite';
}

async function tls(): Promise<string> {
  const { createSecureContext, rootCertificates } = process.getBuiltinModule('node:tls');
  createSecureContext({ minVersion: 'TLSv1.3' });
  expect(rootCertificates.length > 50, `${rootCertificates.length} authorities`);
  return `OpenSSL ${process.versions.openssl}, ${rootCertificates.length} authorities`;
}

async function http(log: Log): Promise<string> {
  const limits = { connectionsMax: 4, headerBytesMax: 16_384, idleTimeoutMs: 5_000 };
  const listening = await hostListener(log).listen({ host: '127.0.0.1', port: 0, ...limits }, async ({ method }) => {
    return { status: 200, body: `${method} heard` };
  });
  const url = `http://127.0.0.1:${listening.port}/`;
  const transport = hostTransports.open({ url, connectTimeoutMs: 5_000 });
  try {
    const asked = { method: 'POST', url, headers: {}, body: text, progressTimeoutMs: 5_000, answerBytesMax: 1_000 };
    const { status, body } = await transport.send({ ...asked, signal: AbortSignal.timeout(10_000) });
    expect(status === 200 && Buffer.from(body).toString() === 'POST heard', `status ${status}`);
  } finally {
    await transport.close();
    await listening.close(100);
  }
  return 'over loopback';
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
