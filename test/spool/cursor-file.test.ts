import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import { CursorFile, readCursor } from '../../spool/cursor-file.ts';
import { cursorName, foldersOf } from '../../spool/layout.ts';
import type { Files } from '../../spool/ports.ts';

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
  const cursor = { receiver: '' as const, epoch: '1'.repeat(32), forked: false, position: 7, hash: '2'.repeat(32) };
  await second.save({ spool: '3'.repeat(32), cursor, passed: { records: 1, bytes: 2 } });
  second.close();
  const read = readCursor(hostFiles, path);
  assert.equal(read.kind === 'cursor' && read.record.cursor.position, 7);
});
