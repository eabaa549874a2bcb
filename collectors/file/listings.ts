/**
 * Directories as they are listed to find rotated files: kept while they do not change, for when a whole folder is rotated at
 * midnight each of its files asks. Whoever asks gets a listing that is not older than the question; all who ask before it is
 * made share it.
 */
import type { Clock, Files } from '../../spool/ports.ts';
import { join, nameOf, rotatedNames } from './names.ts';

export interface Listing {
  /** Those whose names are rotated forms of a name. */
  rotatedFrom(original: string): readonly string[];
  /** Those with an inode number; the first question stats them all. */
  withInode(inode: bigint): readonly string[];
}

const directoriesMax = 32;
/** Change times are coarse (a clock tick): a change this shortly before the listing may be followed by one with the same time. */
const coarseMs = 50;

interface Kept {
  readonly changedNs: bigint;
  readonly listing: Listing;
}

export class Listings {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new Map<string, Promise<Listing>>();

  constructor(files: Files, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Empty where there is no such directory; throws where it cannot be listed. */
  list(directory: string): Promise<Listing> {
    const asked = this.#asked.get(directory);
    if (asked) return asked;
    const { promise, resolve, reject } = Promise.withResolvers<Listing>();
    this.#asked.set(directory, promise);
    this.#clock.soon(() => {
      this.#asked.delete(directory);
      try {
        resolve(this.#listOrNothing(directory));
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }

  #listOrNothing(directory: string): Listing {
    try {
      return this.#list(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return listingOf([], this.#files);
      throw error;
    }
  }

  #list(directory: string): Listing {
    const { changedNs } = this.#files.stat(directory);
    const kept = this.#kept.get(directory);
    if (kept?.changedNs === changedNs) return kept.listing;
    this.#kept.delete(directory);
    const paths = this.#files.list(directory).map((entry) => join(directory, entry.name));
    const listing = listingOf(paths, this.#files);
    if (!mayChangeUnseen(changedNs, this.#clock)) this.#kept.set(directory, { changedNs, listing });
    if (this.#kept.size > directoriesMax) this.#kept.delete(this.#kept.keys().next().value!);
    return listing;
  }
}

/** True where what changed at that time may change once more without a new time. */
export function mayChangeUnseen(changedNs: bigint, clock: Clock): boolean {
  return Math.abs(clock.now() - Number(changedNs / 1_000_000n)) <= coarseMs;
}

/** `remote`: inodes are not asked for, each would be a call that may hang. */
export function listingOf(paths: readonly string[], files: Files, remote = false): Listing {
  let originals: Map<string, string[]> | undefined;
  let inodes: Map<bigint, string[]> | undefined;
  return {
    rotatedFrom(original) {
      originals ??= indexed(paths, (path) => rotatedNames(nameOf(path)).map((one) => one.original));
      return originals.get(original) ?? [];
    },
    withInode(inode) {
      inodes ??= indexed(remote ? [] : paths, (path) => inodesOf(path, files));
      return inodes.get(inode) ?? [];
    },
  };
}

function indexed<Key>(paths: readonly string[], keysOf: (path: string) => readonly Key[]): Map<Key, string[]> {
  const index = new Map<Key, string[]>();
  for (const path of paths) {
    for (const key of keysOf(path)) {
      const others = index.get(key);
      if (others) others.push(path);
      else index.set(key, [path]);
    }
  }
  return index;
}

/** One, or none where it went away between the listing and now: the next look decides. */
function inodesOf(path: string, files: Files): readonly bigint[] {
  try {
    return [files.lstat(path).inode];
  } catch {
    return [];
  }
}
