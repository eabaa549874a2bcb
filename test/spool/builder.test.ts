import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockBuilder } from '../../spool/builder.ts';
import type { Run } from '../../spool/nouns.ts';

const mark = new Uint8Array(0);
const moved = (source: number, state?: Uint8Array): Run => ({
  ...{ source, from: 0, to: 1, mark, state, format: 'text', records: 0, bytes: 0, time: 1 },
  ...{ continues: false, unterminated: false },
});

/** Fills a block until it takes no records, in runs that `filler` makes; gives the content behind records and a cursor after them. */
function lastPair(filler: (number: number) => Run): readonly Run[] {
  const block = new BlockBuilder();
  for (let number = 10; ; number++) {
    const view = block.view(1);
    if (view === undefined) return [];
    block.add(filler(number));
    if (block.full || block.view(1) !== undefined) continue;
    // The block before this one would have been the last that takes records: once more, up to there.
    const again = new BlockBuilder();
    for (let upto = 10; upto < number; upto++) again.add(filler(upto));
    assert.ok(again.view(1), 'records fit');
    again.add({ ...moved(1), records: 1, bytes: 1 });
    again.add(moved(2, new Uint8Array(65_536)));
    return again.content(1).runs;
  }
}

test('a cursor that is moved right behind records stands in their block, however full of runs that is', () => {
  const runs = lastPair((number) => moved(number));
  assert.ok(runs.length > 16_000);
  assert.deepEqual(
    runs.slice(-2).map((run) => run.source),
    [1, 2],
  );
});

test('a cursor that is moved right behind records stands in their block, however long the header is', () => {
  const block = new BlockBuilder();
  const state = new Uint8Array(60_000);
  let number = 10;
  for (; block.view(1) && block.headerBytes < 1_000_000; number++) block.add(moved(number, state));
  assert.ok(block.view(1), 'records fit');
  block.add({ ...moved(1), records: 1, bytes: 1 });
  block.describe(1, { collector: 'c', type: 't', resource: {}, attributes: { a: 'x'.repeat(60_000) } });
  block.add(moved(2, new Uint8Array(65_536)));
  block.describe(2, { collector: 'c', type: 't', resource: {}, attributes: { a: 'x'.repeat(60_000) } });
  assert.deepEqual(
    block
      .content(1)
      .runs.slice(-2)
      .map((run) => run.source),
    [1, 2],
  );
});
