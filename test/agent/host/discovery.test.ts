/** Watching directories and reading the table of mounts. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostMounts } from '../../../agent/host/mounts.ts';
import { hostWatcher } from '../../../agent/host/watcher.ts';

test('creations, writes, renames and removals in a directory are hinted by name, also names that are not UTF-8', async (t) => {
  const root = folder(t);
  const names = watched(t, root);
  const steps: [string, () => void][] = [
    ['a', () => fs.writeFileSync(join(root, 'a'), 'x')],
    ['a', () => fs.appendFileSync(join(root, 'a'), 'y')],
    ['b', () => fs.renameSync(join(root, 'a'), join(root, 'b'))],
    ['\udcff', () => fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]), '')],
    ['b', () => fs.rmSync(join(root, 'b'))],
  ];
  for (const [name, act] of steps) {
    names.clear();
    act();
    await until(() => names.has(name));
  }
});

test('a directory that is replaced, or removed and made again, is watched on', async (t) => {
  const root = join(folder(t), 'logs');
  fs.mkdirSync(root);
  const names = watched(t, root);
  fs.renameSync(root, `${root}.old`);
  fs.mkdirSync(root);
  await until(() => {
    fs.writeFileSync(join(root, 'new'), 'x');
    return names.has('new');
  });
  fs.rmSync(root, { recursive: true });
  await until(() => names.size > 0);
  fs.mkdirSync(root);
  await until(() => {
    fs.writeFileSync(join(root, 'again'), 'x');
    return names.has('again');
  });
});

test('what is not a directory, or not there, cannot be watched', (t) => {
  const root = folder(t);
  fs.writeFileSync(join(root, 'file'), '');
  assert.throws(() => hostWatcher.watch(join(root, 'file'), () => {}), { code: 'ENOTDIR' });
  assert.throws(() => hostWatcher.watch(join(root, 'missing'), () => {}), { code: 'ENOENT' });
});

test('after it is disposed, a watch says nothing more', async (t) => {
  const root = folder(t);
  const seen: unknown[] = [];
  const watch = hostWatcher.watch(root, (name) => seen.push(name));
  const other = watched(t, root);
  watch[Symbol.dispose]();
  fs.writeFileSync(join(root, 'a'), 'x');
  await until(() => other.has('a'));
  assert.deepEqual(seen, []);
});

test('a path belongs to the longest mount above it, the last of several on one point, escapes undone', () => {
  const table = [
    '22 1 8:1 / / rw,relatime - ext4 /dev/root rw',
    '30 22 0:5 / /mnt/far rw shared:1 master:2 - nfs4 host:/x rw',
    '31 22 0:6 / /mnt/my\\040logs\\134x rw - fuse.sshfs host:/y rw',
    '32 22 0:7 / /data rw - xfs /dev/b rw',
    '33 32 0:8 / /data rw - cifs //host/z rw',
    '34 22 0:9 / /l\xe4nd rw - tmpfs tmpfs rw',
    'garbage',
  ].join('\n');
  const mounts = hostMounts(() => Buffer.from(`${table}\n`, 'latin1'));
  assert.equal(mounts.typeOf('/var/log/a'), 'ext4');
  assert.equal(mounts.typeOf('/mnt/far'), 'nfs4');
  assert.equal(mounts.typeOf('/mnt/far/deep/file'), 'nfs4');
  assert.equal(mounts.typeOf('/mnt/farther'), 'ext4');
  assert.equal(mounts.typeOf('/mnt/my logs\\x/file'), 'fuse.sshfs');
  assert.equal(mounts.typeOf('/data/file'), 'cifs');
  assert.equal(mounts.typeOf('/l\udce4nd/file'), 'tmpfs');
});

test('the table of this host is read', { skip: process.platform !== 'linux' }, () => {
  assert.equal(hostMounts().typeOf('/proc/self/status'), 'proc');
  assert.notEqual(hostMounts().typeOf('/'), 'unknown');
});

function folder(t: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-watch-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

function watched(t: TestContext, directory: string): Set<string | undefined> {
  const names = new Set<string | undefined>();
  const watch = hostWatcher.watch(directory, (name) => names.add(name));
  t.after(() => watch[Symbol.dispose]());
  return names;
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('waited for 20 s in vain');
}
