/** copytruncate, compression and deletion while the agent runs. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { Bench, lines, noHints } from './bench.ts';

function copyTruncate(bench: Bench, name: string, to: string): void {
  fs.copyFileSync(bench.path(name), bench.path(to));
  fs.truncateSync(bench.path(name));
}

/** All text of the paths that begin with a name. */
function everything(bench: Bench, name: string): string {
  const paths = new Set([...bench.intake.descriptions.values()].map((one) => one.attributes['log.file.path'] ?? ''));
  return [...paths]
    .filter((path) => path.startsWith(bench.path(name)))
    .map((path) => bench.intake.mirrored(path))
    .join('');
}

test('copytruncate: the copy is not read again, even where its name is included', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100), { include: [bench.path('a.log*')] });
  copyTruncate(bench, 'a.log', 'a.log.1');
  bench.write('a.log', lines(100, 120));
  await bench.holds('a.log', lines(0, 120));
  await bench.pause(500);
  assert.equal(everything(bench, 'a.log'), lines(0, 120));
});

test('a copy that stands for a while before its original is truncated is not read', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100), { include: [bench.path('a.log*')] });
  fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
  await bench.pause(700);
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', lines(100, 120));
  await bench.holds('a.log', lines(0, 120));
  await bench.pause(500);
  assert.equal(everything(bench, 'a.log'), lines(0, 120));
});

test('copytruncate before everything was read: the rest is found in the copy', async () => {
  await using bench = new Bench();
  await bench.started();
  bench.intake.hold = 'disk_full';
  bench.write('a.log', lines(10, 20));
  await bench.until(() => bench.collector!.status().sources[0]!.state === 'waiting');
  copyTruncate(bench, 'a.log', 'a.log.1');
  bench.write('a.log', lines(20, 30));
  bench.intake.release();
  await bench.holds('a.log', lines(0, 30));
  assert.deepEqual(bench.intake.dropped, []);
});

test('a file that is filled, copied and truncated between two looks that both find it empty is read from its copy', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: { watch: () => ({ [Symbol.dispose]() {} }) } }; // as where the kernel drops events
  bench.write('a.log', '');
  bench.write('b.log', lines(0, 1));
  await bench.start();
  await bench.holds('b.log', lines(0, 1));
  await bench.pause(300);
  bench.write('a.log', lines(0, 10));
  copyTruncate(bench, 'a.log', 'a.log.1');
  await bench.holds('a.log', lines(0, 10));
});

test('what a truncation destroys unread is counted by range where it was seen', async () => {
  await using bench = new Bench();
  await bench.started();
  bench.intake.hold = 'disk_full';
  bench.write('a.log', lines(10, 20));
  await bench.until(() => bench.collector!.status().sources[0]!.lagBytes > 0);
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', lines(20, 30));
  bench.intake.release();
  await bench.holds('a.log', lines(0, 10) + lines(20, 30));
  assert.deepEqual(bench.intake.dropped, [
    { reason: 'truncated', bytes: lines(10, 20).length, path: bench.path('a.log') },
  ]);
  const [from, to] = [lines(0, 10).length, lines(0, 20).length];
  assert.deepEqual(
    bench.logged.map(({ event, subject, attributes }) => ({ event, subject, ...attributes })),
    [{ event: 'file.truncated_unread', subject: bench.path('a.log'), source: 1, from, to }],
  );
});

test('a copy that was made before the last lines were read is read again, and that is said', async () => {
  await using bench = new Bench();
  await bench.started();
  fs.copyFileSync(bench.path('a.log'), bench.path('copy'));
  bench.write('a.log', lines(10, 12));
  await bench.holds('a.log', lines(0, 12));
  bench.rename('copy', 'a.log.1');
  fs.utimesSync(bench.path('a.log.1'), new Date(), new Date());
  fs.truncateSync(bench.path('a.log'));
  await bench.holds('a.log', lines(0, 12) + lines(0, 10));
  assert.deepEqual(
    bench.logged.map(({ event, subject }) => ({ event, subject })),
    [{ event: 'file.unclear', subject: bench.path('a.log') }],
  );
});

test('what is written to a file after a truncation is not said to be lost, though it is longer', async () => {
  await using bench = new Bench();
  await bench.started();
  const size = () => bench.collector!.status().sources[0]!.size;
  bench.intake.hold = 'disk_full';
  bench.write('a.log', lines(10, 12));
  await bench.until(() => size() === lines(0, 12).length);
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', lines(20, 60));
  await bench.until(() => size() === lines(20, 60).length);
  bench.intake.release();
  await bench.holds('a.log', lines(0, 10) + lines(20, 60));
  assert.deepEqual(bench.intake.dropped, [
    { reason: 'truncated', bytes: lines(10, 12).length, path: bench.path('a.log') },
  ]);
});

test('what a truncation destroys of a file that was empty when it was found is said too', async () => {
  await using bench = new Bench();
  bench.write('a.log', '');
  const empty = bench.told('a.log (0 bytes) is new');
  await bench.start();
  await bench.until(empty);
  bench.intake.hold = 'disk_full';
  bench.write('a.log', lines(0, 10));
  await bench.until(() => bench.collector!.status().sources[0]!.size > 0);
  fs.truncateSync(bench.path('a.log'));
  bench.intake.release();
  await bench.until(() => bench.logged.length > 0);
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(20, 30));
  const bytes = lines(0, 10).length;
  assert.deepEqual(bench.intake.dropped, [{ reason: 'truncated', bytes, path: bench.path('a.log') }]);
  assert.deepEqual(
    bench.logged.map(({ event, attributes }) => ({ event, ...attributes })),
    [{ event: 'file.truncated_unread', source: 2, from: 0, to: bytes }],
  );
});

test('what a truncation destroys of it is said though a longer copy was missed too: that begins otherwise', async () => {
  await using bench = new Bench();
  bench.write('a.log', '');
  const empty = bench.told('a.log (0 bytes) is new');
  await bench.start();
  await bench.until(empty);
  bench.intake.hold = 'disk_full';
  bench.write('a.log.1', lines(0, 100)); // as if it had been written, copied and cut off unseen
  bench.write('a.log', lines(200, 210));
  await bench.until(() => bench.collector!.status().sources[0]!.size > 0);
  fs.truncateSync(bench.path('a.log'));
  bench.intake.release();
  await bench.holds('a.log', lines(0, 100));
  await bench.until(() => bench.logged.length > 0);
  assert.deepEqual(rangesTold(bench), [[0, lines(200, 210).length]]);
});

test('what was written after a truncation, seen, and truncated again before it was read is said', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 5));
  bench.intake.hold = 'disk_full';
  bench.write('b.log', 'has to wait, and everybody with it\n');
  await bench.until(() => bench.collector!.status().sources.some(({ name, size }) => /b\.log$/.test(name) && size > 0));
  await bench.pause(50);
  fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', lines(200, 220));
  const bytes = lines(200, 220).length;
  await bench.until(() => bench.collector!.status().sources.some(({ size }) => size === bytes));
  fs.truncateSync(bench.path('a.log'));
  bench.intake.release();
  await bench.until(() => bench.logged.length > 0);
  assert.deepEqual(rangesTold(bench), [[0, bytes]]);
  bench.write('a.log', lines(300, 310));
  await bench.holds('a.log', lines(0, 5) + lines(300, 310));
});

test('what was found, grew, and was truncated before anything of it was read is said once', async () => {
  await using bench = new Bench();
  await bench.start();
  bench.intake.hold = 'disk_full';
  const size = (bytes: number) => () => bench.collector!.status().sources[0]?.size === bytes;
  bench.write('a.log', lines(0, 10));
  await bench.until(size(lines(0, 10).length));
  bench.write('a.log', lines(10, 20));
  await bench.until(size(lines(0, 20).length));
  fs.truncateSync(bench.path('a.log'));
  bench.intake.release();
  await bench.until(() => bench.logged.length > 0);
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(20, 30));
  assert.deepEqual(rangesTold(bench), [[0, lines(0, 20).length]]);
});

function rangesTold(bench: Bench): unknown[] {
  return bench.logged.map(({ attributes }) => [attributes?.from, attributes?.to]);
}

test('a rotated file that is compressed while it is read is read once', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100), { include: [bench.path('a.log*')] });
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', lines(100, 110));
  await bench.holds('a.log', lines(0, 110));
  bench.write('a.log.1.gz', zlib.gzipSync(fs.readFileSync(bench.path('a.log.1'))));
  bench.remove('a.log.1');
  await bench.pause(600);
  bench.write('a.log', lines(110, 120));
  await bench.holds('a.log', lines(0, 120));
  await bench.restart();
  await bench.pause(600);
  assert.equal(everything(bench, 'a.log'), lines(0, 120));
});

test('an included compressed file is expanded', async () => {
  await using bench = new Bench();
  bench.write('b.log.gz', zlib.gzipSync(Buffer.from(`${lines(0, 3000)}no end`)));
  await bench.start({ include: [bench.path('*')] });
  await bench.holds('b.log.gz', `${lines(0, 3000)}no end`);
  await bench.restart();
  await bench.pause(300);
  await bench.holds('b.log.gz', `${lines(0, 3000)}no end`);
});

test('an included compressed file that is still being written is read when it is whole, hints or not', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  const archive = zlib.gzipSync(Buffer.from(lines(0, 3000)));
  bench.write('b.log.gz', archive.subarray(0, 1000));
  await bench.start({ include: [bench.path('*')] });
  await bench.pause(100);
  bench.write('b.log.gz', archive.subarray(1000));
  await bench.holds('b.log.gz', lines(0, 3000));
});

test('a busy file does not keep the others waiting', async () => {
  await using bench = new Bench();
  const big = Buffer.alloc(20 * 1024 * 1024, 'a line of the big file\n');
  bench.write('big.log', big);
  bench.intake.hold = 'unsynced';
  await bench.start();
  for (let at = 0; at < 100; at++) bench.write(`${at}.log`, lines(0, 3));
  await bench.until(() => bench.collector!.status().gauges.files === 101);
  bench.intake.release();
  await bench.until(() => bench.intake.entries.some(({ run }) => run.to === big.length));
  for (let at = 0; at < 100; at++) await bench.holds(`${at}.log`, lines(0, 3));
  const taken = bench.intake.entries.filter(({ run }) => run.records > 0);
  const names = taken.map(({ run }) => bench.intake.descriptions.get(run.source)!.attributes['log.file.name']);
  const lastSmall = names.findLastIndex((name) => name !== 'big.log');
  const turnsBefore = names.slice(0, lastSmall).filter((name) => name === 'big.log').length;
  assert(turnsBefore <= 4, `the big file had ${turnsBefore} turns before the last of the others had one`);
});

test('more files than may be open at once take turns, and status says so', async () => {
  await using bench = new Bench();
  for (let at = 0; at < 20; at++) bench.write(`${at}.log`, lines(0, 3));
  await bench.start({ openFilesMax: 4 });
  for (let round = 3; round < 6; round++) {
    for (let at = 0; at < 20; at++) await bench.holds(`${at}.log`, lines(0, round));
    for (let at = 0; at < 20; at++) bench.write(`${at}.log`, lines(round, round + 1));
  }
  const { gauges, problems } = bench.collector!.status();
  assert(gauges.open_files! <= 4);
  assert(problems.some(({ cause }) => cause === 'open_files'));
});

test('a deleted file that is not read to its end keeps its descriptor, however many others want one', async () => {
  await using bench = new Bench();
  bench.options = { openFilesMax: 2 };
  await bench.started();
  bench.intake.hold = 'unsynced';
  bench.write('a.log', lines(10, 20));
  bench.remove('a.log');
  await bench.until(() => bench.collector!.status().gauges.deleted_held_bytes! > 0);
  for (let at = 0; at < 10; at++) bench.write(`${at}.log`, lines(0, 3));
  await bench.until(() => bench.collector!.status().gauges.files === 11);
  bench.intake.release();
  await bench.holds('a.log', lines(0, 20));
  for (let at = 0; at < 10; at++) await bench.holds(`${at}.log`, lines(0, 3));
  assert.deepEqual(bench.intake.dropped, []);
});

test('a deleted file is not held longer than allowed, and what is given up is counted', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10), { deletedFileLimitMs: 300 });
  bench.intake.hold = 'spool_full';
  bench.write('a.log', lines(10, 20));
  bench.remove('a.log');
  await bench.until(() => bench.collector!.status().gauges.deleted_held_bytes! > 0);
  await bench.until(() => bench.intake.dropped.length > 0);
  assert.deepEqual(bench.intake.dropped, [
    { reason: 'deleted_limit', bytes: lines(10, 20).length, path: bench.path('a.log') },
  ]);
  const [from, to] = [lines(0, 10).length, lines(0, 20).length];
  assert.deepEqual(
    bench.logged.map(({ event, subject, attributes }) => ({ event, subject, ...attributes })),
    [{ event: 'file.deleted_limit', subject: bench.path('a.log'), source: 1, from, to }],
  );
  await bench.until(() => bench.collector!.status().gauges.open_files === 0);
});

test('a source that is behind for long without back-pressure is stalled, with the reason', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  fs.truncateSync(bench.path('a.log'), 10_000);
  await bench.start();
  await bench.holds('a.log', 'one\n');
  bench.skewMs = 40_000;
  const first = () => bench.collector!.status().sources[0]!;
  await bench.until(() => first().state === 'stalled' && /NUL/.test(first().reason ?? ''));
});

test('a quiet file is closed, and read on when it grows, is rotated, or both', async () => {
  await using bench = new Bench();
  bench.write('a.log', lines(0, 10));
  bench.write('b.log', lines(0, 10));
  await bench.start();
  await bench.holds('a.log', lines(0, 10));
  await bench.holds('b.log', lines(0, 10));
  bench.skewMs = 20_000;
  await bench.pause(300);
  bench.write('a.log', lines(10, 12));
  await bench.holds('a.log', lines(0, 12));
  bench.skewMs = 700_000;
  await bench.until(() => bench.collector!.status().gauges.open_files === 0);
  bench.write('a.log', lines(12, 20));
  bench.write('b.log', lines(10, 20));
  bench.rename('b.log', 'b.log.1');
  bench.write('b.log', lines(20, 30));
  await bench.holds('a.log', lines(0, 20));
  await bench.holds('b.log', lines(0, 30));
});
