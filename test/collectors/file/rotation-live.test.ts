/** Tailing while the agent runs: appends, rotations of every style, deletions. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { Bench, lines, noHints } from './bench.ts';

test('lines are taken as they are appended, and a restart goes on where it was', async () => {
  await using bench = new Bench();
  await bench.started('one\ntwo\n');
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  await bench.restart(() => bench.write('a.log', 'four\n'));
  await bench.holds('a.log', 'one\ntwo\nthree\nfour\n');
});

test('a file that appears later is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.start();
  bench.write('late.log', 'one\n');
  await bench.holds('late.log', 'one\n');
});

test('a renamed file is read to its end before its successor, and its writer may keep it for a while', async () => {
  await using bench = new Bench();
  await bench.started('1\n');
  const writer = fs.openSync(bench.path('a.log'), 'a');
  bench.rename('a.log', 'a.log.1');
  fs.writeSync(writer, '2\n');
  await bench.holds('a.log', '1\n2\n');
  fs.writeSync(writer, '3\n');
  bench.write('a.log', '4\n');
  fs.closeSync(writer);
  await bench.holds('a.log', '1\n2\n3\n4\n');
});

test('a renamed file that was read to its end is still read when its writer comes back to it', async () => {
  await using bench = new Bench();
  await bench.started('1\n');
  const writer = fs.openSync(bench.path('a.log'), 'a');
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', '2\n');
  await bench.holds('a.log', '1\n2\n');
  await bench.pause(500); // some turns with nothing new
  assert.equal(bench.collector!.status().gauges.open_files, 2, 'its descriptor is kept');
  fs.writeSync(writer, '3\n');
  fs.closeSync(writer);
  await bench.until(() => bench.intake.mirrored(bench.path('a.log')).includes('3\n'));
  const sources = bench.intake.entries.filter(({ run }) => run.records > 0).map(({ run }) => run.source);
  assert.equal(sources[2], sources[0], 'as more of the same generation');
});

test('what came and was rotated between two looks is found, though a late line made the older file the younger one', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  await bench.started(lines(0, 10));
  const now = Date.now() / 1000;
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', lines(12, 20));
  fs.utimesSync(bench.path('a.log'), now, now);
  bench.write('a.log.1', lines(10, 12));
  fs.utimesSync(bench.path('a.log.1'), now + 2, now + 2);
  bench.rename('a.log', 'a.log-20260101');
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(0, 30));
});

test('several rotations between two looks lose nothing and keep the order', async () => {
  await using bench = new Bench();
  await bench.started('1\n');
  for (const line of ['2', '3', '4', '5']) {
    if (fs.existsSync(bench.path('a.log.2'))) bench.rename('a.log.2', 'a.log.3');
    if (fs.existsSync(bench.path('a.log.1'))) bench.rename('a.log.1', 'a.log.2');
    bench.rename('a.log', 'a.log.1');
    bench.write('a.log', `${line}\n`);
  }
  await bench.holds('a.log', '1\n2\n3\n4\n5\n');
});

test('a file that is truncated is read again from its beginning', async () => {
  await using bench = new Bench();
  await bench.started('one\ntwo\n');
  fs.truncateSync(bench.path('a.log'), 0);
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
});

test('an open file that was deleted is read to its end', async () => {
  await using bench = new Bench();
  await bench.started('one\n');
  const writer = fs.openSync(bench.path('a.log'), 'a');
  bench.remove('a.log');
  fs.writeSync(writer, 'two\n');
  await bench.holds('a.log', 'one\ntwo\n');
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  fs.closeSync(writer);
});

test('an archive that stands beside the plain file it is made from is not read as another generation', async () => {
  await using bench = new Bench();
  const lines = 'a line that is long enough to be told from others\n'.repeat(1000);
  await bench.started(lines);
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', '');
  bench.write('a.log.1.gz', zlib.gzipSync(lines));
  await bench.pause(300);
  bench.remove('a.log.1');
  bench.write('a.log', 'next\n');
  await bench.holds('a.log', `${lines}next\n`);
  bench.write('a.log', 'last\n');
  await bench.holds('a.log', `${lines}next\nlast\n`);
});

test('what comes late to an older file does not come between the halves of a line of the newer one', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10));
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', 'one\ntw');
  await bench.holds('a.log', `${lines(0, 10)}one\n`);
  await bench.pause(600); // `partial_timeout` is 100 ms
  bench.write('a.log.1', 'late\n');
  await bench.holds('a.log', `${lines(0, 10)}one\nlate\n`);
  bench.write('a.log', 'o\n');
  await bench.holds('a.log', `${lines(0, 10)}one\nlate\ntwo\n`);
});

test('such a half is taken all the same when the older file is no longer watched', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10));
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', 'one\ntw');
  await bench.holds('a.log', `${lines(0, 10)}one\n`);
  bench.skewMs = 10_000;
  await bench.holds('a.log', `${lines(0, 10)}one\ntw`);
});

test("a newer file waits for the end of the older one's last line", async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\ntw');
  await bench.start({ partialTimeoutMs: 2000 });
  await bench.holds('a.log', 'one\n');
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', 'three\n');
  await bench.pause(200);
  bench.write('a.log.1', 'o\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
});
