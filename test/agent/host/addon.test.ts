/** The addon as the executable loads it: from bytes, without a file that stays. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadFromMemory } from '../../../agent/host/addon.ts';
import { openNapiCodec, type ZstdBinding } from '../../../agent/host/codec-zstd-napi.ts';

const built = fileURLToPath(new URL('../../../node_modules/zstd-napi/build/Release/binding.node', import.meta.url));

test('where no folder can be used, or the bytes are no addon, it throws', () => {
  assert.throws(() => loadFromMemory(new Uint8Array(10), ['/none', '/proc']));
  assert.throws(() => loadFromMemory(new Uint8Array(10), []));
  assert.throws(() => loadFromMemory(Buffer.from('not an addon'), ['/none', '/tmp']), /none.*; \/tmp: /);
});

test('folders that cannot be used are passed over', {
  skip: !fs.existsSync(built) && 'the addon is not installed',
}, () => {
  const codec = openNapiCodec(
    loadFromMemory(fs.readFileSync(built), ['/none', '/proc', '/dev/shm', '/tmp']) as ZstdBinding,
  );
  const into = Buffer.alloc(codec.frameBytesMax(5));
  assert.ok(codec.compress(Buffer.from('hello'), into) > 5);
});

test('two addons that get the same descriptor are two libraries', {
  skip: !fs.existsSync(built) && 'the addon is not installed',
}, () => {
  loadFromMemory(fs.readFileSync(built), ['/dev/shm', '/tmp']);
  // The same descriptor again: were it taken for the first library, this would load.
  assert.throws(() => loadFromMemory(Buffer.from('not an addon'), ['/dev/shm', '/tmp']));
});
