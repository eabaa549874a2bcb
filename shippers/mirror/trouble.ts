/** Why the mirror holds, in words for people. Pure. */
import { codeOf } from './filework.ts';

/** The folder is another data_dir's, or not the one that was mounted before. */
export class Mismatch extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export interface Trouble {
  readonly state: 'retrying' | 'holding';
  readonly cause: string;
  readonly message: string;
  readonly hint: string;
}

export function explain(error: unknown, folder: string): Trouble {
  if (error instanceof Mismatch)
    return { state: 'holding', cause: 'folder_mismatch', message: error.message, hint: error.hint };
  const words = error instanceof Error ? error.message : String(error);
  const message = `The mirror in ${folder} cannot be written: ${words}.`;
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return { state: 'retrying', cause: 'disk_full', message, hint: 'Make room: it goes on by itself.' };
    case 'EIO':
      return { state: 'retrying', cause: 'disk_error', message, hint: 'Look at the disk: it goes on once that works.' };
    default: {
      const hint = 'Look at the owner and the mount of the folder: it goes on by itself.';
      return { state: 'retrying', cause: 'unwritable', message, hint };
    }
  }
}
