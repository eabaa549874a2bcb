/** The logs that are measured with, and the counting of what arrived of them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Arrived, bytesOf, countArrived, cyclic, sameBytes } from '../../../build/bench/arrived.ts';
import { headOf, lineMaker, madeKinds, makeText, repeatReal, repeatText } from '../../../build/bench/texts/text.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-texts-'));
after(() => rmSync(folder, { recursive: true }));
const place = (name: string) => join(folder, name);

for (const kind of madeKinds)
  test(`the same seed gives the same ${kind} lines, another seed others`, () => {
    const [one, two] = [makeText(place('one'), kind, 200_000, 7), makeText(place('two'), kind, 200_000, 7)];
    const text = readFileSync(one.path, 'utf8');
    assert.equal(text, readFileSync(two.path, 'utf8'));
    assert.equal(Buffer.byteLength(text), one.bytes);
    assert.ok(one.bytes >= 200_000 && one.bytes < 201_000);
    assert.equal(text.split('\n').length - 1, one.lines);
    makeText(place('two'), kind, 200_000, 8);
    assert.notEqual(text, readFileSync(two.path, 'utf8'));
  });

test('lines of each kind are what they say', () => {
  const first = Object.fromEntries(madeKinds.map((kind) => [kind, lineMaker(kind, 1)(0)]));
  assert.match(
    first.nginx!,
    /^[\d.]+ - - \[\d\d\/\w{3}\/2026:[\d:]{8} \+0000\] "(GET|POST) \/\S+ HTTP\/1.1" \d{3} \d+ /,
  );
  assert.equal(JSON.parse(first.json!).ts.slice(0, 4), '2026');
  assert.match(first.syslog!, /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d edge-7 /);
});

test('real logs are repeated to size, and a last line without LF stays a line of its own', () => {
  mkdirSync(place('real'));
  writeFileSync(join(place('real'), 'a.log'), 'one\r\ntwo');
  writeFileSync(join(place('real'), 'b.log'), 'three\n');
  const made = repeatReal(place('repeated'), place('real'), 31);
  assert.equal(readFileSync(made.path, 'utf8'), 'one\r\ntwo\nthree\n'.repeat(3));
  assert.deepEqual([made.bytes, made.lines], [45, 9]);
  assert.throws(() => repeatReal(place('none'), folder, 30), /no \*\.log/);
});

test('the head of a log is whole lines, and a log can be written several times over', () => {
  const made = makeText(place('long'), 'syslog', 100_000, 1);
  const head = headOf(place('head'), made, 5000);
  assert.ok(head.bytes >= 5000 && head.bytes < 5400);
  assert.equal(readFileSync(head.path, 'utf8').split('\n').length - 1, head.lines);
  assert.equal(headOf(place('head'), made, made.bytes), made);
  const thrice = repeatText(place('thrice'), head, 3);
  assert.equal(readFileSync(thrice.path, 'utf8'), readFileSync(head.path, 'utf8').repeat(3));
  assert.equal(thrice.lines, head.lines * 3);
});

test('what arrived is counted: nothing, lost lines, repeated ones, both, in any order', async () => {
  const written = place('written');
  writeFileSync(written, 'a\nb\nc\nb\nd\n');
  const cases: [string, number, number][] = [
    ['a\nb\nc\nb\nd\n', 0, 0],
    ['d\nb\nb\nc\na\n', 0, 0],
    ['a\nb\nc\nd\n', 1, 0],
    ['a\nb\nc\nb\nd\nd\nd\n', 0, 2],
    ['a\nb\nc\nx\nd\n', 1, 1],
    ['', 5, 0],
  ];
  for (const [text, lost, duplicated] of cases) {
    writeFileSync(place('arrived'), text);
    assert.deepEqual(
      await countArrived([bytesOf(written)], bytesOf(place('arrived'))),
      { lost, duplicated },
      JSON.stringify(text),
    );
  }
});

test('lines of several files are counted together', async () => {
  writeFileSync(place('x'), '1\n2\n');
  writeFileSync(place('y'), '3\n2\n4');
  writeFileSync(place('arrived'), '3\n1\n2\n2\n');
  assert.deepEqual(await countArrived([bytesOf(place('x')), bytesOf(place('y'))], bytesOf(place('arrived'))), {
    lost: 1,
    duplicated: 0,
  });
});

test('bytes are the same whatever pieces they come in', async () => {
  const pieces = (...texts: string[]): Arrived =>
    async function* () {
      for (const text of texts) yield Buffer.from(text);
    };
  const same = (one: Arrived, other: Arrived) => sameBytes(one(), other());
  assert.ok(await same(pieces('abc', 'd', '', 'ef'), pieces('a', 'bcde', 'f', '')));
  assert.ok(await same(pieces(), pieces('')));
  assert.ok(!(await same(pieces('abc'), pieces('ab'))));
  assert.ok(!(await same(pieces('ab'), pieces('a', 'b', '', 'c'))));
  assert.ok(!(await same(pieces('ab', 'c'), pieces('ab', 'd'))));
});

test('a log that is written over and over is compared as such, up to where it ended', async () => {
  writeFileSync(place('once'), 'abc\ndef\n');
  writeFileSync(place('arrived'), 'abc\ndef\nabc\ndef\nabc\n');
  const arrived = bytesOf(place('arrived'));
  assert.ok(await sameBytes(cyclic(place('once'), 20)(), arrived()));
  assert.ok(!(await sameBytes(cyclic(place('once'), 24)(), arrived())));
  assert.deepEqual(await countArrived([cyclic(place('once'), 24)], arrived), { lost: 1, duplicated: 0 });
  assert.deepEqual(await countArrived([cyclic(place('once'), 16)], arrived), { lost: 0, duplicated: 1 });
});
