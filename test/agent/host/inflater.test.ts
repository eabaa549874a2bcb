import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { hostInflater } from '../../../agent/host/inflater.ts';
import type { Compression } from '../../../collectors/ports.ts';

/** In a process of its own, with the executable's young generation: expands 48 MiB and prints how much its buffers were at most. */
const script = `
  import { gzipSync } from 'node:zlib';
  import { hostInflater } from './agent/host/inflater.ts';
  const text = Buffer.alloc(48 * 2 ** 20, 'a line of a log, and another one that is not as long\\n');
  const packed = gzipSync(text);
  const before = process.memoryUsage().arrayBuffers;
  const read = (into, at) => packed.copy(into, 0, at, at + into.length);
  let [bytes, most] = [0, 0];
  for await (const piece of hostInflater.expand('gzip', read)) {
    bytes += piece.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  console.log(bytes === text.length, Math.round(most / 2 ** 20));
`;

test('expanding leaves no heap of buffers behind, however much comes out', () => {
  const args = ['--max-semi-space-size=1', '--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const [whole, mebibytes] = stdout.trim().split(' ');
  assert.equal(whole, 'true', stderr);
  assert.ok(Number(mebibytes) <= 6, `${mebibytes} MiB of buffers`);
});

const text = Buffer.from(`${'some words that repeat and repeat\n'.repeat(3000)}the end`);
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const { gzipSync, deflateSync, deflateRawSync, zstdCompressSync } = zlib;
const zstd = zstdCompressSync(text);

async function expandIn(sizes: number, compression: Compression, packed: Buffer, windowBytesMax?: number) {
  const read = (into: Uint8Array, at: number) => packed.copy(into, 0, at, at + Math.min(sizes, into.length));
  const options = windowBytesMax === undefined ? {} : { windowBytesMax };
  const out: Buffer[] = [];
  for await (const piece of hostInflater.expand(compression, read, options)) out.push(Buffer.from(piece));
  return Buffer.concat(out);
}

const whole: readonly [string, Compression, Buffer, Buffer][] = [
  ['two gzip members', 'gzip', Buffer.concat([gzipSync(text), gzipSync('x')]), Buffer.concat([text, Buffer.from('x')])],
  ['two zstd frames', 'zstd', Buffer.concat([zstd, zstdCompressSync('x')]), Buffer.concat([text, Buffer.from('x')])],
  ['frames to be skipped', 'zstd', Buffer.concat([skippable, zstd, skippable, zstd]), Buffer.concat([text, text])],
  ['deflate as zlib', 'deflate', deflateSync(text), text],
  ['deflate, bare', 'deflate', deflateRawSync(text), text],
  ['an empty zstd frame', 'zstd', zstdCompressSync(''), Buffer.alloc(0)],
];

test('all of what is compressed comes out, in whatever pieces it comes', async () => {
  for (const [name, compression, packed, expected] of whole) {
    for (const sizes of [1 + (packed.length >> 6), 13, 64, zstd.length, zstd.length + 5, 1 << 20])
      assert.ok((await expandIn(sizes, compression, packed)).equals(expected), `${name} in pieces of ${sizes}`);
  }
});

test('what ends too early or goes on behind its end is said to, in whatever pieces it comes', async () => {
  const broken: readonly [string, Compression, Buffer, string][] = [
    ['a cut frame', 'zstd', zstd.subarray(0, -3), 'TRUNCATED'],
    ['a second frame that is cut', 'zstd', Buffer.concat([zstd, zstd.subarray(0, 40)]), 'TRUNCATED'],
    ['words behind a frame', 'zstd', Buffer.concat([zstd, Buffer.from('garbage')]), 'DAMAGED'],
    ['words behind deflate', 'deflate', Buffer.concat([deflateSync(text), Buffer.from('garbage')]), 'DAMAGED'],
    ['words behind gzip', 'gzip', Buffer.concat([gzipSync(text), Buffer.from('garbage')]), 'DAMAGED'],
    ['cut gzip', 'gzip', gzipSync(text).subarray(0, -9), 'TRUNCATED'],
    ['nothing', 'gzip', Buffer.alloc(0), 'TRUNCATED'],
    ['no zstd', 'zstd', text, 'DAMAGED'],
  ];
  for (const [name, compression, packed, code] of broken) {
    for (const sizes of [13, zstd.length, zstd.length + 3, 1 << 20])
      await assert.rejects(expandIn(sizes, compression, packed), { code }, `${name} in pieces of ${sizes}`);
  }
});

test('a frame that wants a larger window than allowed is refused before memory is taken for it', async () => {
  const large = zstdCompressSync(Buffer.alloc(3 << 20, text), { params: { [zlib.constants.ZSTD_c_windowLog]: 24 } });
  // Without the content's size the window is what the frame says.
  const stream = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: 24 } });
  stream.end(Buffer.alloc(3 << 20, text));
  const streamed = Buffer.concat(await stream.toArray());
  assert.equal((await expandIn(65536, 'zstd', streamed)).length, 3 << 20);
  await assert.rejects(expandIn(65536, 'zstd', streamed, 1 << 20), { code: 'DAMAGED' });
  assert.equal((await expandIn(65536, 'zstd', large, 4 << 20)).length, 3 << 20);
});
