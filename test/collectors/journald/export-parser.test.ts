/** The journal's export format: what journalctl writes, in any pieces, within limits, and what no journalctl writes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportParser, type Parsed } from '../../../collectors/journald/export-parser.ts';

const bytesMax = 4096;

function binary(name: string, value: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from('\n')]);
}

function parse(bytes: Buffer, sizes: (at: number) => number = () => bytes.length): Parsed[] {
  const parser = new ExportParser(bytesMax);
  const found: Parsed[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sizes(at);
    found.push(...parser.feed(bytes.subarray(at, at + size)));
    at += size;
  }
  return found;
}

function fieldsOf(parsed: Parsed | undefined): unknown {
  assert.equal(parsed?.kind, 'entry');
  return Object.fromEntries(parsed.kind === 'entry' ? parsed.fields : []);
}

/** As journalctl 252 wrote them. */
const two = Buffer.concat([
  Buffer.from(
    '__CURSOR=s=83931206b2de46cdaae31fc06a9ed5dc;i=163\n_PID=31344\nMESSAGE=two = too\nFOO=a\nFOO=b\nFOO=\n\n',
  ),
  Buffer.from('__CURSOR=s=83931206b2de46cdaae31fc06a9ed5dc;i=164\n'),
  binary('MESSAGE', Buffer.from('bin\n\nary\x01\xff', 'latin1')),
  binary('TEXT', Buffer.from('two\nlines')),
  binary('NOTHING', Buffer.alloc(0)),
  Buffer.from('PRIORITY=5\n\n'),
]);

test('text, binary and repeated fields are read', () => {
  const [one, other, ...more] = parse(two);
  assert.deepEqual(fieldsOf(one), {
    __CURSOR: 's=83931206b2de46cdaae31fc06a9ed5dc;i=163',
    _PID: '31344',
    MESSAGE: 'two = too',
    FOO: ['a', 'b', ''],
  });
  assert.deepEqual(fieldsOf(other), {
    __CURSOR: 's=83931206b2de46cdaae31fc06a9ed5dc;i=164',
    MESSAGE: { bytes: Buffer.from('bin\n\nary\x01\xff', 'latin1').toString('base64') },
    TEXT: 'two\nlines',
    NOTHING: '',
    PRIORITY: '5',
  });
  assert.deepEqual(more, []);
  assert.equal((one?.bytes ?? 0) + (other?.bytes ?? 0), two.length);
});

test('what is too long, or too much, is passed over and noted, and the next entry is whole', () => {
  const long = 'x'.repeat(3 * bytesMax);
  const bytes = Buffer.concat([
    Buffer.from(`A=1\nLONG=${long}\nB=2\n`),
    binary('MORE', Buffer.from(long)),
    Buffer.from('\nA=next\n\n'),
    Buffer.from(`${Array.from({ length: 1030 }, (_, n) => `${n % 9}=`).join('\n')}\n\nA=last\n\n`),
  ]);
  const [first, next, many, last] = parse(bytes);
  assert.ok(first?.kind === 'entry' && many?.kind === 'entry');
  assert.equal((first.fields.get('LONG') as string).length, bytesMax - 'A1LONG'.length);
  assert.deepEqual(
    [...(first.cut?.fields ?? [])],
    [
      ['LONG', long.length],
      ['B', 1],
      ['MORE', long.length],
    ],
  );
  assert.equal(many.cut?.more, 6);
  assert.deepEqual([fieldsOf(next), fieldsOf(last)], [{ A: 'next' }, { A: 'last' }]);
});

test('any cutting into pieces gives the same entries', () => {
  const garbage = Buffer.from('=no name\nA=1\n\nNO EQUALS\n');
  const bytes = Buffer.concat([two, garbage, two, Buffer.from(`L=${'y'.repeat(2 * bytesMax)}\n\n`), two]);
  const whole = parse(bytes);
  for (const size of [1, 2, 3, 7, 8, 9, 64, 1000])
    assert.deepEqual(
      parse(bytes, () => size),
      whole,
      `pieces of ${size}`,
    );
  let seed = 7;
  const random = () => {
    seed = (seed * 48_271) % 0x7fffffff;
    return 1 + (seed % 50);
  };
  for (let round = 0; round < 50; round++) assert.deepEqual(parse(bytes, random), whole, `round ${round}`);
});

test('bytes that follow no rule cost the entry in which they stand', () => {
  const absurd = Buffer.concat([Buffer.from('A=1\nNAME\n'), Buffer.alloc(8, 0xff), Buffer.from('rest\n\n')]);
  const noEnd = Buffer.concat([binary('NAME', Buffer.from('x')).subarray(0, -1), Buffer.from('y\n\n')]);
  const tooLong = Buffer.from(`${'N'.repeat(300)}\n\n`);
  for (const bad of [absurd, noEnd, tooLong, Buffer.from('=x\n\n')]) {
    const [damaged, ...rest] = parse(Buffer.concat([bad, two]));
    assert.deepEqual(damaged, { kind: 'damaged', bytes: bad.length });
    assert.deepEqual(rest, parse(two));
  }
});
