import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

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
