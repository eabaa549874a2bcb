/** Which lines belong together: patterns, ready-made sets on traces as they are printed, limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePattern } from '../../../agent/host/patterns.ts';
import { Grouping, grammarOf, type MultilineOptions } from '../../../collectors/shared/multiline.ts';
import { traceSetNames, traceSets } from '../../../collectors/shared/traces.ts';
import { seen } from './traces-seen.ts';

type Options = Partial<Pick<MultilineOptions, 'start' | 'continue' | 'traces' | 'linesMax' | 'bytesMax'>>;

/** The lines of each record; `+` in front of one that goes on with an earlier one, `/` behind one that was split. */
function grouped(text: string, options: Options, state = 0): string[] {
  const all = { start: undefined, continue: undefined, traces: [], linesMax: 1000, bytesMax: 1e6, ...options };
  const grouping = new Grouping(grammarOf(all), all, state);
  const records: string[] = [];
  for (const line of text.split('\n')) {
    const { kind, split } = grouping.next(line, line.length + 1);
    if (split) records.push(`${records.pop()}/`);
    if (kind === 'joins') records.push(`${records.pop()}\n${line}`);
    else records.push(kind === 'goes_on' ? `+${line}` : line);
  }
  return records;
}

const before = '2026-01-02 10:00:00 INFO started';
const after = '2026-01-02 10:00:01 INFO went on';

for (const { set, what, trace } of seen) {
  test(`${set}: ${what} is one record between two others`, () => {
    const text = `${before}\n${trace}\n${after}`;
    assert.deepEqual(grouped(text, { traces: [set] }), [before, trace, after]);
    assert.deepEqual(grouped(text, { traces: traceSetNames }), [before, trace, after], 'among all sets');
    assert.deepEqual(grouped(text, { start: /^\d{4}-/, traces: [] }).length, /^\d{4}-/.test(trace) ? 3 : 2);
  });
}

test('every ready-made pattern takes linear time, by the engine that cannot do otherwise', () => {
  for (const [name, set] of Object.entries(traceSets))
    for (const { pattern } of set) assert.equal(compilePattern(pattern.source).kind, 'pattern', `${name}: ${pattern}`);
});

test('every state of a ready-made set is reached by a rule', () => {
  for (const [name, set] of Object.entries(traceSets)) {
    const reached = new Set(set.map(({ to }) => to));
    for (const { from } of set) for (const state of from ?? []) assert.ok(reached.has(state), `${name}: ${state}`);
  }
});

test('a start pattern: everything else goes on, and what stands before the first start is said to', () => {
  assert.deepEqual(grouped('x\ny\n1 a\nb\n\n2 c', { start: /^\d / }), ['+x\ny', '1 a\nb\n', '2 c']);
});

test('a continue pattern: only what matches goes on', () => {
  assert.deepEqual(grouped(' x\na\n b\n c\nd\ne', { continue: /^\s/ }), ['+ x', 'a\n b\n c', 'd', 'e']);
});

test('both patterns: what matches neither is a record of its own', () => {
  const options = { start: /^\d /, continue: /^\s/ };
  assert.deepEqual(grouped('1 a\n b\nplain\n c\n2 d\n e', options), ['1 a\n b', 'plain', '+ c', '2 d\n e']);
});

test('a group that is too long is split at a line, marked, and goes on as a group', () => {
  const options = { start: /^\d /, linesMax: 2 };
  assert.deepEqual(grouped('1 a\nb\nc\nd\ne\n2 f', options), ['1 a\nb/', '+c\nd/', '+e', '2 f']);
  assert.deepEqual(grouped('1 a\nbbbb\nc', { start: /^\d /, bytesMax: 9 }), ['1 a\nbbbb/', '+c']);
});

test('what is remembered between two lines is enough to go on: cut anywhere, the groups go on alike', () => {
  for (const { set, trace } of seen) {
    const lines = trace.split('\n');
    for (let cut = 1; cut < lines.length; cut++) {
      const all = { start: undefined, continue: undefined, traces: [set], linesMax: 1000, bytesMax: 1e6 };
      const first = new Grouping(grammarOf(all), all);
      for (const line of lines.slice(0, cut)) first.next(line, 1);
      const rest = lines.slice(cut).join('\n');
      assert.deepEqual(grouped(rest, { traces: [set] }, first.state), [`+${rest}`], `${set} at ${cut}`);
    }
  }
});

test('a pattern that could hang the agent is refused, and one that backtracks ends', () => {
  for (const source of ['(?=a)b', '(a)\\1', 'a{1,500}', '(', ''])
    assert.equal(compilePattern(source).kind, 'bad', source);
  const compiled = compilePattern('^(a+)+$');
  assert.equal(compiled.kind, 'pattern');
  // Backtracking alone would take longer than the universe has.
  if (compiled.kind === 'pattern') assert.equal(compiled.pattern.test(`${'a'.repeat(1000)}b`), false);
});
