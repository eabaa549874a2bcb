/** Keeps blocks that the mirror could not read, for people: the spool forgets them once the cursor is past. */
import type { Files } from '../../spool/ports.ts';
import type { DamagedBlock } from './batch.ts';
import { hasCode, writeAll } from './filework.ts';

/** Beyond it they are only counted. */
export const damagedBytesMax = 64 * 1024 * 1024;

/** Header and frame of each into `damaged/<position>.zst`, while there is room for them. */
export async function setAside(files: Files, stateFolder: string, blocks: readonly DamagedBlock[]): Promise<void> {
  if (blocks.length === 0) return;
  const directory = `${stateFolder}/damaged`;
  files.makeDirectory(directory);
  let kept = 0;
  for (const entry of files.list(directory)) kept += files.stat(`${directory}/${entry.name}`).sizeBytes;
  for (const { view } of blocks) {
    kept += view.header.length + view.frame.length;
    if (kept <= damagedBytesMax) await keep(files, `${directory}/${view.position}.zst`, [view.header, view.frame]);
  }
  await files.syncDirectory(directory);
}

async function keep(files: Files, path: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    const file = files.open(path, 'create');
    try {
      writeAll(file, Buffer.concat(parts), 0);
      await file.datasync();
    } finally {
      file.close();
    }
  } catch (error) {
    // A batch that was broken off has kept it already.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
