/** Undoes what a broken-off batch left in the mirror's files, as far as they still are the files it was written to. */
import type { Files, OpenFile } from '../../spool/ports.ts';
import { codeOf, hasCode } from './filework.ts';
import type { Intent } from './intent.ts';

export interface CutNotes {
  /** Somebody made a file shorter than the mirror had made it. */
  shortened(path: string): void;
  /** What was written twice stays in it. */
  notCut(path: string, code: string): void;
}

/** Cuts only, never extends; passes over files that were renamed, removed or replaced. */
export async function cutBack(files: Files, folder: string, intent: Intent, notes: CutNotes): Promise<void> {
  for (const touched of intent.files) {
    let file: OpenFile;
    try {
      file = files.open(`${folder}/${touched.path}`, 'write');
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP')) continue;
      if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
      notes.notCut(touched.path, codeOf(error));
      continue;
    }
    try {
      const stat = file.stat();
      if (stat.kind !== 'file' || stat.inode !== touched.inode) continue;
      if (stat.sizeBytes < touched.lengthBytes) notes.shortened(touched.path);
      if (stat.sizeBytes <= touched.lengthBytes) continue;
      file.truncate(touched.lengthBytes);
      await file.datasync();
    } finally {
      file.close();
    }
  }
}
