/** What is refused, or cannot be read: special files, links, what nobody may read, the agent's own files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Files } from '../../../spool/ports.ts';
import { Bench, causes, filesWith, noHints } from './bench.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

test('a FIFO, a socket and a directory that match are refused without hanging', async () => {
  await using bench = new Bench();
  execFileSync('mkfifo', [bench.path('pipe.log')]);
  fs.mkdirSync(bench.path('folder.log'));
  await bench.started('one\n');
  assert.deepEqual(causes(bench), ['not_a_file']);
  assert.equal(bench.collector!.status().sources.find(({ name }) => name.endsWith('pipe.log'))?.state, 'refused');
});

test('a FIFO that is replaced by a file is read then', async () => {
  await using bench = new Bench();
  execFileSync('mkfifo', [bench.path('a.log')]);
  await bench.start();
  await bench.until(() => causes(bench).includes('not_a_file'));
  bench.remove('a.log');
  bench.write('a.log', 'one\n');
  await bench.holds('a.log', 'one\n');
  assert.deepEqual(causes(bench), []);
});

test('a device is refused', { skip: !isRoot && 'needs root' }, async () => {
  await using bench = new Bench();
  await bench.start({ include: ['/dev/zero'] });
  await bench.until(() => causes(bench).includes('not_a_file'));
});

test("a symbolic link of root, or of the target's owner, is followed", async () => {
  await using bench = new Bench();
  bench.write('real/target', 'one\n');
  fs.symlinkSync('real/target', bench.path('a.log'));
  await bench.start();
  await bench.holds('a.log', 'one\n');
  bench.write('real/target', 'two\n');
  await bench.holds('a.log', 'one\ntwo\n');
});

test('a symbolic link that is turned to another file ends one generation and begins the next', async () => {
  await using bench = new Bench();
  bench.write('real/1', 'one\n');
  fs.symlinkSync('real/1', bench.path('a.log'));
  await bench.start();
  await bench.holds('a.log', 'one\n');
  bench.write('real/1', 'two\n');
  bench.write('real/2', 'three\n');
  fs.symlinkSync('real/2', bench.path('next'));
  bench.rename('next', 'a.log');
  await bench.holds('a.log', 'one\ntwo\nthree\n');
});

test('links to directories are followed where a pattern names them, and not by `**`: nobody can have it walk in circles', async () => {
  await using bench = new Bench();
  bench.write('app/deep/a.log', 'one\n');
  for (const name of ['app/here', 'app/again', 'app/deep/up']) fs.symlinkSync('.', bench.path(name));
  fs.symlinkSync('app', bench.path('link'));
  const logs = (what: string) => bench.path(`${what}/*.log`);
  await bench.start({ include: [logs('app/**'), logs('li*/deep')], scanIntervalMs: 3_600_000 });
  await bench.holds('app/deep/a.log', 'one\n');
  fs.symlinkSync('.', bench.path('app/late'));
  fs.symlinkSync('deep', bench.path('app/there'));
  await bench.pause(200); // hints of them
  const { gauges, problems } = bench.collector!.status();
  assert.deepEqual([problems, gauges.directories], [[], 5]);
  bench.write('link/deep/b.log', 'two\n');
  await bench.until(() => bench.intake.entries.some(({ bytes }) => bytes.includes('two')));
});

test('a link that somebody planted is refused', { skip: !isRoot && 'needs root' }, async () => {
  await using bench = new Bench();
  bench.write('secret', 'password\n');
  bench.write('a.log', 'one\n');
  fs.mkdirSync(bench.path('app'));
  fs.symlinkSync('../secret', bench.path('app/symbolic.log'));
  fs.linkSync(bench.path('secret'), bench.path('app/hard.log'));
  bench.write('private/hidden.log', 'password\n');
  fs.symlinkSync('../private', bench.path('app/folder'));
  fs.lchownSync(bench.path('app/symbolic.log'), nobody, nobody);
  fs.lchownSync(bench.path('app/folder'), nobody, nobody);
  fs.chownSync(bench.path('app'), nobody, nobody);
  await bench.start({ include: [bench.path('*.log'), bench.path('app/*.log'), bench.path('app/*/*.log')] });
  await bench.holds('a.log', 'one\n');
  await bench.until(() => causes(bench).length === 3);
  assert.deepEqual(causes(bench).sort(), ['hard_link', 'link', 'link']);
  assert(!bench.intake.entries.some(({ bytes }) => bytes.includes('password')));
});

for (const [what, replace] of [
  ['a FIFO', (path: string) => void execFileSync('mkfifo', [path])],
  ['a link', (path: string) => fs.symlinkSync('secret', path)],
] as const) {
  test(`a file that is replaced by ${what} between the look at it and its opening is not read`, async () => {
    await using bench = new Bench();
    const path = bench.path('a.log');
    let done = false;
    const files = filesWith((stat) => ({ ...stat, owner: stat.kind === 'symlink' ? nobody : 0 }));
    const open: Files['open'] = (opened, mode) => {
      if (opened === path && !done) {
        done = true;
        fs.rmSync(path);
        replace(path);
      }
      return files.open(opened, mode);
    };
    bench.ports = { files: { ...files, open } };
    bench.write('secret', 'password\n');
    bench.write('a.log', 'one\n');
    bench.write('b.log', 'two\n');
    await bench.start();
    await bench.holds('b.log', 'two\n');
    await bench.until(() => causes(bench).some((cause) => cause === 'not_a_file' || cause === 'link'));
    assert.equal(bench.intake.mirrored(path), '');
  });
}

test('what was refused is looked at again: its owner may have changed', async () => {
  await using bench = new Bench();
  let owner = nobody;
  bench.ports = {
    files: filesWith((stat) => ({ ...stat, owner: stat.kind === 'symlink' ? owner : 0 })),
    watcher: noHints,
  };
  bench.write('target', 'one\n');
  fs.symlinkSync('target', bench.path('a.log'));
  await bench.start();
  await bench.until(() => causes(bench).includes('link'));
  owner = 0;
  bench.skewMs = 31_000;
  await bench.holds('a.log', 'one\n');
  assert.deepEqual(causes(bench), []);
});

test('permission that is lost is shown, and when it is back reading goes on', async () => {
  await using bench = new Bench();
  let denied = true;
  const refuse = (path: string) => {
    if (denied && path.endsWith('.log'))
      throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' });
  };
  bench.ports = {
    files: {
      ...hostFiles,
      open(path, mode) {
        refuse(path);
        return hostFiles.open(path, mode);
      },
    },
  };
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.until(() => causes(bench).includes('permission'));
  assert.equal(bench.collector!.status().sources[0]?.state, 'unreadable');
  denied = false;
  await bench.holds('a.log', 'one\n');
  assert.deepEqual(causes(bench), []);
  denied = true;
  await bench.restart(() => bench.write('a.log', 'two\n'));
  await bench.until(() => causes(bench).includes('permission'));
  denied = false;
  await bench.holds('a.log', 'one\ntwo\n');
});

test('a quiet file that was closed and may not be opened again is shown when it grows, and read when it may', async () => {
  await using bench = new Bench();
  let denied = false;
  const open: Files['open'] = (path, mode) => {
    if (denied && path === bench.path('a.log'))
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    return hostFiles.open(path, mode);
  };
  bench.ports = { files: { ...hostFiles, open } };
  await bench.appears('a.log');
  bench.skewMs = 700_000;
  await bench.until(() => bench.collector!.status().gauges.open_files === 0);
  denied = true;
  bench.write('a.log', 'two\n');
  await bench.until(() => causes(bench).length > 0);
  assert.equal(bench.collector!.status().sources[0]?.state, 'unreadable');
  denied = false;
  await bench.holds('a.log', 'one\ntwo\n');
  assert.deepEqual(causes(bench), []);
});

test('a file that the disk refuses to read is shown, the others go on, and so does it when it can be read', async () => {
  await using bench = new Bench();
  let broken = false;
  const open: Files['open'] = (path, mode) => {
    const file = hostFiles.open(path, mode);
    const readInto = file.readInto.bind(file);
    file.readInto = (into, position) => {
      if (broken && path === bench.path('a.log'))
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
      return readInto(into, position);
    };
    return file;
  };
  bench.ports = { files: { ...hostFiles, open } };
  await bench.appears('a.log');
  await bench.appears('b.log');
  broken = true;
  bench.write('a.log', 'two\n');
  await bench.appears('b.log', 'one\ntwo\n');
  await bench.until(() => causes(bench).length > 0);
  const [{ cause, subject, message } = assert.fail()] = bench.collector!.status().problems;
  assert.deepEqual([cause, subject], ['unreadable', bench.path('a.log')]);
  assert.match(message, /EIO/);
  assert.equal(bench.collector!.status().sources.find(({ name }) => name === subject)?.state, 'unreadable');
  broken = false;
  await bench.holds('a.log', 'one\ntwo\n');
  assert.deepEqual(causes(bench), []);
});

test('a folder that cannot be listed is shown, others go on, and it is read when it can be', async () => {
  await using bench = new Bench();
  let denied = true;
  const list = (path: string) => {
    if (denied && path === bench.path('closed'))
      throw Object.assign(new Error(`EACCES: permission denied, scandir '${path}'`), { code: 'EACCES' });
    return hostFiles.list(path);
  };
  bench.ports = { files: { ...hostFiles, list } };
  bench.write('closed/b.log', 'two\n');
  bench.write('open/a.log', 'one\n');
  await bench.start({ include: [bench.path('*/*.log')] });
  await bench.holds('open/a.log', 'one\n');
  const [problem, ...others] = bench.collector!.status().problems;
  assert.deepEqual([problem?.cause, problem?.subject, others], ['permission', bench.path('closed'), []]);
  denied = false;
  await bench.holds('closed/b.log', 'two\n');
  assert.deepEqual(causes(bench), []);
});

test("the agent's own files are never collected", async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  bench.write('data/spool/b.log', 'two\n');
  await bench.start({ include: [bench.path('**/*.log')], never: [bench.path('data')] });
  await bench.holds('a.log', 'one\n');
  await bench.pause(300);
  assert.equal(bench.intake.mirrored(bench.path('data/spool/b.log')), '');
  assert.deepEqual(causes(bench), []);
});
