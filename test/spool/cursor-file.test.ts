import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import { CursorFile, readCursor } from '../../spool/cursor-file.ts';
import { cursorName, foldersOf } from '../../spool/layout.ts';
import type { Files } from '../../spool/ports.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { fails } from '../simulation/faults.ts';

/** Existing files can be written over, and nothing can be made. */
const fullDisk: Files = {
  ...hostFiles,
  open(path, mode) {
    if (mode === 'create') throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return hostFiles.open(path, mode);
  },
};

test('the first cursor is saved on a disk that became full, also by a process that did not make its file', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/tailspool-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const folders = foldersOf(folder);
  hostFiles.makeDirectory(folders.cursors);
  const first = new CursorFile(hostFiles, folders, 's', { kind: 'none' });
  await first.prepare();
  first.close();

  const path = `${folders.cursors}/${cursorName('s')}`;
  const second = new CursorFile(fullDisk, folders, 's', readCursor(fullDisk, path));
  await second.save(recordAt(7));
  second.close();
  const read = readCursor(hostFiles, path);
  assert.equal(read.kind === 'cursor' && read.record.cursor.position, 7);
});

test('a saved cursor stays in a power cut, although the process that made its file could not make its name durable', async () => {
  const disk = new SimulatedDisk();
  const folders = foldersOf('/data');
  disk.files.makeDirectory(folders.cursors);
  await disk.files.syncDirectory('/');
  await disk.files.syncDirectory('/data');
  disk.faults = [fails('EIO', { kinds: ['syncDirectory'], times: 1 })];
  await new CursorFile(disk.files, folders, 's', { kind: 'none' }).prepare();
  const path = `${folders.cursors}/${cursorName('s')}`;
  const next = new CursorFile(disk.files, folders, 's', readCursor(disk.files, path));
  await next.save(recordAt(7));
  for (let luck = 0; luck < 50; luck++) {
    const read = readCursor(disk.afterPowerCut(luck).files, path);
    assert.equal(read.kind === 'cursor' && read.record.cursor.position, 7, `outcome ${luck}`);
  }
});

test('any flipped bit of the newer slot, and any length that cuts it, leaves the older one; of both, nothing that looks like a cursor', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/tailspool-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const folders = foldersOf(folder);
  hostFiles.makeDirectory(folders.cursors);
  const path = `${folders.cursors}/${cursorName('s')}`;
  const file = new CursorFile(hostFiles, folders, 's', { kind: 'none' });
  await file.save(recordAt(7));
  await file.save(recordAt(8));
  file.close();
  const whole = readFileSync(path);
  const found = (bytes: Buffer): number | string => {
    writeFileSync(path, bytes);
    const read = readCursor(hostFiles, path);
    return read.kind === 'cursor' ? read.record.cursor.position : read.kind;
  };
  assert.equal(found(whole), 8);
  const slot = 4096; // the second
  const length = 12 + whole.readUInt16LE(slot + 6);
  for (let bit = 0; bit < length * 8; bit++) {
    const flipped = Buffer.from(whole);
    for (const [at, expected] of [
      [slot, 7],
      [0, 'damaged'],
    ] as const) {
      flipped[at + (bit >> 3)]! ^= 1 << (bit & 7);
      assert.equal(found(flipped), expected, `bit ${bit}`);
    }
  }
  for (const cut of [slot, slot + 1, slot + 11, slot + 12, slot + length - 1])
    assert.equal(found(whole.subarray(0, cut)), 7, `cut to ${cut}`);
  for (const cut of [0, 1, 12, length - 1]) assert.equal(found(whole.subarray(0, cut)), 'damaged', `cut to ${cut}`);
});

function recordAt(position: number) {
  const cursor = { receiver: '' as const, epoch: '1'.repeat(32), forked: false, position, hash: '2'.repeat(32) };
  return { spool: '3'.repeat(32), cursor, passed: { records: 1, bytes: 2 } };
}

test('how much lies before the cursor is kept beside it, exactly, in whichever slot is the newer', async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/tailspool-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const folders = foldersOf(folder);
  hostFiles.makeDirectory(folders.cursors);
  const file = new CursorFile(hostFiles, folders, 's', { kind: 'none' });
  await file.prepare();
  const path = `${folders.cursors}/${cursorName('s')}`;
  const saves = [
    { records: 3, bytes: 70_000 },
    { records: 5_000_000_000, bytes: 2 ** 50 + 1 },
    { records: 5_000_000_001, bytes: 2 ** 50 + 9 },
  ];
  for (const [position, passed] of saves.entries()) {
    const cursor = { receiver: '' as const, epoch: '1'.repeat(32), forked: false, position, hash: '2'.repeat(32) };
    await file.save({ spool: '3'.repeat(32), cursor, passed });
    const read = readCursor(hostFiles, path);
    assert.deepEqual(read.kind === 'cursor' && [read.record.cursor.position, read.record.passed], [position, passed]);
  }
  file.close();
});
