import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from '../../../agent/config/nearest.ts';

test('the distance counts insertions, deletions, replacements and swaps', () => {
  const cases = [
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['inculde', 'include', 1],
    ['ab', 'ba', 1],
    ['max_sise', 'max_size', 1],
  ] as const;
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b), distance, `${a} ${b}`);
    assert.equal(editDistance(b, a), distance, `${b} ${a}`);
  }
});

test('a word is taken for the nearest known one only when it is near', () => {
  const known = ['include', 'exclude', 'max_line', 'type'];
  assert.equal(nearest('inlcude', known), 'include');
  assert.equal(nearest('Max-Line', known), 'max_line');
  assert.equal(nearest('typ', known), 'type');
  assert.equal(nearest('listen', known), undefined);
  assert.equal(nearest('x'.repeat(100_000), known), undefined);
});
