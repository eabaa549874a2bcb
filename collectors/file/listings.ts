/**
 * Directories as they are listed to find rotated files: kept while they do not change, for when a whole folder is rotated at
 * midnight each of its files asks. Whoever asks gets a listing that is not older than the question.
 */
import type { Clock, Files } from '../../spool/ports.ts';
import { join, nameOf, rotatedNames } from './names.ts';

export interface Listing {
  /** All entries, whatever they are. */
  readonly paths: readonly string[];
  /** Those whose names are rotated forms of a name. */
  rotatedFrom(original: string): readonly string[];
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

  constructor(files: Files, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** Empty where there is no such directory; throws where it cannot be listed. */
  list(directory: string): Listing {
    try {
      return this.#list(directory);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return listingOf([]);
      throw error;
    }
  }

  #list(directory: string): Listing {
    const { changedNs } = this.#files.stat(directory);
    const kept = this.#kept.get(directory);
    if (kept?.changedNs === changedNs) return kept.listing;
    this.#kept.delete(directory);
    const listing = listingOf(this.#files.list(directory).map((entry) => join(directory, entry.name)));
    const ageMs = this.#clock.now() - Number(changedNs / 1_000_000n);
    if (ageMs > coarseMs) this.#kept.set(directory, { changedNs, listing });
    if (this.#kept.size > directoriesMax) this.#kept.delete(this.#kept.keys().next().value!);
    return listing;
  }
}

function listingOf(paths: readonly string[]): Listing {
  let index: Map<string, string[]> | undefined;
  return {
    paths,
    rotatedFrom(original) {
      index ??= indexOf(paths);
      return index.get(original) ?? [];
    },
  };
}

function indexOf(paths: readonly string[]): Map<string, string[]> {
  const index = new Map<string, string[]>();
  for (const path of paths) {
    for (const { original } of rotatedNames(nameOf(path))) {
      const others = index.get(original);
      if (others) others.push(path);
      else index.set(original, [path]);
    }
  }
  return index;
}
