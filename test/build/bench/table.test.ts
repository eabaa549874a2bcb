/** Medians, percentiles and the table that `npm run bench` prints. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measured } from '../../../build/bench/figures.ts';
import { median, parseSize, percentile, shortNumber, sizeText } from '../../../build/bench/numbers.ts';
import { parseOptions } from '../../../build/bench/options.ts';
import { renderMarkdown, renderTable, summarise } from '../../../build/bench/table.ts';
import { callsIn } from '../../../build/bench/trace.ts';

test('a median lies in the middle, between two where there is no middle, and nowhere without values', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 100]), 3);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test('a percentile is interpolated between its neighbours and leaves its values alone', () => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.equal(percentile(values, 99), 99);
  assert.equal(percentile(values, 0), 0);
  assert.equal(percentile([10, 20], 75), 17.5);
  assert.equal(values[0], 100);
});

test('sizes are read with their unit and refused without', () => {
  assert.equal(parseSize('size', '1.5GiB'), 1.5 * 2 ** 30);
  assert.equal(parseSize('size', '64MiB'), 2 ** 26);
  for (const wrong of ['64', '64MB', 'MiB', '-1MiB', '1 GiB']) assert.throws(() => parseSize('size', wrong), /--size/);
  assert.equal(sizeText(64 * 2 ** 20), '64 MiB');
  assert.equal(sizeText(1.5 * 2 ** 30), '1.5 GiB');
});

test('numbers keep the digits that matter', () => {
  assert.deepEqual([1234.5, 12.34, 1.234, 0.0123, 0, 7].map(shortNumber), ['1235', '12.3', '1.23', '0.012', '0', '7']);
  assert.equal(shortNumber(undefined), '-');
});

const rounds: readonly Measured[] = [
  { way: 'base', figures: { cpuSecondsPerGib: 4 } },
  { way: 'ours', figures: { cpuSecondsPerGib: 3, fsyncs: 10 }, lost: 0, duplicated: 0 },
  { way: 'base', figures: { cpuSecondsPerGib: 5 } },
  { way: 'ours', figures: { cpuSecondsPerGib: 100, fsyncs: 30 }, lost: 2, duplicated: 0 },
  { way: 'base', figures: { cpuSecondsPerGib: 6 } },
  { way: 'ours', figures: { cpuSecondsPerGib: 2, fsyncs: 20 }, lost: 0, duplicated: 1 },
];

const compare = { with: 'base', figure: 'cpuSecondsPerGib', as: 'toBase' } as const;

test('rounds become medians, but a loss in any round stays a loss', () => {
  const [base, ours] = summarise(rounds, compare);
  assert.equal(base?.figures.cpuSecondsPerGib, 5);
  assert.equal(base?.figures.toBase, 1);
  assert.equal(base?.lost, undefined);
  assert.deepEqual(ours?.figures, { cpuSecondsPerGib: 3, toBase: 3 / 5, fsyncs: 20 });
  assert.deepEqual([ours?.lost, ours?.duplicated, ours?.rounds], [2, 1, 3]);
});

test('a table has the columns that some row has, and a dash where a row has none', () => {
  const lines = renderTable(summarise(rounds, compare));
  assert.match(lines[0]!, /^ +CPU-s\/GiB +to pipeline +fsyncs +lost +dup$/);
  assert.match(lines[1]!, /^base +5 +1 +- +- +-$/);
  assert.match(lines[2]!, /^ours +3 +0.60 +20 +2 +1$/);
  assert.equal(new Set(lines.map((line) => line.length)).size, 1);
});

test('a pipe in a name does not break a table of Markdown', () => {
  const [head, rule, row] = renderMarkdown([{ way: 'a | b', rounds: 1, figures: {}, lost: 0, duplicated: 0 }]);
  assert.deepEqual([head, rule, row], ['|  | lost | dup |', '|---|---|---|', '| `a \\| b` | 0 | 0 |']);
});

test('options have defaults, take lists, and name what is wrong', () => {
  const defaults = parseOptions([]);
  assert.deepEqual([defaults.rounds, defaults.bytes, defaults.peers, defaults.only], [5, 2 ** 30, true, []]);
  const given = parseOptions([
    '--only',
    'whole,idle',
    '--only',
    'trickle',
    '--size',
    '64MiB',
    '--rounds',
    '1',
    '--no-peers',
  ]);
  assert.deepEqual(given.only, ['whole', 'idle', 'trickle']);
  assert.deepEqual([given.bytes, given.peerBytes, given.rounds, given.peers], [2 ** 26, 2 ** 26, 1, false]);
  const long = parseOptions(['--long']);
  assert.deepEqual([long.rounds, long.bytes, long.seconds], [1, 10 * 2 ** 30, 3600]);
  assert.throws(() => parseOptions(['--rounds', '0']), /--rounds 0/);
  assert.throws(() => parseOptions(['--sise', '1GiB']), /--sise/);
});

test('the calls of a summary by strace are added up', () => {
  const summary = `strace: Process 7 attached with 11 threads
syscall               calls
---------------- ----------
fdatasync               120
fsync                     3
---------------- ----------
total                   123
`;
  assert.equal(callsIn(summary), 123);
  assert.equal(callsIn('strace: Process 7 attached\n'), 0);
});
