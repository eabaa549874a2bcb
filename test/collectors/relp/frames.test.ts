/** RELP's frames, in any pieces, within limits; and what is none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frames } from '../../../collectors/relp/frames.ts';

const dataMax = 20;

function parse(bytes: Buffer, sizes: () => number = () => bytes.length) {
  const frames = new Frames(dataMax);
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sizes();
    for (const one of frames.feed(bytes.subarray(at, at + size)))
      found.push(one.kind === 'frame' ? { ...one, data: one.data.toString('latin1') } : one);
    at += size;
  }
  return found;
}

const good = Buffer.from(
  '1 open 5 a\nb=c\n2 syslog 3 x\ny\n3 syslog 0\n4 syslog 0 \n5 syslog 50 ' +
    `${'long '.repeat(10)}\n6 syslog 20 ${'z'.repeat(20)}\n7 close 0\n`,
);

test('frames are read, with and without data; of what is too long the beginning', () => {
  const frame = (txnr: number, command: string, data: string, length = data.length) => {
    return { kind: 'frame', txnr, command, data, length };
  };
  assert.deepEqual(parse(good), [
    frame(1, 'open', 'a\nb=c'),
    frame(2, 'syslog', 'x\ny'),
    frame(3, 'syslog', ''),
    frame(4, 'syslog', ''),
    frame(5, 'syslog', 'long long long long ', 50),
    frame(6, 'syslog', 'z'.repeat(20)),
    frame(7, 'close', ''),
  ]);
});

test('any cutting into pieces gives the same frames', () => {
  const bytes = Buffer.concat([good, good, Buffer.from('9 syslog 2 abX7 close 0\n')]);
  const whole = parse(bytes);
  assert.deepEqual(whole.at(-1), { kind: 'broken', why: 'a frame does not end with a line feed' });
  for (const size of [1, 2, 3, 5, 7, 11, 19, 20, 21, 50])
    assert.deepEqual(
      parse(bytes, () => size),
      whole,
      `${size}`,
    );
});

test('what is no frame ends the session, and nothing behind it is read', () => {
  const bad = [
    'x',
    '1  open 0\n',
    '1234567890 open 0\n',
    '1 op-en 0\n',
    '1 open 1234567890 x\n',
    '1 open 3\n',
    '1 open 1 ab\n',
  ];
  for (const one of bad) {
    const found = parse(Buffer.from(`${one}1 close 0\n`), () => 1) as { kind: string }[];
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['broken'],
      JSON.stringify(one),
    );
  }
});
