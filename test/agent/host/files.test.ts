/** What the host's files do that a model of a disk has no part in: real names, FIFOs, links, descriptors. The rest is in test/simulation/conformance.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostFiles } from '../../../agent/host/files.ts';
import { bytesFromName, nameFromBytes } from '../../../agent/host/names.ts';

function folder(t: { after(call: () => void): void }): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-files-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

test('every name of bytes has one string that leads back to it', () => {
  const names = [
    Buffer.from('plain'),
    Buffer.from('grün ✓ 🦊'),
    Buffer.from([0xff]),
    Buffer.from([0x61, 0xc3]),
    Buffer.from([0xed, 0xb2, 0x80, 0x62]),
  ];
  for (let byte = 1; byte < 256; byte++) names.push(Buffer.from([byte]), Buffer.from([0x61, byte, 0xc3, 0xa4, byte]));
  const strings = names.map(nameFromBytes);
  for (const [i, name] of names.entries()) assert.ok(bytesFromName(strings[i]!).equals(name), name.toString('hex'));
  assert.equal(new Set(strings).size, new Set(names.map((name) => name.toString('hex'))).size);
  assert.equal(nameFromBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa4])), 'a\udcffä');
  assert.throws(() => bytesFromName('a\ud800'), { code: 'EILSEQ' });
});

test('a file whose name is not UTF-8 can be listed, opened, statted, linked to, renamed and removed', (t) => {
  const root = folder(t);
  const bytes = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x6c, 0xe4, 0x2e, 0x6c, 0x6f, 0x67])]);
  fs.writeFileSync(bytes, 'one line\n');
  fs.mkdirSync(Buffer.concat([bytes, Buffer.from('.d')]));
  const names = hostFiles.list(root).map((entry) => entry.name);
  assert.deepEqual(names.sort(), ['l\udce4.log', 'l\udce4.log.d']);
  const path = `${root}/l\udce4.log`;
  assert.equal(hostFiles.stat(path).sizeBytes, 9);
  const file = hostFiles.open(path, 'read');
  const into = Buffer.alloc(20);
  assert.equal(file.read(into, 0), 9);
  file.close();
  fs.symlinkSync(bytes, `${root}/link`);
  assert.equal(hostFiles.readLink(`${root}/link`), path);
  assert.equal(hostFiles.realPath(`${root}/link`), hostFiles.realPath(path));
  hostFiles.rename(path, `${root}/\udcff`);
  assert.equal(hostFiles.lstat(`${root}/\udcff`).kind, 'file');
  hostFiles.makeDirectory(`${path}.d/\udcfe/deep`);
  hostFiles.removeDirectory(`${path}.d/\udcfe/deep`);
  hostFiles.unlink(`${root}/\udcff`);
  assert.deepEqual(
    hostFiles.list(`${path}.d`).map((entry) => [entry.name, entry.kind]),
    [['\udcfe', 'directory']],
  );
});

test('a FIFO opens at once, and a link is not followed where that is asked for', async (t) => {
  const root = folder(t);
  execFileSync('mkfifo', [`${root}/fifo`]);
  const fifo = hostFiles.open(`${root}/fifo`, 'read');
  assert.equal(fifo.stat().kind, 'fifo');
  fifo.close();
  const later = await hostFiles.openLater(`${root}/fifo`, 'read');
  assert.equal((await later.statLater()).kind, 'fifo');
  later.close();
  fs.writeFileSync(`${root}/target`, '');
  fs.symlinkSync('target', `${root}/link`);
  assert.throws(() => hostFiles.open(`${root}/link`, 'read-no-follow'), { code: 'ELOOP' });
  hostFiles.open(`${root}/link`, 'read').close();
  assert.equal(hostFiles.lstat(`${root}/link`).kind, 'symlink');
  assert.equal(hostFiles.stat('/dev/null').kind, 'device');
});

test('a file closed while a sync or a read runs gives its descriptor back only afterwards', async (t) => {
  const root = folder(t);
  const file = hostFiles.open(`${root}/f`, 'create');
  file.write(Buffer.from('hello'), 0);
  const into = Buffer.alloc(5);
  const [sync, read, stat] = [file.datasync(), file.readLater(into, 0), file.statLater()];
  file.close();
  assert.throws(() => file.read(into, 0), { code: 'EBADF' });
  // Would take the number over if it had been given back.
  const other = fs.openSync(`${root}/g`, 'w');
  await sync;
  assert.equal(await read, 5);
  assert.equal((await stat).sizeBytes, 5);
  assert.equal(into.toString(), 'hello');
  fs.closeSync(other);
  file.close();
  const open = fs.readdirSync('/proc/self/fd').filter((fd) => linkOf(fd)?.startsWith(root));
  assert.deepEqual(open, []);
});

test('inode and device keep all their bits, holes show in what is allocated, times and owner are there', (t) => {
  const root = folder(t);
  const file = hostFiles.open(`${root}/sparse`, 'create');
  file.truncate(10_000_000);
  const stat = file.stat();
  assert.equal(stat.sizeBytes, 10_000_000);
  assert.ok(stat.allocatedBytes < 10_000_000);
  const expected = fs.statSync(`${root}/sparse`, { bigint: true });
  assert.deepEqual([stat.device, stat.inode, stat.changedNs], [expected.dev, expected.ino, expected.ctimeNs]);
  assert.deepEqual([stat.owner, stat.links, stat.mode], [process.getuid?.(), 1, 0o600]);
  file.close();
  const space = hostFiles.space(root);
  assert.ok(space.totalBytes > space.availableBytes && space.availableBytes > 0);
});

function linkOf(descriptor: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

test('reading a log does not change its time of access, where that is ours to say', (t) => {
  const path = join(folder(t), 'log');
  fs.writeFileSync(path, 'a line\n');
  // Before its last change: with `relatime` too the next read would be written down.
  fs.utimesSync(path, new Date(1000), new Date());
  const file = hostFiles.open(path, 'read-no-follow');
  assert.equal(file.read(Buffer.alloc(7), 0), 7);
  file.close();
  assert.equal(fs.statSync(path).atimeMs, 1000);
});
