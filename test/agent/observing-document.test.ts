import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { families, sourceFamilies } from '../../agent/admin/families.ts';

test('docs/observing.md names every metric with its kind and labels, and no other', () => {
  const text = fs.readFileSync(new URL('../../docs/observing.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `(tailspool|process)_/.test(line));
  const expected = [...families, ...sourceFamilies].map(({ name, kind, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(', ') || '–';
    return `| \`${name}\` | ${kind} | ${names} | ${help} |`;
  });
  const histogram = '| `tailspool_shipper_latency_seconds` | histogram | `shipper` | From sending to acknowledgement |';
  assert.deepEqual(new Set(rows), new Set([...expected, histogram]));
});
