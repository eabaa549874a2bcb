/** Where things lie in a data_dir, and what they are called. */
import type { Position } from './nouns.ts';
import type { Files } from './ports.ts';

export interface Folders {
  readonly root: string;
  readonly segments: string;
  readonly cursors: string;
  readonly damaged: string;
}

export function foldersOf(dataDir: string): Folders {
  const root = dataDir.replace(/\/+$/, '') || '/';
  return { root, segments: `${root}/spool`, cursors: `${root}/cursors`, damaged: `${root}/damaged` };
}

/** The folder and everything above it: the entry of any of them may have been made just now, and must be durable too. */
export function withParents(folder: string): string[] {
  const parts = folder.split('/').filter((part) => part !== '');
  return parts.map((_, depth) => `/${parts.slice(0, depth).join('/')}`).concat(folder);
}

/** Makes a folder's entries durable; one above ours that we may not open is somebody else's, and was not made by us. */
export async function syncFolder(files: Files, folder: string, own: boolean): Promise<void> {
  try {
    await files.syncDirectory(folder);
  } catch (error) {
    if (own || !notOurs.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

const notOurs: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOENT']);

/** The position of its first byte in twenty digits: names sort as positions do. */
export function segmentName(start: Position): string {
  return `${String(start).padStart(20, '0')}.zst`;
}

/** undefined for every name that is not a segment's. */
export function segmentStart(name: string): Position | undefined {
  if (!/^\d{20}\.zst$/.test(name)) return undefined;
  const start = Number(name.slice(0, 20));
  return Number.isSafeInteger(start) ? start : undefined;
}

/** A shipper's name as a file name. */
export function cursorName(shipper: string): string {
  return encodeURIComponent(shipper).replaceAll('.', '%2E');
}
