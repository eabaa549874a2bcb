import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imbalances } from '../../agent/status/conservation.ts';
import { collector, picture, shipper } from './pictures.ts';

test('counters that account for every record are in balance', () => {
  assert.deepEqual(imbalances(picture()), []);
});

test('a record that was read and is nowhere is an imbalance at the door', () => {
  const shown = picture({ collectors: [collector({ readTotal: { records: 11, bytes: 100 } })] });
  assert.deepEqual(imbalances(shown), [
    { collector: 'nginx', shipper: undefined, unit: 'records', expected: 11, found: 10 },
  ]);
});

test('bytes that a shipper counts twice are an imbalance behind it', () => {
  const { totals } = shipper();
  const nginx = { ...totals.collectors.nginx!, acknowledged: { records: 6, bytes: 80 } };
  const shown = picture({ shippers: [shipper({ totals: { ...totals, collectors: { nginx } } })] });
  assert.deepEqual(imbalances(shown), [
    { collector: 'nginx', shipper: 'central', unit: 'bytes', expected: 90, found: 110 },
  ]);
});

test('a shipper that knows nothing of a collector’s records is an imbalance', () => {
  const shown = picture({ shippers: [shipper({ totals: { cursor: undefined, collectors: {} } })] });
  assert.equal(imbalances(shown).length, 2);
});
