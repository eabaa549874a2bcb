/** Where MessagePack values end: in any pieces, as the library itself sees it, and within limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import * as fc from 'fast-check';
import { ValueFramer } from '../../../collectors/fluent/value-framer.ts';
import { decodeValue } from '../../../collectors/fluent/values.ts';

const limits = { valueBytesMax: 4096, depthMax: 16, partsMax: 1000 };

function frame(bytes: Uint8Array, size = bytes.length): (string | Buffer)[] {
  const framer = new ValueFramer(limits);
  const found: (string | Buffer)[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const one of framer.feed(bytes.subarray(at, at + size)))
      found.push(one.kind === 'value' ? Buffer.from(one.bytes) : one.why);
  return found;
}

test('each value is found whole, whatever the pieces', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
  const anything = fc.anything({
    values: [
      fc.boolean(),
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constant(null),
      fc.uint8Array(),
      fc.date({ noInvalidDate: true }),
    ],
    maxDepth: 4,
  });
  const property = fc.property(
    fc.array(anything, { maxLength: 8 }),
    fc.integer({ min: 1, max: 40 }),
    (values, size) => {
      const encoded = values.map((value) => Buffer.from(encode(value)));
      fc.pre(encoded.every(({ length }) => length < limits.valueBytesMax));
      assert.deepEqual(frame(Buffer.concat(encoded), size), encoded);
    },
  );
  fc.assert(property, { seed, numRuns: 300 });
});

test('every type byte is as long as the library takes it', () => {
  for (let type = 0; type < 256; type++) {
    const bytes = Buffer.concat([Buffer.from([type]), Buffer.alloc(40)]);
    const [found] = frame(bytes);
    if (type === 0xc1) assert.equal(found, 'malformed');
    else assert.ok(found instanceof Buffer && (decodeValue(found) || isExtension(type)), type.toString(16));
  }
});

function isExtension(type: number): boolean {
  return (type >= 0xc7 && type <= 0xc9) || (type >= 0xd4 && type <= 0xd8);
}

test('what is too large, too deep or too much is refused before it is held', () => {
  assert.deepEqual(frame(Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff])), ['too_large']);
  assert.deepEqual(frame(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])), ['too_large']);
  assert.deepEqual(frame(Buffer.alloc(100, 0x91)), ['too_deep']);
  assert.deepEqual(frame(encode('x'.repeat(5000)), 7), ['too_large']);
});
