import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dropReasons } from '../../spool/format-drops.ts';
import { decodeRuns, encodeRuns } from '../../spool/format-runs.ts';
import type { Run } from '../../spool/nouns.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((value) => Buffer.from(value));
const count = fc.oneof(fc.nat(3), fc.maxSafeNat());

const run: fc.Arbitrary<Run> = fc
  .record({
    source: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 50 })),
    from: fc.nat(),
    length: fc.nat(),
    mark: bytes(6),
    state: fc.option(bytes(9), { nil: undefined }),
    format: fc.constantFrom('text' as const, 'json' as const),
    records: count,
    bytes: count,
    time: fc.integer({ min: 0, max: 2 ** 45 }),
    continues: fc.boolean(),
    unterminated: fc.boolean(),
    dropped: fc.option(
      fc.record(
        { reason: fc.constantFrom(...dropReasons), records: fc.integer({ min: -1 }), bytes: fc.nat() },
        { noNullPrototype: true },
      ),
      { nil: undefined },
    ),
  })
  .map(({ length, ...rest }) => ({ ...rest, to: rest.from + length }));

test('runs come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 45 }), (runs, time) => {
      assert.deepEqual(decodeRuns(encodeRuns(runs, time), time), runs);
    }),
    { numRuns: 500, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
});

test('a line of each of many files takes thirteen bytes a run', () => {
  const runs = Array.from({ length: 1000 }, (_, index): Run => {
    const from = 20_000_000 + index;
    const mark = Buffer.alloc(5, index);
    return {
      source: index + 1,
      from,
      to: from + 150,
      mark,
      records: 1,
      bytes: 150,
      format: 'text',
      time: index,
      continues: false,
      unterminated: false,
    };
  });
  assert.ok(encodeRuns(runs, 0).length <= 13 * runs.length + 16);
});

test('more runs than a block may have, and flags that version 1 does not know, are refused', () => {
  assert.equal(decodeRuns(Buffer.concat([Buffer.from([0x81, 0x80, 0x04]), Buffer.alloc(4 * 65_537)]), 0), undefined);
  assert.equal(decodeRuns(Buffer.from([1, 0x80, 0x20, 0, 0, 0, 0]), 0), undefined);
  assert.deepEqual(
    decodeRuns(Buffer.from([1, 0x21, 5, 0]), 9)?.map(({ source, from, time }) => [source, from, time]),
    [[1, 5, 9]],
  );
});
