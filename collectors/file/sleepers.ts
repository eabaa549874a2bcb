/**
 * Files in which nothing happens are put away: of each only what tells that it did not change is kept here, all else stands in
 * the spool. Whatever asks for one that sleeps wakes it: it is taken up as at a start, that is, looked at and compared before
 * anything is read of it.
 */
import type { SourceNumber } from '../../spool/nouns.ts';
import type { FileStat, Files, UnixMs } from '../../spool/ports.ts';

export interface Sleeper {
  readonly path: string;
  readonly source: SourceNumber;
  readonly device: bigint;
  readonly inode: bigint;
  /** All of it was read. */
  readonly sizeBytes: number;
  readonly modifiedMs: UnixMs;
  /** Its bytes were compared with what was read of them since this process began. */
  compared: boolean;
}

export class Sleepers {
  readonly #byPath = new Map<string, Sleeper>();
  readonly #byInode = new Map<bigint, Sleeper>();

  get size(): number {
    return this.#byPath.size;
  }

  /** By path. */
  get all(): ReadonlyMap<string, Sleeper> {
    return this.#byPath;
  }

  /** False where another one with its inode number sleeps: one of the two is not what it was. */
  add(sleeper: Sleeper): boolean {
    if (this.#byInode.has(sleeper.inode)) return false;
    this.#byPath.set(sleeper.path, sleeper);
    this.#byInode.set(sleeper.inode, sleeper);
    return true;
  }

  at(path: string): Sleeper | undefined {
    return this.#byPath.get(path);
  }

  withInode(inode: bigint): Sleeper | undefined {
    return this.#byInode.get(inode);
  }

  remove({ path, inode }: Sleeper): void {
    this.#byPath.delete(path);
    this.#byInode.delete(inode);
  }
}

/** A cheap look: the file that was read stands there, and was not written to since. Its folder was judged when it went to sleep. */
export function sleepsOn(sleeper: Sleeper, files: Files): boolean {
  try {
    return isSame(sleeper, files.lstat(sleeper.path));
  } catch {
    return false; // gone, or not to be looked at: whoever wakes it finds out
  }
}

export function isSame(sleeper: Omit<Sleeper, 'path' | 'source' | 'compared'>, stat: FileStat): boolean {
  const { kind, inode, device, sizeBytes, modifiedMs, links } = stat;
  if (kind !== 'file' || links !== 1) return false;
  return (
    inode === sleeper.inode &&
    device === sleeper.device &&
    sizeBytes === sleeper.sizeBytes &&
    Math.floor(modifiedMs) === Math.floor(sleeper.modifiedMs)
  );
}
