/** `build/native/bytes.c`, compiled as for the executable, gives what Node gives. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { bytesAddon, compileAddon } from '../../../build/executable/addons.ts';
import { targetNamed } from '../../../build/executable/target.ts';
import { countBySearching } from '../../../collectors/file/linefeeds.ts';
import type { ByteWork } from '../../../spool/ports.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const compiler = spawnSync('gcc', ['--version']).status === 0;

test('its CRC-32 and its count of line feeds are right at any length and alignment, and bad arguments are refused', {
  skip: !compiler && 'there is no compiler',
}, async () => {
  console.log(`# SEED=${seed}`);
  const own = await compiled();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.nat(16), fc.nat(700), (some, from, length) => {
      const bytes = some.subarray(from);
      if (own.crc32 !== undefined) assert.equal(own.crc32(bytes), crc32(bytes));
      const upTo = Math.min(length, bytes.length);
      assert.equal(own.countLineFeeds(bytes, upTo), countBySearching(bytes, upTo));
    }),
    { seed, numRuns: 2000 },
  );
  const large = Buffer.alloc(1_000_003, 'a\n\n\n');
  assert.equal(own.countLineFeeds(large, large.length), countBySearching(large, large.length));
  if (own.crc32 !== undefined) assert.equal(own.crc32(large), crc32(large));
  assert.throws(() => own.countLineFeeds(large, large.length + 1), TypeError);
  assert.throws(() => own.countLineFeeds('text' as unknown as Uint8Array, 1), TypeError);
  if (own.crc32 !== undefined) assert.throws(() => own.crc32?.(new Uint16Array(4) as unknown as Uint8Array), TypeError);
});

async function compiled(): Promise<ByteWork> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-bytes-'));
  try {
    const into = join(folder, 'bytes.node');
    await compileAddon(bytesAddon(), targetNamed(undefined), into, true);
    return createRequire(import.meta.url)(into) as ByteWork;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
