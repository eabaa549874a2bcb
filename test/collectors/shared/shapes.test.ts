/**
 * Shapes of lines: whatever pieces the bytes come in, the records are the same; put together again they are the source's text. Random
 * texts in many encodings, with long lines, broken sequences, both line ends; SEED=n replays one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodingOf, settled } from '../../../collectors/shared/encodings.ts';
import type { Shape } from '../../../collectors/shared/shape.ts';
import { shapeOf } from '../../../collectors/shared/shapes.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { textOf } from './text-of.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const groups = {
  start: /^\d{4} /,
  continue: undefined,
  traces: [],
  timeoutMs: 1000,
  linesMax: 7,
  bytesMax: 400,
} as const;

/** What comes out where the bytes come in such pieces; nothing is forced before the end. */
export function recordsOf(shape: Shape, bytes: Uint8Array, pieces: Iterable<number>) {
  const records: string[] = [];
  const counts = { undecodable: 0, split: 0 };
  let memory = { unterminated: false, state: 0 };
  let offset = 0;
  const take = (upto: number, ends: boolean): boolean => {
    if (upto <= offset) return false;
    const fresh = { bytes: bytes.subarray(offset, upto), offset, start: bytes.subarray(0, Math.min(3, upto)), ends };
    const shaped = shape.cut({ ...fresh, ...memory });
    assert.ok(shaped.taken <= fresh.bytes.length);
    assert.ok(shaped.taken > 0 || (shaped.records.length === 0 && !ends), 'it takes what it gives');
    for (const [at, record] of shaped.records.entries()) {
      assert.equal(record.at(-1), 10);
      assert.equal(record.indexOf(10), record.length - 1, 'one line feed, at the end');
      const isOpen = shape.format === 'text' && shaped.unterminated && at === shaped.records.length - 1;
      records.push(Buffer.from(record).toString('utf8', 0, record.length - (isOpen ? 1 : 0)));
    }
    counts.undecodable += shaped.undecodable;
    counts.split += shaped.split;
    memory = { unterminated: shaped.unterminated, state: shaped.state };
    offset += shaped.taken;
    return shaped.taken > 0;
  };
  let upto = 0;
  for (const length of pieces) {
    upto = Math.min(bytes.length, upto + length);
    while (take(upto, false));
    assert.ok(upto - offset <= shape.openBytesMax, 'no more is left open than it says');
  }
  while (take(bytes.length, false));
  while (take(bytes.length, true));
  assert.equal(offset, bytes.length);
  return { records, counts };
}

function* pieces(random: SeededRandom, max: number): Generator<number> {
  for (let left = 4000; left > 0; left--) yield 1 + random.below(max);
}

/** Lines of several kinds, with a line feed behind each but perhaps the last. */
function randomText(random: SeededRandom, letters: string): string {
  let text = '';
  for (let line = 0; line < 40; line++) {
    if (random.below(3) === 0) text += `${1000 + line} `;
    const length = random.below(10) === 0 ? random.below(900) : random.below(40);
    for (let at = 0; at < length; at++) text += letters[random.below(letters.length)];
    text += random.below(4) === 0 ? '\r\n' : '\n';
  }
  return random.below(2) === 0 ? text : text.slice(0, -1);
}

const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
const letters = 'abc \tÄé€ਊ਀中\u0a0a\u0100字';

const encodings: readonly (readonly [string, string, (text: string) => Buffer])[] = [
  ['utf-16le', letters, (text) => Buffer.from(text, 'utf16le')],
  ['utf-16be', letters, utf16be],
  ['utf-16', letters, (text) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])],
  ['utf-16', letters, (text) => Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be(text)])],
  ['utf-8', letters, (text) => Buffer.from(`\ufeff${text}`)],
  ['latin1', 'abc äöüß', (text) => Buffer.from(text, 'latin1')],
];

for (const [name, alphabet, encode] of encodings) {
  test(`lines in ${name} are the same in any pieces, and the text (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 6; round++) {
      const text = randomText(random, alphabet);
      const bytes = encode(text);
      const shape = shapeOf({ encoding: encodingOf(name), multiline: undefined, maxLineBytes: 200 })!;
      const whole = recordsOf(shape, bytes, [bytes.length]);
      assert.equal(whole.records.join(''), text);
      assert.equal(whole.counts.undecodable, 0);
      for (const max of [1, 7, 300])
        assert.deepEqual(recordsOf(shape, bytes, pieces(random, max)), whole, `pieces of up to ${max}`);
    }
  });

  test(`groups of lines in ${name} are the same in any pieces, and the text (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 6; round++) {
      const text = randomText(random, alphabet);
      const bytes = encode(text);
      const shape = shapeOf({ encoding: encodingOf(name), multiline: groups, maxLineBytes: 200 })!;
      const whole = recordsOf(shape, bytes, [bytes.length]);
      assert.equal(textOf(whole.records).toString(), text);
      for (const max of [1, 7, 300])
        assert.deepEqual(recordsOf(shape, bytes, pieces(random, max)), whole, `pieces of up to ${max}`);
    }
  });
}

test(`bytes that are no UTF-8 come through groups as they were (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 12; round++) {
    const bytes = Buffer.from(random.bytes(2000).map((byte) => (byte % 11 === 0 ? 10 : byte)));
    const shape = shapeOf({ encoding: undefined, multiline: groups, maxLineBytes: 100 })!;
    const whole = recordsOf(shape, bytes, [bytes.length]);
    assert.ok(textOf(whole.records).equals(bytes));
    assert.deepEqual(recordsOf(shape, bytes, pieces(random, 9)), whole);
  }
});

test(`any bytes in any encoding are taken, in any pieces alike (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const names = [
    'utf-16',
    'utf-16be',
    'utf-8',
    'shift_jis',
    'gb18030',
    'iso-2022-jp',
    'big5',
    'euc-kr',
    'windows-1251',
  ];
  for (const name of names) {
    for (let round = 0; round < 3; round++) {
      const bytes = Buffer.from(random.bytes(1500).map((byte) => (byte % 13 === 0 ? 10 : byte)));
      for (const multiline of [undefined, groups]) {
        const shape = shapeOf({ encoding: encodingOf(name), multiline, maxLineBytes: 100 })!;
        const whole = recordsOf(shape, bytes, [bytes.length]);
        assert.deepEqual(recordsOf(shape, bytes, pieces(random, 5)), whole, name);
      }
    }
  }
});

test('what does not decode is U+FFFD and counted; one that stands in the source is not', () => {
  const utf16 = Buffer.concat([
    Buffer.from('a\ufffdb', 'utf16le'),
    Buffer.from([0x00, 0xd8]),
    Buffer.from('c\n', 'utf16le'),
  ]);
  const found = recordsOf(shapeOf({ encoding: 'utf-16le', multiline: undefined, maxLineBytes: 100 })!, utf16, [100]);
  assert.deepEqual(found, { records: ['a\ufffdb\ufffdc\n'], counts: { undecodable: 1, split: 0 } });
  const odd = recordsOf(
    shapeOf({ encoding: 'utf-16le', multiline: undefined, maxLineBytes: 100 })!,
    Buffer.from([65, 0, 10, 0, 66]),
    [100],
  );
  assert.deepEqual(odd.records, ['A\n', '\ufffd']);
  assert.equal(odd.counts.undecodable, 1);
});

test('a line that is no whole line feed is not cut: the byte 0x0a within a character', () => {
  const text = 'ਊ਀\u0a00\u000a\u000b\n';
  for (const name of ['utf-16le', 'utf-16be'] as const) {
    const bytes = name === 'utf-16le' ? Buffer.from(text, 'utf16le') : utf16be(text);
    const { encoding } = settled(name, bytes)!;
    assert.equal(encoding.lineEnd(bytes, 0, 0), 8);
    assert.equal(encoding.lastLineEnd(bytes, 0), 12);
  }
});
