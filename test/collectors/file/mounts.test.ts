/** Files on mounts that may hang: refused, or read asynchronously. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { hostFiles } from '../../../agent/host/files.ts';
import { Bench, causes } from './bench.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

test('a link that somebody planted on a network mount is not followed', { skip: !isRoot && 'needs root' }, async () => {
  await using bench = new Bench();
  bench.ports = { mounts: { typeOf: () => 'nfs4' } };
  bench.write('secret', 'password\n');
  bench.write('app/a.log', 'one\n');
  bench.write('private/hidden.log', 'password\n');
  fs.linkSync(bench.path('secret'), bench.path('app/hard.log'));
  fs.symlinkSync('../private/hidden.log', bench.path('app/symbolic.log'));
  fs.symlinkSync('../private', bench.path('app/folder'));
  fs.chownSync(bench.path('app'), nobody, nobody);
  await bench.start({ include: [bench.path('app/*.log'), bench.path('app/*/*.log')], networkFs: true });
  await bench.until(() => causes(bench).length === 2);
  assert.deepEqual(causes(bench).sort(), ['hard_link', 'unreadable']);
  assert(!bench.intake.entries.some(({ bytes }) => bytes.includes('password')));
});

test('files on a network mount are refused without being touched', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  bench.write('share/b.log', 'two\n');
  bench.ports = { mounts: { typeOf: (path) => (path.startsWith(bench.path('share')) ? 'nfs4' : 'ext4') } };
  await bench.start({ include: [bench.path('**/*.log')] });
  await bench.holds('a.log', 'one\n');
  await bench.until(() => causes(bench).includes('network_fs'));
  assert.equal(bench.intake.mirrored(bench.path('share/b.log')), '');
});

test('with network_fs files on a network mount are read without one synchronous call, rotations included', async () => {
  await using bench = new Bench();
  const share = bench.path('share');
  const touched: string[] = [];
  const local = (path: string) => {
    if (path.startsWith(share)) touched.push(path);
  };
  const refuse = <T extends unknown[], R>(call: (path: string, ...rest: T) => R) => {
    return (path: string, ...rest: T): R => {
      local(path);
      return call(path, ...rest);
    };
  };
  const { open, stat, lstat, list, readLink } = hostFiles;
  bench.ports = {
    mounts: { typeOf: (path) => (path.startsWith(share) ? 'nfs4' : 'ext4') },
    files: {
      ...hostFiles,
      open: refuse(open),
      stat: refuse(stat),
      lstat: refuse(lstat),
      list: refuse(list),
      readLink: refuse(readLink),
    },
    watcher: {
      watch(directory) {
        local(directory);
        return { [Symbol.dispose]: () => {} };
      },
    },
  };
  const long = `${'x'.repeat(600_000)}\n`;
  bench.write('share/a.log', `one\n${long}`);
  bench.write('near.log', 'here\n');
  bench.options = { include: [bench.path('**/*.log')], networkFs: true };
  await bench.start();
  await bench.holds('near.log', 'here\n');
  await bench.holds('share/a.log', `one\n${long}`);
  bench.write('share/a.log', 'two\n');
  await bench.holds('share/a.log', `one\n${long}two\n`);
  bench.rename('share/a.log', 'share/a.log.1');
  bench.write('share/a.log.1', 'three\n');
  bench.write('share/a.log', 'four\n');
  await bench.holds('share/a.log', `one\n${long}two\nthree\nfour\n`);
  await bench.restart(() => {
    bench.write('share/a.log', 'five\n');
    bench.rename('share/a.log.1', 'share/a.log.2');
    bench.rename('share/a.log', 'share/a.log.1');
    bench.write('share/a.log', 'six\nno end');
  });
  await bench.holds('share/a.log', `one\n${long}two\nthree\nfour\nfive\nsix\nno end`);
  fs.truncateSync(bench.path('share/a.log'));
  bench.write('share/a.log', 'seven\n');
  await bench.holds('share/a.log', `one\n${long}two\nthree\nfour\nfive\nsix\nno endseven\n`);
  assert.deepEqual(touched, []);
});

test('a mount that hangs holds up its own files only, keeps few threads busy, and is named', async () => {
  await using bench = new Bench();
  const share = bench.path('share');
  let hanging = 0;
  const hang = () => {
    hanging++;
    return new Promise<never>(() => {});
  };
  bench.ports = {
    mounts: { typeOf: (path) => (path.startsWith(share) ? 'nfs4' : 'ext4') },
    files: { ...hostFiles, statLater: hang, openLater: hang },
  };
  for (let at = 0; at < 10; at++) bench.write(`share/${at}.log`, 'one\n');
  bench.write('near.log', 'here\n');
  await bench.start({ include: [bench.path('**/*.log')], networkFs: true });
  await bench.holds('near.log', 'here\n');
  bench.skewMs = 10_000;
  await bench.until(() => causes(bench).includes('mount_hangs'));
  bench.write('near.log', 'still here\n');
  await bench.holds('near.log', 'here\nstill here\n');
  bench.write('late.log', 'later\n');
  await bench.holds('late.log', 'later\n');
  assert.equal(hanging, 2);
});
