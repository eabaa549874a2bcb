/** Which files there are: patterns, folders that appear later, hints and the scan that does without them. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { Bench, causes, filesWith, noHints } from './bench.ts';

test('a directory that appears later is found, with the directories in it', async () => {
  await using bench = new Bench();
  await bench.start({ include: [bench.path('apps/**/*.log')] });
  assert.deepEqual(causes(bench), ['no_files']);
  bench.write('apps/one/deep/a.log', 'one\n');
  await bench.holds('apps/one/deep/a.log', 'one\n');
  bench.write('apps/two/b.log', 'two\n');
  await bench.holds('apps/two/b.log', 'two\n');
});

test('hints bring new files, folders and lines long before the next scan', async () => {
  await using bench = new Bench();
  await bench.started('one\n', { include: [bench.path('**/*.log')], scanIntervalMs: 3_600_000 });
  bench.write('b.log', 'two\n');
  await bench.holds('b.log', 'two\n');
  bench.write('folder/in/folder/c.log', 'three\n');
  await bench.holds('folder/in/folder/c.log', 'three\n');
});

test('what is excluded begins no source, but a file that is read is followed under an excluded name', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  bench.write('b.log', 'never\n');
  await bench.start({ include: [bench.path('*.log*')], exclude: [bench.path('b.*'), bench.path('*.1')] });
  await bench.holds('a.log', 'one\n');
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log.1', 'two\n');
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  assert.equal(bench.intake.mirrored(bench.path('b.log')), '');
});

test('a name that is not UTF-8 is a name', async () => {
  await using bench = new Bench();
  const bytes = Buffer.concat([Buffer.from(`${bench.folder}/`), Buffer.from([0xff, 0xe4]), Buffer.from('.log')]);
  fs.writeFileSync(bytes, 'one\n');
  await bench.start();
  await bench.holds('\u{dcff}\u{dce4}.log', 'one\n');
  fs.appendFileSync(bytes, 'two\n');
  await bench.restart();
  await bench.holds('\u{dcff}\u{dce4}.log', 'one\ntwo\n');
});

test('where a folder cannot be watched, the scan finds new files and new lines', async () => {
  await using bench = new Bench();
  const watch = () => {
    throw Object.assign(new Error('ENOSPC: no watches left'), { code: 'ENOSPC' });
  };
  bench.ports = { watcher: { watch } };
  await bench.started('one\n');
  bench.write('a.log', 'two\n');
  bench.write('b.log', 'three\n');
  await bench.holds('a.log', 'one\ntwo\n');
  await bench.holds('b.log', 'three\n');
  assert.deepEqual(causes(bench), []);
});

test('without hints: a file that was quiet for long is read on when it grows', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  await bench.started('one\n');
  bench.skewMs = 60_000; // nothing is expected of it any more
  await bench.pause(2000);
  bench.write('a.log', 'two\n');
  await bench.holds('a.log', 'one\ntwo\n');
});

test('the clock of files is coarse: what changes in a folder within the same tick as its listing is found', async () => {
  await using bench = new Bench();
  const now = BigInt(Date.now()) * 1_000_000n;
  const files = filesWith((stat) => (stat.kind === 'directory' ? { ...stat, changedNs: now } : stat));
  bench.ports = { files, watcher: noHints };
  await bench.started('one\n');
  bench.write('b.log', 'two\n');
  await bench.holds('b.log', 'two\n');
});
