/** What is in the files: last lines without an end, long lines, NUL bytes, bytes that are no text. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { hostFiles } from '../../../agent/host/files.ts';
import { Bench } from './bench.ts';

test('a last line without an end is taken after the time-out, and what follows continues it', async () => {
  await using bench = new Bench();
  await bench.started('one\ntw');
  bench.write('a.log', 'o\nthree\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  const flags = bench.intake.entries
    .filter(({ run }) => run.records > 0)
    .map(({ run }) => [run.unterminated, run.continues]);
  assert.deepEqual(flags, [
    [false, false],
    [true, false],
    [false, true],
  ]);
});

test('that a line is open is known after a restart', async () => {
  await using bench = new Bench();
  await bench.started('tw');
  await bench.restart(() => bench.write('a.log', 'o\n'));
  await bench.holds('a.log', 'two\n');
  assert.equal(bench.intake.entries.findLast(({ run }) => run.records > 0)?.run.continues, true);
});

test('a line that is written byte by byte is one record', async () => {
  await using bench = new Bench();
  await bench.start({ partialTimeoutMs: 5000 });
  const line = 'a line that takes its time\r\n';
  for (const byte of line) {
    bench.write('a.log', byte);
    await bench.pause(3);
  }
  await bench.holds('a.log', line);
  assert.equal(bench.intake.entries.filter(({ run }) => run.records > 0).length, 1);
});

test('CRLF, empty lines and bytes that are no UTF-8 are kept byte for byte', async () => {
  await using bench = new Bench();
  const content = Buffer.concat([
    Buffer.from('one\r\n\r\n\n'),
    Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0, 0, 10]),
    Buffer.from('ä\n'),
  ]);
  bench.write('a.log', content);
  await bench.start();
  await bench.until(() => bench.intake.mirroredBytes(bench.path('a.log')).length === content.length);
  assert.deepEqual(bench.intake.mirroredBytes(bench.path('a.log')), content);
});

for (const megabytes of [3, 100]) {
  test(`a line of ${megabytes} MB is carried in fragments, and the file goes on`, async () => {
    await using bench = new Bench();
    const long = Buffer.alloc(megabytes * 1_000_000, 'x');
    bench.write('a.log', 'before\n');
    bench.write('a.log', long);
    bench.write('a.log', '\nafter\n');
    await bench.start();
    const expected = Buffer.concat([Buffer.from('before\n'), long, Buffer.from('\nafter\n')]);
    await bench.until(() => bench.intake.entries.some(({ run }) => run.to === expected.length));
    assert(bench.intake.mirroredBytes(bench.path('a.log')).equals(expected));
    assert(
      bench.intake.entries.every(({ run }) => run.bytes <= 1024 * 1024 + 1),
      'no record is longer than the limit',
    );
    const fragments = bench.intake.entries.filter(({ run }) => run.unterminated);
    assert.equal(fragments.length, Math.ceil((megabytes * 1_000_000) / (1024 * 1024)) - 1);
  });
}

test('however much room the spool has, one turn takes a quantum', async () => {
  await using bench = new Bench();
  bench.intake.viewBytes = 4 * 1024 * 1024;
  const text = 'a line of a file that has many of them\n'.repeat(50_000);
  await bench.started(text);
  const largest = Math.max(...bench.intake.entries.map(({ run }) => run.bytes));
  assert(largest <= 256 * 1024, `${largest} bytes in one turn`);
});

test('an empty file costs the spool nothing until there is something in it', async () => {
  await using bench = new Bench();
  const paths = () => [...bench.intake.descriptions.values()].flatMap((one) => one.attributes['log.file.name'] ?? []);
  bench.write('empty.log', '');
  await bench.started('one\n');
  await bench.until(() => bench.collector!.status().sources.length === 2);
  await bench.pause(300); // some turns
  assert.deepEqual(paths(), ['a.log']);
  bench.write('empty.log', 'two\n');
  await bench.holds('empty.log', 'two\n');
  assert.deepEqual(paths(), ['a.log', 'empty.log']);
});

test('a small line limit cuts every line that is longer, and no other', async () => {
  await using bench = new Bench();
  const texts = ['1234567890', '12345678901', '', '12345678901234567890', 'x', '123456789012345678901'];
  await bench.started(`${texts.join('\n')}\n`, { maxLineBytes: 10 });
  const records = bench.intake.entries.flatMap(({ bytes }) => bytes.toString().split('\n').slice(0, -1));
  const expected = [
    '1234567890',
    '1234567890',
    '1',
    '',
    '1234567890',
    '1234567890',
    'x',
    '1234567890',
    '1234567890',
    '1',
  ];
  assert.deepEqual(records, expected);
});

test('a run of NUL bytes with text behind it is passed over by range and counted', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\ntorn');
  const writer = fs.openSync(bench.path('a.log'), 'r+');
  fs.writeSync(writer, 'after\n', 200_000);
  fs.closeSync(writer);
  await bench.start();
  await bench.holds('a.log', 'one\ntornafter\n');
  assert.deepEqual(bench.intake.dropped, [{ reason: 'hole', bytes: 200_000 - 8, path: bench.path('a.log') }]);
});

test('a large hole costs no memory and no record', async () => {
  await using bench = new Bench();
  const writer = fs.openSync(bench.path('a.log'), 'w');
  fs.writeSync(writer, 'before\n');
  fs.writeSync(writer, 'after\n', 2 ** 26);
  fs.closeSync(writer);
  await bench.start();
  await bench.holds('a.log', 'before\nafter\n');
  assert.deepEqual(
    bench.intake.dropped.map(({ reason, bytes }) => [reason, bytes]),
    [['hole', 2 ** 26 - 7]],
  );
});

test('a hole inside an archive is passed over piece by piece: it is not kept in memory', async () => {
  await using bench = new Bench();
  const holeBytes = 40 * 1024 * 1024;
  const content = Buffer.concat([Buffer.from('one\ntorn'), Buffer.alloc(holeBytes), Buffer.from('after\n')]);
  bench.write('a.log.gz', zlib.gzipSync(content, { level: 1 }));
  await bench.start({ include: [bench.path('a.log.gz')] });
  await bench.holds('a.log.gz', 'one\ntornafter\n');
  const dropped = bench.intake.dropped.map(({ reason, bytes }) => {
    assert.equal(reason, 'hole');
    return bytes;
  });
  assert.equal(
    dropped.reduce((sum, bytes) => sum + bytes, 0),
    holeBytes,
  );
  assert(Math.max(...dropped) <= 5 * 1024 * 1024, `${dropped} were kept`);
});

test('a line that NUL bytes tear at the end of a file is taken, not passed over with them', async () => {
  await using bench = new Bench();
  const torn = Buffer.concat([Buffer.from('one\ntorn'), Buffer.alloc(10_000)]);
  bench.write('a.log', torn);
  bench.write('b.log.gz', zlib.gzipSync(torn));
  await bench.start({ include: [bench.path('*')] });
  await bench.holds('a.log', 'one\ntorn');
  await bench.holds('b.log.gz', 'one\ntorn');
  assert.deepEqual(bench.intake.dropped, [{ reason: 'hole', bytes: 10_000, path: bench.path('b.log.gz') }]);
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', 'two\n');
  await bench.pause(300);
  bench.skewMs = 15_000; // by then nothing is expected to fill them in
  await bench.holds('a.log', 'one\ntorntwo\n');
  assert.deepEqual(bench.intake.dropped.at(-1), { reason: 'hole', bytes: 10_000, path: bench.path('a.log') });
});

test('holes in files on network mounts: passed over where something stands behind them, else waited for', async () => {
  await using bench = new Bench();
  let looks = 0;
  const statLater = (path: string) => {
    looks++;
    return hostFiles.statLater(path);
  };
  bench.ports = { mounts: { typeOf: () => 'nfs4' }, files: { ...hostFiles, statLater } };
  const hole = Buffer.alloc(3_000_000);
  bench.write('a.log', Buffer.concat([Buffer.from('one\ntorn'), hole, Buffer.from('two\n')]));
  bench.write('b.log', Buffer.concat([Buffer.from('one\n'), hole]));
  await bench.start({ networkFs: true, partialTimeoutMs: 1000 });
  await bench.holds('a.log', 'one\ntorntwo\n');
  assert(looks < 100, `${looks} looks while a torn line had its time`);
  await bench.holds('b.log', 'one\n');
  const before = looks;
  await bench.pause(300);
  assert(looks - before < 20, `${looks - before} looks at files that do not change`);
  const writer = fs.openSync(bench.path('b.log'), 'r+');
  fs.writeSync(writer, 'three\n', 4);
  fs.closeSync(writer);
  await bench.holds('b.log', 'one\nthree\n');
  bench.write('b.log', 'four\ntorn');
  bench.write('b.log', hole);
  await bench.holds('b.log', 'one\nthree\nfour\ntorn');
  assert.deepEqual(bench.intake.dropped, [
    { reason: 'hole', bytes: 3_000_000, path: bench.path('a.log') },
    { reason: 'hole', bytes: 3_000_000 - 6, path: bench.path('b.log') },
  ]);
});

test('NUL bytes at the end of a file may be filled in later, and are not passed over before', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  fs.truncateSync(bench.path('a.log'), 100_000);
  await bench.start();
  await bench.holds('a.log', 'one\n');
  const writer = fs.openSync(bench.path('a.log'), 'r+');
  fs.writeSync(writer, 'two\n', 4);
  await bench.holds('a.log', 'one\ntwo\n');
  fs.writeSync(writer, 'three\n', 8);
  fs.closeSync(writer);
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  assert.deepEqual(bench.intake.dropped, []);
  assert.equal(bench.collector?.status().sources[0]?.state, 'waiting');
});

test('a few NUL bytes inside a line are part of it', async () => {
  await using bench = new Bench();
  await bench.started('a\0\0\0b\n');
});

test('a file that is truncated and grows past the old position between two looks is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.started('the first content\n');
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', 'the second content, which is longer than the first\n');
  await bench.holds('a.log', 'the first content\nthe second content, which is longer than the first\n');
});

test('a file that is rewritten in place with the same length is read again', async () => {
  await using bench = new Bench();
  await bench.started('the first content\n');
  fs.writeFileSync(bench.path('a.log'), 'the other content\n');
  await bench.holds('a.log', 'the first content\nthe other content\n');
});

test('while the spool takes nothing files wait, and go on by themselves', async () => {
  await using bench = new Bench();
  bench.intake.hold = 'spool_full';
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.pause(50);
  assert.equal(bench.intake.entries.filter(({ run }) => run.records > 0).length, 0);
  assert.equal(bench.collector?.status().sources[0]?.state, 'waiting');
  bench.intake.release();
  await bench.holds('a.log', 'one\n');
});
