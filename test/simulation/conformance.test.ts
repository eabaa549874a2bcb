/** The simulated disk and the host's, through the same tests: else the model would lie. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import type { Files } from '../../spool/ports.ts';
import { SimulatedDisk } from './disk.ts';

interface World {
  readonly files: Files;
  /** An empty directory. */
  readonly root: string;
  symlink(target: string, path: string): void;
}

const worlds: Record<string, (t: TestContext) => World> = {
  host(t) {
    const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'tailspool-conformance-')));
    t.after(() => fs.rmSync(root, { recursive: true, force: true }));
    return { files: hostFiles, root, symlink: (target, path) => fs.symlinkSync(target, path) };
  },
  simulated() {
    const disk = new SimulatedDisk();
    disk.files.makeDirectory('/work/here');
    return { files: disk.files, root: '/work/here', symlink: (target, path) => disk.symlink(target, path) };
  },
};

for (const [name, make] of Object.entries(worlds)) {
  const both = (sentence: string, check: (world: World) => void | Promise<void>) =>
    test(`${name}: ${sentence}`, (t) => check(make(t)));

  both('what is written can be read back at any position, and beyond the end there is nothing', ({ files, root }) => {
    const file = files.open(`${root}/a`, 'create');
    assert.equal(file.write(text('hello world'), 0), 11);
    assert.equal(file.write(text('W'), 6), 1);
    assert.equal(file.write(text('end'), 20), 3);
    assert.equal(read(files, `${root}/a`), 'hello World\0\0\0\0\0\0\0\0\0end');
    const into = Buffer.alloc(10);
    assert.equal(file.read(into, 18), 5);
    assert.equal(file.read(into, 23), 0);
    assert.equal(file.read(into, 1000), 0);
    assert.equal(file.read(new Uint8Array(0), 0), 0);
    assert.equal(file.write(new Uint8Array(0), 0), 0);
    file.close();
  });

  both('several buffers are filled in order by one call', async ({ files, root }) => {
    const file = files.open(`${root}/a`, 'create');
    file.write(text('abcdefgh'), 0);
    const into = [Buffer.alloc(3), Buffer.alloc(2), Buffer.alloc(10, '-')];
    assert.equal(file.readInto(into, 1), 7);
    assert.deepEqual(into.map(String), ['bcd', 'ef', 'gh--------']);
    const later = Buffer.alloc(3);
    assert.equal(await file.readLater(later, 5), 3);
    assert.equal(String(later), 'fgh');
    file.close();
  });

  both('truncating cuts or fills up with zeros', ({ files, root }) => {
    const file = files.open(`${root}/a`, 'create');
    file.write(text('abcdef'), 0);
    file.truncate(3);
    assert.equal(read(files, `${root}/a`), 'abc');
    file.truncate(5);
    assert.equal(read(files, `${root}/a`), 'abc\0\0');
    file.close();
  });

  both('create is exclusive, write and read need what is there', ({ files, root, symlink }) => {
    files.open(`${root}/a`, 'create').close();
    assert.equal(files.stat(`${root}/a`).mode, 0o600);
    symlink('nowhere', `${root}/link`);
    throws('EEXIST', () => files.open(`${root}/a`, 'create'));
    throws('EEXIST', () => files.open(`${root}/link`, 'create'));
    throws('ENOENT', () => files.open(`${root}/b`, 'write'));
    throws('ENOENT', () => files.open(`${root}/b`, 'read'));
    throws('ENOENT', () => files.open(`${root}/missing/b`, 'create'));
    throws('ENOTDIR', () => files.open(`${root}/a/b`, 'read'));
    throws('EISDIR', () => files.open(root, 'write'));
    const file = files.open(`${root}/a`, 'write');
    file.write(text('x'), 0);
    file.close();
    const reader = files.open(`${root}/a`, 'read');
    throws('EBADF', () => reader.write(text('y'), 0));
    throws('EINVAL', () => reader.truncate(0));
    reader.close();
    throws('EBADF', () => reader.read(Buffer.alloc(1), 0));
    throws('EBADF', () => reader.stat());
    reader.close();
  });

  both('a directory can be opened and statted but not read', ({ files, root }) => {
    const directory = files.open(root, 'read');
    assert.equal(directory.stat().kind, 'directory');
    throws('EISDIR', () => directory.read(Buffer.alloc(1), 0));
    directory.close();
  });

  both('links are followed or not as asked, and loops end', ({ files, root, symlink }) => {
    files.makeDirectory(`${root}/d/e`);
    write(files, `${root}/d/e/file`, 'content');
    symlink('d/e', `${root}/relative`);
    symlink(`${root}/d`, `${root}/absolute`);
    symlink('../../d/e/file', `${root}/d/e/up`);
    symlink('loop', `${root}/loop`);
    assert.equal(read(files, `${root}/relative/file`), 'content');
    assert.equal(read(files, `${root}/absolute/e/up`), 'content');
    assert.equal(files.realPath(`${root}/absolute/e/up`), `${root}/d/e/file`);
    assert.equal(files.realPath(`${root}/relative/..`), `${root}/d`);
    assert.equal(files.readLink(`${root}/relative`), 'd/e');
    assert.equal(files.lstat(`${root}/relative`).kind, 'symlink');
    assert.equal(files.stat(`${root}/relative`).kind, 'directory');
    throws('ELOOP', () => files.stat(`${root}/loop`));
    throws('ELOOP', () => files.open(`${root}/relative`, 'read-no-follow'));
    throws('EINVAL', () => files.readLink(root));
    files.open(`${root}/absolute/e/file`, 'read-no-follow').close();
  });

  both('listing tells names and kinds', async ({ files, root, symlink }) => {
    write(files, `${root}/f`, '');
    files.makeDirectory(`${root}/d`);
    symlink('f', `${root}/l`);
    const expected = [
      ['d', 'directory'],
      ['f', 'file'],
      ['l', 'symlink'],
    ];
    const listed = (entries: { name: string; kind: string }[]) => entries.map(({ name, kind }) => [name, kind]).sort();
    assert.deepEqual(listed(files.list(root)), expected);
    assert.deepEqual(listed(await files.listLater(root)), expected);
    throws('ENOTDIR', () => files.list(`${root}/f`));
    throws('ENOENT', () => files.list(`${root}/none`));
  });

  both('directories are made with their parents, and removed when empty', ({ files, root }) => {
    files.makeDirectory(`${root}/a/b/c`);
    files.makeDirectory(`${root}/a/b`);
    assert.equal(files.stat(`${root}/a`).mode, 0o700);
    files.makeDirectory(`${root}/open`, 0o755);
    assert.equal(files.stat(`${root}/open`).mode, 0o755);
    write(files, `${root}/file`, '');
    throws('EEXIST', () => files.makeDirectory(`${root}/file`));
    throws('ENOTDIR', () => files.makeDirectory(`${root}/file/x`));
    throws('ENOTEMPTY', () => files.removeDirectory(`${root}/a`));
    throws('ENOTDIR', () => files.removeDirectory(`${root}/file`));
    throws('EISDIR', () => files.unlink(`${root}/a`));
    files.removeDirectory(`${root}/a/b/c`);
    throws('ENOENT', () => files.removeDirectory(`${root}/a/b/c`));
    throws('ENOENT', () => files.unlink(`${root}/a/b/c`));
  });

  both('renaming replaces files, moves directories, and refuses what makes no sense', ({ files, root }) => {
    write(files, `${root}/a`, 'A');
    write(files, `${root}/b`, 'B');
    const inode = files.stat(`${root}/a`).inode;
    files.rename(`${root}/a`, `${root}/b`);
    assert.equal(read(files, `${root}/b`), 'A');
    assert.equal(files.stat(`${root}/b`).inode, inode);
    throws('ENOENT', () => files.stat(`${root}/a`));
    files.makeDirectory(`${root}/d/e`);
    files.rename(`${root}/b`, `${root}/d/b`);
    files.rename(`${root}/d`, `${root}/f`);
    assert.equal(read(files, `${root}/f/b`), 'A');
    throws('EINVAL', () => files.rename(`${root}/f`, `${root}/f/e/x`));
    throws('EISDIR', () => files.rename(`${root}/f/b`, `${root}/f/e`));
    throws('ENOTDIR', () => files.rename(`${root}/f/e`, `${root}/f/b`));
    throws('ENOENT', () => files.rename(`${root}/none`, `${root}/x`));
    files.makeDirectory(`${root}/full/x`);
    throws('ENOTEMPTY', () => files.rename(`${root}/f`, `${root}/full`));
    files.rename(`${root}/f/b`, `${root}/f/b`);
    assert.equal(read(files, `${root}/f/b`), 'A');
  });

  both('an open file outlives its name, and a descriptor follows a rename', ({ files, root }) => {
    write(files, `${root}/a`, 'old');
    const file = files.open(`${root}/a`, 'read');
    files.rename(`${root}/a`, `${root}/b`);
    write(files, `${root}/a`, 'new');
    files.unlink(`${root}/b`);
    const into = Buffer.alloc(3);
    assert.equal(file.read(into, 0), 3);
    assert.equal(String(into), 'old');
    assert.equal(file.stat().links, 0);
    assert.notEqual(file.stat().inode, files.stat(`${root}/a`).inode);
    file.close();
  });

  both('stat tells size, mode, identity and that something changed', async ({ files, root }) => {
    const file = files.open(`${root}/a`, 'create');
    const before = file.stat();
    file.write(text('12345'), 0);
    const after = file.stat();
    assert.deepEqual([before.sizeBytes, after.sizeBytes, after.kind, after.links], [0, 5, 'file', 1]);
    assert.equal(after.inode, files.lstat(`${root}/a`).inode);
    assert.deepEqual((await files.statLater(`${root}/a`)).inode, (await file.statLater()).inode);
    assert.ok(after.changedNs >= before.changedNs && after.modifiedMs >= before.modifiedMs);
    file.truncate(100_000_000);
    assert.ok(file.stat().allocatedBytes < 1_000_000);
    files.setMode(`${root}/a`, 0o640);
    assert.equal(file.stat().mode, 0o640);
    file.close();
  });

  both('syncing files and directories succeeds, also of several at once', async ({ files, root }) => {
    const file = await files.openLater(`${root}/a`, 'create');
    file.write(text('x'), 0);
    await Promise.all([file.datasync(), file.datasync(), files.syncDirectory(root)]);
    file.close();
    await assert.rejects(files.syncDirectory(`${root}/a`), { code: 'ENOTDIR' });
    await assert.rejects(files.syncDirectory(`${root}/none`), { code: 'ENOENT' });
    await assert.rejects(files.statLater(`${root}/none`), { code: 'ENOENT' });
    await assert.rejects(files.openLater(`${root}/none`, 'read'), { code: 'ENOENT' });
    await assert.rejects(file.datasync(), { code: 'EBADF' });
  });

  both('space is told', ({ files, root }) => {
    const space = files.space(root);
    assert.ok(space.totalBytes >= space.availableBytes && space.availableBytes > 0);
  });
}

function throws(code: string, call: () => unknown): void {
  assert.throws(call, { code });
}

function text(content: string): Buffer {
  return Buffer.from(content);
}

function write(files: Files, path: string, content: string): void {
  const file = files.open(path, 'create');
  file.write(text(content), 0);
  file.close();
}

function read(files: Files, path: string): string {
  const file = files.open(path, 'read');
  const into = Buffer.alloc(file.stat().sizeBytes);
  file.read(into, 0);
  file.close();
  return String(into);
}
