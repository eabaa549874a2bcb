import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOf } from '../end-to-end/load.ts';
import { LineJudge } from './lines.ts';

/** The verdict on a copy that holds lines with these numbers; `undefined` stands for a line that nobody wrote. */
function verdictOn(numbers: readonly (number | undefined)[], written: number) {
  const judge = new LineJudge('a.log', written);
  for (const number of numbers) judge.take(number === undefined ? 'nonsense' : lineOf('a.log', number).slice(0, -1));
  const { first, ...counts } = judge.verdict();
  return { ...counts, first };
}

const sound = { lost: 0, duplicated: 0, outOfOrder: 0, invented: 0, first: undefined };

test('a copy with every line once and in order is sound', () => {
  assert.deepEqual(verdictOn([0, 1, 2, 3, 4, 5, 6, 7, 8], 9), sound);
  assert.deepEqual(verdictOn([], 0), sound);
});

test('lost lines are counted, in the middle and at the end', () => {
  const { first, ...counts } = verdictOn([0, 3, 4], 7);
  assert.deepEqual(counts, { lost: 4, duplicated: 0, outOfOrder: 0, invented: 0 });
  assert.match(first!, /^line 1 is "a\.log 3 .* where number 1 was due$/);
  assert.equal(verdictOn([0, 1], 3).first, 'it ends after 2 of 3 lines');
});

test('a line that comes again is a duplicate, also when a stretch repeats', () => {
  const { duplicated, lost, outOfOrder } = verdictOn([0, 1, 2, 1, 2, 3], 4);
  assert.deepEqual({ duplicated, lost, outOfOrder }, { duplicated: 2, lost: 0, outOfOrder: 0 });
});

test('a stretch that comes after a later one is out of order, and neither lost nor repeated', () => {
  const { duplicated, lost, outOfOrder, first } = verdictOn([0, 3, 4, 1, 2, 5], 6);
  assert.deepEqual({ duplicated, lost, outOfOrder }, { duplicated: 0, lost: 0, outOfOrder: 2 });
  assert.ok(first);
});

test('a line that nobody wrote, a changed one, and one of another file are invented', () => {
  assert.equal(verdictOn([0, undefined, 1], 2).invented, 1);
  assert.equal(verdictOn([0, 1, 2], 2).invented, 1);
  const judge = new LineJudge('a.log', 1);
  judge.take(`${lineOf('a.log', 0).slice(0, -1)}x`);
  assert.deepEqual({ ...judge.verdict(), first: '' }, { ...sound, lost: 1, invented: 1, first: '' });
  const other = new LineJudge('a.log', 1);
  other.take(lineOf('b.log', 0).slice(0, -1));
  assert.equal(other.verdict().invented, 1);
});
