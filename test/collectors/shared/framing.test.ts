/** Framings: what each cuts, and that no chunking of the bytes changes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetCountedFraming, prefixedFraming } from '../../../collectors/shared/framing/counted.ts';
import { lineFraming, nulFraming } from '../../../collectors/shared/framing/delimited.ts';
import type { Flaws, Framing } from '../../../collectors/shared/framing/framing.ts';
import { ToldApart } from '../../../collectors/shared/framing/told-apart.ts';
import { SeededRandom } from '../../simulation/random.ts';

type Cut = string | [string, Flaws];

test('lines end with LF or CRLF, and may be empty', () => {
  assert.deepEqual(cut(lineFraming(100), 'one\ntwo\r\n\n\r\nth\rree\n'), ['one', 'two', '', '', 'th\rree']);
});

test('a last line without its end is a line where the sender ended it, else it says that it is not whole', () => {
  assert.deepEqual(cut(lineFraming(100), 'one\nrest'), ['one', 'rest']);
  assert.deepEqual(cut(lineFraming(100), 'one\nrest', { clean: false }), ['one', ['rest', { incomplete: true }]]);
});

test('NUL ends frames that may hold line feeds', () => {
  assert.deepEqual(cut(nulFraming(100), 'a\nb\0\r\0c'), ['a\nb', '\r', 'c']);
});

test('a line above the limit comes in fragments that together are the line, one at the limit is whole', () => {
  assert.deepEqual(cut(lineFraming(4), 'abcd\nabcde\nabcdefghi\nx\n'), [
    'abcd',
    ['abcd', { fragment: 1 }],
    ['e', { fragment: 2, last: true }],
    ['abcd', { fragment: 1 }],
    ['efgh', { fragment: 2 }],
    ['i', { fragment: 3, last: true }],
    'x',
  ]);
});

test('fragments are cut between characters, and bytes that are no characters anywhere', () => {
  assert.deepEqual(cut(lineFraming(4), 'aä€b\n'), [
    ['aä', { fragment: 1 }],
    ['€b', { fragment: 2, last: true }],
  ]);
  const raw = Buffer.from('8080808080800a', 'hex');
  const pieces = frames(lineFraming(4), [raw], true).map(({ bytes }) => Buffer.from(bytes).toString('hex'));
  assert.deepEqual(pieces, ['80808080', '8080']);
});

test('octet-counted frames hold anything, and line ends between them are passed over', () => {
  assert.deepEqual(cut(octetCountedFraming(100), '5 a\nb c3 <1>\n2 xy0 1 z'), ['a\nb c', '<1>', 'xy', '', 'z']);
});

test('an octet-counted frame above the limit comes in fragments, and what follows it is found', () => {
  assert.deepEqual(cut(octetCountedFraming(4), '9 abcdefghi2 xy'), [
    ['abcd', { fragment: 1 }],
    ['efgh', { fragment: 2 }],
    ['i', { fragment: 3, last: true }],
    'xy',
  ]);
});

test('a count that is none breaks the framing, and what stands there is kept', () => {
  assert.deepEqual(cut(octetCountedFraming(100), '3 abchello'), ['abc', ['hello', { malformed: true }]]);
  assert.deepEqual(cut(octetCountedFraming(100), '3xabc'), [['xabc', { malformed: true }]]);
  assert.deepEqual(cut(octetCountedFraming(100), '1234567890 x'), [['0 x', { malformed: true }]]);
  assert.deepEqual(cut(octetCountedFraming(100), '5 abc'), [['abc', { incomplete: true }]]);
  assert.deepEqual(cut(octetCountedFraming(100), '3 abc12'), ['abc', ['12', { malformed: true }]]);
});

test('lengths in bytes, in either order', () => {
  assert.deepEqual(cut(prefixedFraming(100, { bytes: 1, order: 'big' }), '\x02ab\x00\x01c'), ['ab', '', 'c']);
  assert.deepEqual(cut(prefixedFraming(100, { bytes: 2, order: 'big' }), '\x00\x02ab'), ['ab']);
  assert.deepEqual(cut(prefixedFraming(300, { bytes: 4, order: 'little' }), '\x03\x00\x00\x00abc\x05\x00'), [
    'abc',
    ['\x05\x00', { malformed: true }],
  ]);
});

test('a connection that begins with a count and a priority is octet-counted, any other has lines', () => {
  assert.deepEqual(cut(new ToldApart(100), '6 <1>a\nb3 xyz'), ['<1>a\nb', 'xyz']);
  assert.deepEqual(cut(new ToldApart(100), '<1>a\n3 xyz\n'), ['<1>a', '3 xyz']);
  assert.deepEqual(cut(new ToldApart(100), '6 months later\nx\n'), ['6 months later', 'x']);
  assert.deepEqual(cut(new ToldApart(100), '1234567890 <1>\n'), ['1234567890 <1>']);
  assert.deepEqual(cut(new ToldApart(100), '12'), ['12']);
  assert.deepEqual(cut(new ToldApart(100), '12', { clean: false }), [['12', { incomplete: true }]]);
  assert.deepEqual(cut(new ToldApart(100), ''), []);
});

test('a connection whose first frame ends with NUL has such frames, whatever its first pieces were', () => {
  assert.deepEqual(cut(new ToldApart(100), '<1>a\nb\0<1>c\0'), ['<1>a\nb\0<1>c\0'.slice(0, 4), 'b\0<1>c\0']);
  assert.deepEqual(cut(new ToldApart(100), '<1>a\0<1>b\nc\0'), ['<1>a', '<1>b\nc']);
  assert.deepEqual(cut(new ToldApart(100), '12 monkeys\0x\0'), ['12 monkeys', 'x']);
  const long = 'x'.repeat(150);
  assert.deepEqual(cut(new ToldApart(100), `${long}\0y\n`).length, 2, 'fragments of a line');
});

test('no chunking changes the frames', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const random = new SeededRandom(seed);
  const below = (end: number) => Math.floor(random.fraction() * end);
  const letters = ['\n', '\r\n', '\0', '3 ', '12 <', '0', '7 ä€😀', 'x', 'abcdefgh', '\x00\x01', '\x80', '\xff\n'];
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.concat(
      Array.from({ length: below(20) }, () => {
        const letter = letters[below(letters.length)]!;
        return Buffer.from(letter, below(2) === 0 ? 'utf8' : 'latin1');
      }),
    );
    const limit = 4 + below(12);
    for (const make of makers(limit)) {
      const whole = frames(make(), [bytes], round % 2 === 0).map(shown);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + below(round % 3 === 0 ? 1 : 9);
        pieces.push(bytes.subarray(at, at + length));
        at += length;
      }
      const cut = frames(make(), pieces, round % 2 === 0).map(shown);
      // What cannot be cut any more is what had arrived of it, which is a matter of chunks.
      const settled = (all: string[]) => all.filter((each) => !each.includes('malformed'));
      assert.deepEqual(
        settled(cut),
        settled(whole),
        `seed ${seed}, round ${round}, ${make} of ${bytes.toString('hex')}`,
      );
      assert.equal(cut.length, whole.length);
    }
  }
});

test('memory for a frame that has not ended stays within its limit, and is given back', () => {
  const framing = lineFraming(10_000);
  for (let at = 0; at < 100_000; at++) {
    framing.feed(Buffer.from('x'));
    while (framing.next() !== undefined);
    assert.ok(framing.heldBytes <= 20_000);
  }
  framing.feed(Buffer.from('\n'));
  assert.equal(framing.next()?.flaws?.fragment, 10);
  assert.equal(framing.heldBytes, 0);
});

function makers(limit: number): (() => Framing)[] {
  return [
    () => lineFraming(limit),
    () => nulFraming(limit),
    () => octetCountedFraming(limit),
    () => prefixedFraming(limit, { bytes: 1, order: 'big' }),
    () => prefixedFraming(limit, { bytes: 2, order: 'little' }),
    () => new ToldApart(limit),
  ];
}

function cut(framing: Framing, text: string, { clean = true } = {}): Cut[] {
  return frames(framing, [Buffer.from(text)], clean).map(({ bytes, flaws }) => {
    const body = Buffer.from(bytes).toString();
    return flaws === undefined ? body : [body, flaws];
  });
}

/** Pieces are overwritten once they were cut, as those of a connection are. */
function frames(framing: Framing, pieces: readonly Uint8Array[], clean: boolean) {
  const found: { bytes: Uint8Array; flaws: Flaws | undefined }[] = [];
  const keep = ({ bytes, flaws }: { bytes: Uint8Array; flaws?: Flaws | undefined }) =>
    void found.push({ bytes: Uint8Array.from(bytes), flaws });
  for (const piece of pieces) {
    const copy = Buffer.from(piece);
    framing.feed(copy);
    for (let frame = framing.next(); frame !== undefined; frame = framing.next()) keep(frame);
    if (framing.broken !== undefined) break;
    copy.fill('?');
  }
  const rest = framing.finish(clean);
  if (rest !== undefined) keep(rest);
  return found;
}

function shown({ bytes, flaws }: { bytes: Uint8Array; flaws: Flaws | undefined }): string {
  return `${Buffer.from(bytes).toString('hex')} ${JSON.stringify(flaws ?? {})}`;
}
