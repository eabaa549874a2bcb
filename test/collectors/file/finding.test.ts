/** Which files are read, and which are refused: patterns, links, special files, permissions, mounts, folders that come and go. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostFiles } from '../../../agent/host/files.ts';
import { Bench, filesWith } from './bench.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;

function causes(bench: Bench): string[] {
  return bench.collector!.status().problems.map(({ cause }) => cause);
}

test('a FIFO, a socket and a directory that match are refused without hanging', async () => {
  await using bench = new Bench();
  execFileSync('mkfifo', [bench.path('pipe.log')]);
  fs.mkdirSync(bench.path('folder.log'));
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.holds('a.log', 'one\n');
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

test('what was refused is looked at again: its owner may have changed', async () => {
  await using bench = new Bench();
  let [owner, skewMs] = [nobody, 0];
  bench.ports = {
    clock: { ...hostClock, monotonic: () => hostClock.monotonic() + skewMs },
    files: filesWith((stat) => ({ ...stat, owner: stat.kind === 'symlink' ? owner : 0 })),
    watcher: { watch: () => ({ [Symbol.dispose]() {} }) },
  };
  bench.write('target', 'one\n');
  fs.symlinkSync('target', bench.path('a.log'));
  await bench.start();
  await bench.until(() => causes(bench).includes('link'));
  owner = 0;
  skewMs = 31_000;
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

test('a directory that cannot be listed is shown, and others go on', {
  skip: isRoot && 'root may list everything',
}, async () => {
  await using bench = new Bench();
  fs.mkdirSync(bench.path('closed'), { mode: 0o000 });
  bench.write('open/a.log', 'one\n');
  await bench.start({ include: [bench.path('*/*.log')] });
  await bench.holds('open/a.log', 'one\n');
  assert.deepEqual(causes(bench), ['permission']);
});

test('a directory that appears later is found, with the directories in it', async () => {
  await using bench = new Bench();
  await bench.start({ include: [bench.path('apps/**/*.log')] });
  assert.deepEqual(causes(bench), ['no_files']);
  bench.write('apps/one/deep/a.log', 'one\n');
  await bench.holds('apps/one/deep/a.log', 'one\n');
  bench.write('apps/two/b.log', 'two\n');
  await bench.holds('apps/two/b.log', 'two\n');
});

test('a directory that is away for a while keeps its cursors', async () => {
  await using bench = new Bench();
  bench.write('mount/a.log', 'one\n');
  await bench.start({ include: [bench.path('mount/*.log')] });
  await bench.holds('mount/a.log', 'one\n');
  bench.rename('mount', 'elsewhere');
  await bench.restart(() => {});
  await bench.pause(500);
  bench.write('elsewhere/a.log', 'two\n');
  bench.rename('elsewhere', 'mount');
  await bench.holds('mount/a.log', 'one\ntwo\n');
});

test('a cursor is not forgotten while its directory cannot be read, however long that takes', async () => {
  await using bench = new Bench();
  bench.write('mount/a.log', 'one\n');
  await bench.start({ include: [bench.path('mount/*.log')], forgetAfterMs: 100 });
  await bench.holds('mount/a.log', 'one\n');
  bench.rename('mount', 'elsewhere');
  await bench.restart();
  await bench.pause(800); // some scans
  assert.equal(bench.intake.forgotten.size, 0);
  bench.write('elsewhere/a.log', 'two\n');
  bench.rename('elsewhere', 'mount');
  await bench.holds('mount/a.log', 'one\ntwo\n');
});

test('hints bring new files and lines long before the next scan', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  await bench.start({ scanIntervalMs: 3_600_000 });
  await bench.holds('a.log', 'one\n');
  bench.write('b.log', 'two\n');
  await bench.holds('b.log', 'two\n');
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

test('start_at end passes over what stands there at the very first start, and nothing else', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'old\nolder\nhalf');
  await bench.start({ startAt: 'end' });
  bench.write('a.log', ' a line\nnew\n');
  bench.write('b.log', 'later\n');
  await bench.holds('a.log', 'half a line\nnew\n');
  await bench.holds('b.log', 'later\n');
  await bench.restart(() => bench.write('c.log', 'while down\n'));
  await bench.holds('c.log', 'while down\n');
  assert.deepEqual(
    bench.intake.dropped.map(({ reason, bytes }) => [reason, bytes]),
    [['start_at_end', 10]],
  );
});

test('start_at end on an empty folder does not pass over files that come while the agent is down', async () => {
  await using bench = new Bench();
  await bench.start({ startAt: 'end' });
  await bench.restart(() => bench.write('a.log', 'one\n'));
  await bench.holds('a.log', 'one\n');
});

test('a renamed collector goes on where the old one was', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.holds('a.log', 'one\n');
  await bench.restart(() => bench.write('a.log', 'two\n'), { name: 'new', configuredCollectors: ['new'] });
  await bench.holds('a.log', 'one\ntwo\n');
  const [source] = bench.collector!.status().sources;
  assert.equal(bench.intake.descriptions.get(source!.source)?.collector, 'new');
});

test('a collector beside another one that is still configured reads for itself', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.holds('a.log', 'one\n');
  await bench.restart(() => {}, { name: 'second', configuredCollectors: ['logs', 'second'] });
  await bench.holds('a.log', 'one\none\n');
});

test('a cursor is forgotten only when its file was away for long', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  bench.write('b.log', 'two\n');
  await bench.start();
  await bench.holds('a.log', 'one\n');
  await bench.holds('b.log', 'two\n');
  await bench.restart(() => bench.remove('a.log'), { forgetAfterMs: 300 });
  await bench.until(() => bench.intake.forgotten.size === 1);
  assert.equal(bench.intake.descriptions.get([...bench.intake.forgotten][0]!)?.attributes['log.file.name'], 'a.log');
});

test('where no more places can be remembered a new file waits unread and says so, and the others go on', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  await bench.start();
  await bench.holds('a.log', 'one\n');
  bench.intake.sourcesFull = true;
  bench.write('b.log', 'waits\n');
  const rowOf = (name: string) => bench.collector!.status().sources.find((row) => row.name === bench.path(name));
  await bench.until(() => rowOf('b.log')?.state === 'unreadable');
  assert.match(rowOf('b.log')!.reason!, /as many files are remembered as the spool can hold places of/);
  bench.write('a.log', 'two\n');
  await bench.holds('a.log', 'one\ntwo\n');
  bench.intake.sourcesFull = false;
  await bench.holds('b.log', 'waits\n');
});

test('above the cap the oldest cursors go, counted', async () => {
  await using bench = new Bench();
  for (const name of ['a', 'b', 'c', 'd']) bench.write(`${name}.log`, 'one\n');
  await bench.start();
  for (const name of ['a', 'b', 'c', 'd']) await bench.holds(`${name}.log`, 'one\n');
  const gone = () => {
    for (const name of ['a', 'b', 'c']) bench.remove(`${name}.log`);
  };
  await bench.restart(gone, { sourcesMax: 2 });
  await bench.until(() => bench.intake.forgotten.size === 2);
  assert.deepEqual(
    bench.intake.dropped.map(({ reason }) => reason),
    ['forgotten', 'forgotten'],
  );
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

test('a mount that hangs holds up its own files only, and is named', async () => {
  await using bench = new Bench();
  const share = bench.path('share');
  let skewMs = 0;
  const never = new Promise<never>(() => {});
  bench.ports = {
    mounts: { typeOf: (path) => (path.startsWith(share) ? 'nfs4' : 'ext4') },
    files: { ...hostFiles, statLater: () => never, openLater: () => never },
    clock: { ...hostClock, monotonic: () => hostClock.monotonic() + skewMs },
  };
  bench.write('share/a.log', 'one\n');
  bench.write('near.log', 'here\n');
  await bench.start({ include: [bench.path('**/*.log')], networkFs: true });
  await bench.holds('near.log', 'here\n');
  skewMs = 10_000;
  await bench.until(() => causes(bench).includes('mount_hangs'));
  bench.write('near.log', 'still here\n');
  await bench.holds('near.log', 'here\nstill here\n');
  bench.write('late.log', 'later\n');
  await bench.holds('late.log', 'later\n');
});

test('generations that were read to their end and are gone do not pile up, but the newest of a path stays known', async () => {
  await using bench = new Bench();
  let skewMs = 0;
  bench.ports = { clock: { ...hostClock, monotonic: () => hostClock.monotonic() + skewMs } };
  bench.write('a.log', 'one\n');
  bench.write('pod/b.log', 'two\n');
  await bench.start({ include: [bench.path('**/*.log')] });
  await bench.holds('a.log', 'one\n');
  await bench.holds('pod/b.log', 'two\n');
  bench.remove('a.log');
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\nthree\n');
  fs.rmSync(bench.path('pod'), { recursive: true });
  skewMs = 20_000;
  await bench.until(
    () => bench.collector!.status().sources.length === 1,
    () => bench.explain('a.log', ''),
  );
  await bench.pause(500);
  assert.equal(bench.intake.forgotten.size, 0);
  skewMs = 4_000_000;
  await bench.until(
    () => bench.intake.forgotten.size === 2,
    () => bench.explain('a.log', ''),
  );
  assert.deepEqual(bench.intake.dropped, []);
});
