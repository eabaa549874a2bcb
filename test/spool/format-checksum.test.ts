/** The checksum of frames is zlib's CRC-32, whoever computes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { checksum, useForChecksums } from '../../spool/format-checksum.ts';

const bytes = Buffer.from('123456789');
/** The check value of CRC-32 in every catalogue of them. */
const known = 0xcbf43926;

test('a function that is wrong at any length or alignment is not used', () => {
  assert.equal(checksum(bytes), known);
  assert.ok(!useForChecksums(() => 0));
  assert.ok(!useForChecksums((all) => crc32(all) ^ (all.length === 129 ? 1 : 0)));
  assert.ok(!useForChecksums((all) => crc32(all) ^ (all.byteOffset % 16 === 15 ? 1 : 0)));
  assert.equal(checksum(bytes), known);
});

test('one that gives the same numbers is', () => {
  let asked = 0;
  const faster = (all: Uint8Array) => {
    asked++;
    return crc32(all);
  };
  assert.ok(useForChecksums(faster));
  asked = 0;
  assert.equal(checksum(bytes), known);
  assert.equal(asked, 1);
});
