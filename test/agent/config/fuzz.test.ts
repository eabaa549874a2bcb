import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { problemsShownMax } from '../../../agent/config/problems.ts';
import { checked } from './checked.ts';
import { parse, printed, withSections } from './texts.ts';

const whole = withSections({
  resource: '{a: b}',
  collectors: `
  n: {type: file, include: [/a/*.log], exclude: [/a/b], start_at: end, max_line: 64KiB, attributes: {x: y}}
  r: &r
    type: blocks
    listen: "[::1]:8600"
    tls: {cert: /c, key: "/\${K:-k}"}`,
  spool: '{max_size: 1GiB, when_full: block, sync_interval: 10ms}',
  log: '{level: info}',
});

/** Cut, overwritten and repeated in places. */
const damaged = fc
  .array(fc.record({ at: fc.nat(whole.length), drop: fc.nat(20), put: fc.string({ maxLength: 4, unit: pieces() }) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((edits) => edits.reduce((text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop), whole));

function pieces() {
  return fc.constantFrom(...'{}[]:,-&*!|>\'"#%@`$?~ \n\t\0\r9aé', '${', '<<: *r', '- ', ': ', '*r', '__proto__');
}

function holds(text: string): void {
  const loaded = parse(text);
  const told = printed(loaded);
  if (loaded.kind === 'ok') return;
  assert.ok(loaded.problems.some(({ severity }) => severity === 'error'));
  for (const { place } of loaded.problems) {
    assert.equal(place.file, 'a.yaml');
    assert.ok(place.line >= 0 && place.line <= text.split(/\r\n|\r|\n/).length + 1, `${JSON.stringify(place)}`);
  }
  assert.ok(told.split('\n').length <= problemsShownMax * 2 + 2);
  assert.doesNotMatch(told, /\.ts:\d|node:internal/);
}

test('no damaged configuration throws, and each is either sound or told what is wrong and where', () => {
  checked(fc.property(damaged, holds), 300);
});

test('no text at all throws', () => {
  checked(fc.property(fc.string({ unit: pieces(), maxLength: 60 }), holds), 300);
  checked(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), holds), 500);
});

test('a configuration cut off anywhere is sound or told', () => {
  for (let length = 0; length < whole.length; length++) holds(whole.slice(0, length));
});
