/**
 * Which files there are: walks the directories that can hold matches, lists those that changed, and watches them. Hints only
 * make it faster; the walk, repeated every `scanIntervalMs`, is the truth.
 */
import type { DirectoryEntry } from '../../spool/ports.ts';
import type { Watcher } from '../ports.ts';
import type { Context } from './context.ts';
import type { Patterns } from './glob.ts';
import type { Trouble } from './lineage.ts';
import { directoryOf, join } from './names.ts';
import { changedNsOf } from './object-at.ts';
import { refusalOf, unreadable } from './permission.ts';

interface Directory {
  watch: Disposable | undefined;
  /** Its last change when it was listed; listed again when that differs, or is too young to tell. */
  changedNs: bigint;
  subdirectories: readonly string[];
  names: readonly string[];
  /** Of all these names something was known at the last scan. */
  allKnown: boolean;
}

/** A folder that nobody listens to: the files in it, and when one last came or went. */
export interface Hushed {
  readonly paths: readonly string[];
  readonly changedNs: bigint;
}

const depthMax = 64;
/** Every so many scans all names are gone through again. */
const scansPerReview = 16;
/** Watches on directories that are not walked. */
const othersMax = 4096;
/** Times of files are coarse: a change this shortly before the listing may be followed by one with the same time. */
const coarseMs = 2000;

export class Discovery {
  readonly troubles = new Map<string, Trouble>();
  readonly #context: Context;
  readonly #watcher: Watcher;
  readonly #patterns: Patterns;
  readonly #hinted: (directory: string, name: string | undefined) => void;
  readonly #directories = new Map<string, Directory>();
  readonly #others = new Map<string, Disposable | undefined>();
  #scans = 0;
  /** Listings on their way. */
  readonly #asked = new Set<string>();

  constructor(
    context: Context,
    watcher: Watcher,
    patterns: Patterns,
    hinted: (directory: string, name: string | undefined) => void,
  ) {
    this.#context = context;
    this.#watcher = watcher;
    this.#patterns = patterns;
    this.#hinted = hinted;
  }

  get directories(): number {
    return this.#directories.size;
  }

  /** True where the directory could be listed when it was last looked at. */
  isReadable(directory: string): boolean {
    return this.#directories.has(directory) && !this.troubles.has(directory);
  }

  /** True where changes in a directory that is walked are told. */
  isWatched(directory: string): boolean {
    return this.#directories.get(directory)?.watch !== undefined;
  }

  /**
   * Stops listening to a folder that is walked, and says what stood there when it last changed. undefined where that is not known,
   * or nobody listens.
   */
  hush(path: string): Hushed | undefined {
    const directory = this.#directories.get(path);
    if (directory?.watch === undefined) return undefined;
    const changedNs = changedNsOf(path, this.#context);
    if (changedNs !== directory.changedNs) {
      // What changed was told, or is told in a moment: it is listed anew for the next time that this is asked for.
      this.#look(path);
      return undefined;
    }
    directory.watch[Symbol.dispose]();
    directory.watch = undefined;
    return { paths: directory.names.map((name) => join(path, name)), changedNs };
  }

  /** Listens again. What changed meanwhile has to be looked for afterwards. */
  listen(path: string): void {
    const directory = this.#directories.get(path);
    if (directory) directory.watch ??= this.#watch(path);
  }

  /** How many names in a folder match; 0 where it is not walked. */
  countOf(path: string): number {
    return this.#directories.get(path)?.names.length ?? 0;
  }

  /** The paths that match now and are not known; folders are watched from now on. */
  scan(isKnown: (path: string) => boolean = () => false): string[] {
    const found: string[] = [];
    this.#scans++;
    const seen = new Set<string>();
    for (const base of this.#patterns.bases) this.#visit(base, found, seen, 0, isKnown);
    for (const [path, directory] of this.#directories) {
      if (seen.has(path)) continue;
      directory.watch?.[Symbol.dispose]();
      this.#directories.delete(path);
      this.troubles.delete(path);
    }
    return found;
  }

  /** All paths that match below one directory. */
  scanBelow(directory: string): string[] {
    const found: string[] = [];
    if (!this.#isLink(directory) || this.#leadsToDirectory(directory))
      this.#visit(directory, found, new Set(), 0, () => false);
    return found;
  }

  close(): void {
    for (const { watch } of this.#directories.values()) watch?.[Symbol.dispose]();
    for (const watch of this.#others.values()) watch?.[Symbol.dispose]();
    this.#others.clear();
    this.#directories.clear();
  }

  #visit(path: string, found: string[], seen: Set<string>, depth: number, isKnown: (path: string) => boolean): void {
    if (seen.has(path) || depth > depthMax || !this.#patterns.mayHold(path)) return;
    seen.add(path);
    const directory = this.#look(path);
    if (!directory) return;
    this.#addUnknown(path, directory, found, isKnown);
    for (const name of directory.subdirectories) this.#visit(join(path, name), found, seen, depth + 1, isKnown);
  }

  /** Thousands of names that were all known when this listing was gone through last are not gone through each time. */
  #addUnknown(path: string, directory: Directory, found: string[], isKnown: (path: string) => boolean): void {
    if (directory.allKnown && this.#scans % scansPerReview !== 0) return;
    const before = found.length;
    for (const name of directory.names) {
      const full = join(path, name);
      if (!isKnown(full)) found.push(full);
    }
    directory.allKnown = found.length === before;
  }

  #look(path: string): Directory | undefined {
    const { files, rules, clock, births } = this.#context;
    const refusal = refusalOf(path, rules);
    if (refusal) {
      if (refusal.cause !== 'never') this.#trouble(path, { ...refusal, state: 'refused' });
      return undefined;
    }
    if (this.#context.isRemote(path)) return this.#lookRemotely(path);
    try {
      const stat = files.stat(path);
      births.learn(stat);
      if (stat.kind !== 'directory') return undefined;
      const known = this.#directories.get(path);
      if (known && known.changedNs === stat.changedNs) return known;
      const watch = known?.watch ?? this.#watch(path);
      const isYoung = clock.now() - Number(stat.changedNs / 1_000_000n) < coarseMs;
      const changedNs = isYoung ? -1n : stat.changedNs;
      const directory = { watch, changedNs, allKnown: false, ...this.#sort(path, files.list(path)) };
      this.#directories.set(path, directory);
      this.troubles.delete(path);
      return directory;
    } catch (error) {
      const found = unreadable(path, error);
      if (found.kind === 'unreadable') this.#trouble(path, { ...found, state: 'unreadable' });
      else this.troubles.delete(path);
      return undefined;
    }
  }

  /** Hints from a directory that is not walked. */
  watchAlso(path: string): void {
    if (this.#context.isRemote(path)) return;
    if (this.#directories.has(path) || this.#others.has(path) || this.#others.size >= othersMax) return;
    this.#others.set(path, this.#watch(path));
  }

  /** What was there when it was last listed; a new listing is on its way, and comes as a hint if anything is new. */
  #lookRemotely(path: string): Directory | undefined {
    if (!this.#asked.has(path)) {
      this.#asked.add(path);
      void this.#listRemotely(path).finally(() => this.#asked.delete(path));
    }
    return this.#directories.get(path);
  }

  async #listRemotely(path: string): Promise<void> {
    try {
      const sorted = this.#sort(path, await this.#context.remote.list(path));
      const before = this.#directories.get(path);
      this.#directories.set(path, { watch: undefined, changedNs: -1n, allKnown: false, ...sorted });
      this.troubles.delete(path);
      const found = [...sorted.names, ...sorted.subdirectories];
      const known = new Set([...(before?.names ?? []), ...(before?.subdirectories ?? [])]);
      if (found.some((name) => !known.has(name))) this.#hinted(path, undefined);
    } catch (error) {
      const found = unreadable(path, error);
      if (found.kind === 'unreadable') this.#trouble(path, { ...found, state: 'unreadable' });
      else if (found.kind === 'missing') this.#directories.delete(path);
    }
  }

  #trouble(path: string, { state, cause, message, hint }: Omit<Trouble, 'since'>): void {
    const since = this.troubles.get(path)?.since ?? this.#context.clock.now();
    this.troubles.set(path, { state, cause, message, hint, since });
  }

  #sort(path: string, entries: readonly DirectoryEntry[]): Pick<Directory, 'names' | 'subdirectories'> {
    const names: string[] = [];
    const subdirectories: string[] = [];
    for (const { name, kind } of entries) {
      const full = join(path, name);
      if (kind === 'directory' || (kind === 'symlink' && this.#leadsToDirectory(full))) {
        if (this.#patterns.mayHold(full)) subdirectories.push(name);
      } else if (this.#patterns.matches(full)) names.push(name);
    }
    return { names, subdirectories };
  }

  #isLink(path: string): boolean {
    if (this.#context.isRemote(path)) return false;
    try {
      return this.#context.files.lstat(path).kind === 'symlink';
    } catch {
      return false; // gone again
    }
  }

  /** Only where a pattern names it: `**` does not follow links, so that nothing is walked in circles. */
  #leadsToDirectory(path: string): boolean {
    if (!this.#patterns.mayHoldByName(path) || refusalOf(path, this.#context.rules)) return false;
    if (this.#context.isRemote(path)) return false;
    try {
      const target = this.#context.files.readLink(path);
      const absolute = target.startsWith('/') ? target : join(directoryOf(path), target);
      return !refusalOf(absolute, this.#context.rules) && this.#context.files.stat(path).kind === 'directory';
    } catch {
      return false; // a link that leads nowhere is not a directory
    }
  }

  #watch(path: string): Disposable | undefined {
    try {
      return this.#watcher.watch(path, (name) => this.#hinted(path, name));
    } catch {
      return undefined; // no hints from here: the scan and the polling of busy files do without
    }
  }
}

/** All paths that match patterns now; what cannot be listed is passed over. */
export function walk(patterns: Patterns, context: Context): string[] {
  const found: string[] = [];
  const visit = (path: string, depth: number) => {
    if (depth > depthMax || !patterns.mayHold(path) || refusalOf(path, context.rules)) return;
    if (context.isRemote(path)) return; // only siblings are looked for on mounts that may hang
    for (const { name, kind } of listOrNothing(path, context)) {
      const full = join(path, name);
      if (kind === 'directory') visit(full, depth + 1);
      else if (patterns.matches(full)) found.push(full);
    }
  };
  for (const base of patterns.bases) visit(base, 0);
  return found;
}

function listOrNothing(path: string, context: Context): readonly DirectoryEntry[] {
  try {
    return context.files.list(path);
  } catch {
    return [];
  }
}
