/** What stands at a path, by the object alone: cheap enough to be asked at each look. */
import type { FileStat } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import { mayChangeUnseen } from './listings.ts';
import { directoryOf } from './names.ts';

/** What stands at a path, in a form that can be compared: the object, or that there is none. */
export function inspectQuickly(path: string, context: Context): string {
  try {
    return objectOf(context.files.stat(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : `failed:${code}`;
  }
}

/**
 * When an entry of the path's folder last came, went or was renamed; 0 where it is not there. `settled`: −1 where that was so
 * shortly ago that another change may have the same time.
 */
export function folderChangedNs(path: string, context: Context, settled = false): bigint {
  return changedNsOf(directoryOf(path), context, settled);
}

/** The same of the folder itself. */
export function changedNsOf(folder: string, context: Context, settled = false): bigint {
  try {
    const { changedNs } = context.files.stat(folder);
    return settled && mayChangeUnseen(changedNs, context.clock) ? -1n : changedNs;
  } catch {
    // No folder, or one that may not be looked at: nothing can have come.
    return 0n;
  }
}

export function objectOf({ kind, device, inode }: FileStat): string {
  return `${kind}:${device}:${inode}`;
}
