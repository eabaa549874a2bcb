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

test('a file with two included names is read once, and goes on under the name that is left', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  fs.linkSync(bench.path('a.log'), bench.path('b.log'));
  await bench.start();
  const all = () => bench.intake.mirrored(bench.path('a.log')) + bench.intake.mirrored(bench.path('b.log'));
  for (const [line, before] of [
    ['two\n', () => {}],
    ['three\n', () => bench.remove('a.log')],
  ] as const) {
    before();
    bench.write('b.log', line);
    await bench.until(() => all().endsWith(line), all);
    await bench.pause(300); // some scans
  }
  assert.equal(all(), 'one\ntwo\nthree\n');
  await bench.restart(() => bench.write('b.log', 'four\n'));
  await bench.until(() => all().endsWith('four\n'), all);
  assert.equal(all(), 'one\ntwo\nthree\nfour\n');
});

test('a link and its targets that are all included are read once, also when it is turned and after a restart', async () => {
  await using bench = new Bench();
  const linkTo = (target: string) => {
    fs.symlinkSync(target, bench.path('next'));
    bench.rename('next', 'current.log');
  };
  bench.write('app-1.log', 'one\n');
  linkTo('app-1.log');
  await bench.start();
  await bench.until(() => textBySource(bench).join('') === 'one\n');
  await bench.pause(100); // both names are looked at in one turn then
  bench.write('app-1.log', 'two\n');
  bench.write('app-2.log', 'three\n');
  linkTo('app-2.log');
  await bench.until(() => textBySource(bench).join('').length >= 'one\ntwo\nthree\n'.length);
  bench.write('app-2.log', 'four\n');
  await bench.pause(600); // some scans
  await bench.restart(() => bench.write('app-2.log', 'five\n'));
  await bench.until(() => textBySource(bench).join('').includes('five\n'));
  await bench.pause(600);
  assert.deepEqual(textBySource(bench), ['one\ntwo\n', 'three\nfour\nfive\n']);
});

for (const down of [false, true]) {
  test(`a file that is moved to another included folder ${down ? 'while the agent is down' : 'under the agent'} goes on as the one that it was`, async () => {
    await using bench = new Bench();
    bench.options = { include: [bench.path('**/*.log')] };
    await bench.started('one\n', {}, 'here/a.log');
    fs.mkdirSync(bench.path('there'));
    const move = () => {
      bench.rename('here/a.log', 'there/b.log');
      bench.write('there/b.log', 'two\n');
      bench.write('here/a.log', 'three\n');
    };
    if (down) await bench.restart(move);
    else move();
    await bench.until(() => bench.intake.mirrored(bench.path('here/a.log')).length === 'one\ntwo\nthree\n'.length);
    await bench.restart(() => bench.write('there/b.log', 'four\n'));
    await bench.until(() => bench.intake.mirrored(bench.path('here/a.log')).includes('four\n'));
    assert.equal(bench.intake.mirrored(bench.path('there/b.log')), '');
    assert.deepEqual(textBySource(bench), ['one\ntwo\nfour\n', 'three\n']);
  });
}

for (const down of [false, true]) {
  test(`a file that was moved to another included folder and was done with is read on when more comes${down ? ' while the agent is down' : ''}`, async () => {
    await using bench = new Bench();
    bench.options = { include: [bench.path('**/*.log')] };
    await bench.started('one\n', {}, 'here/a.log');
    fs.mkdirSync(bench.path('there'));
    bench.rename('here/a.log', 'there/b.log');
    bench.write('here/a.log', 'two\n');
    await bench.holds('here/a.log', 'one\ntwo\n');
    bench.skewMs = 15_000; // by then nothing more is expected of it
    await bench.until(() => bench.collector!.status().sources.length === 1);
    await bench.pause(300);
    const more = () => bench.write('there/b.log', 'three\n');
    if (down) await bench.restart(more);
    else more();
    await bench.until(() => textBySource(bench).join('').length >= 'one\ntwo\nthree\n'.length);
    assert.deepEqual(textBySource(bench), ['one\nthree\n', 'two\n']);
  });
}

function textBySource({ intake }: Bench): string[] {
  const texts = new Map<number, string>();
  for (const { run, bytes } of intake.entries)
    if (run.records > 0) texts.set(run.source, (texts.get(run.source) ?? '') + bytes.toString());
  return [...texts.values()];
}
