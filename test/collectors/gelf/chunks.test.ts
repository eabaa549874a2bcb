/** GELF's chunks: put together in any order, and bounded in time, memory and number whoever sends what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunks, chunkLimits } from '../../../collectors/gelf/chunks.ts';

function chunk(id: number, number: number, count: number, piece: string | Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.set([0x1e, 0x0f]);
  head.writeBigUInt64BE(BigInt(id), 2);
  head.set([number, count], 10);
  return Buffer.concat([head, Buffer.from(piece)]);
}

test('a message is whole when its last chunk came, in whatever order, of whichever sender', () => {
  const chunks = new Chunks();
  assert.equal(chunks.add('a', chunk(7, 2, 3, 'three'), 0), undefined);
  assert.equal(chunks.add('b', chunk(7, 0, 3, 'other'), 0), undefined);
  assert.equal(chunks.add('a', chunk(7, 0, 3, 'one '), 0), undefined);
  assert.equal(chunks.add('a', chunk(7, 0, 3, 'ONE '), 0), undefined);
  assert.equal(chunks.add('a', chunk(7, 1, 3, 'two '), 0)?.toString(), 'one two three');
  assert.equal(chunks.add('a', chunk(8, 0, 1, 'alone'), 0)?.toString(), 'alone');
  assert.equal(chunks.counts.chunks_repeated, 1);
  assert.equal(chunks.waiting.messages, 1);
});

test('what does not come in time is given up, counted, and its memory is free', () => {
  const chunks = new Chunks();
  chunks.add('a', chunk(1, 0, 2, 'early'), 0);
  chunks.add('a', chunk(2, 0, 2, 'late'), 3000);
  chunks.expire(chunkLimits.ageMsMax + 1);
  assert.deepEqual([chunks.waiting.messages, chunks.counts.messages_incomplete], [1, 1]);
  assert.equal(chunks.add('a', chunk(2, 1, 2, '!'), 6000)?.toString(), 'late!');
  assert.deepEqual(chunks.waiting, { messages: 0, bytes: 0 });
});

test('who begins many messages, or long ones, pushes out the oldest, and no more is held than the limits say', () => {
  const many = new Chunks();
  for (let id = 0; id < 3 * chunkLimits.messagesMax; id++) many.add('a', chunk(id, 0, 128, 'x'), 0);
  assert.equal(many.waiting.messages, chunkLimits.messagesMax);
  assert.equal(many.counts.messages_evicted, 2 * chunkLimits.messagesMax);
  const long = new Chunks();
  const piece = Buffer.alloc(65_000);
  for (let n = 0; n < 1000; n++) {
    long.add('a', chunk(n >> 3, n & 7, 128, piece), 0);
    assert.ok(long.waiting.bytes <= chunkLimits.bytesMax);
  }
});

test('chunks that break the rules are counted and nothing else', () => {
  const chunks = new Chunks();
  const bad = [
    chunk(1, 3, 3, 'x'),
    chunk(1, 0, 0, 'x'),
    chunk(1, 0, 129, 'x'),
    chunk(1, 0, 2, ''),
    Buffer.from([0x1e, 0x0f]),
  ];
  for (const one of bad) assert.equal(chunks.add('a', one, 0), undefined);
  chunks.add('a', chunk(1, 0, 2, 'x'), 0);
  assert.equal(chunks.add('a', chunk(1, 1, 3, 'x'), 0), undefined);
  assert.equal(chunks.counts.chunks_malformed, bad.length + 1);
});
