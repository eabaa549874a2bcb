/** All lineages by path, all generations by inode and by the name where they stand; and those that sleep, who wake when asked for. */
import type { Generation } from './generation.ts';
import type { Lineage } from './lineage.ts';
import { type Sleeper, Sleepers } from './sleepers.ts';

export class Registry {
  readonly sleepers = new Sleepers();
  /** Those that are awake. */
  readonly lineages = new Map<string, Lineage>();
  /** Nearly always one: the set is only made for more. */
  readonly #byInode = new Map<bigint, Generation | Set<Generation>>();
  readonly #byPlace = new Map<string, Lineage>();

  readonly #takeUp: (sleeper: Sleeper) => void;

  /** `takeUp` makes one that slept a lineage again, as at a start. */
  constructor(takeUp: (sleeper: Sleeper) => void) {
    this.#takeUp = takeUp;
  }

  /** How many paths are known. */
  get size(): number {
    return this.lineages.size + this.sleepers.size;
  }

  /** Whether anything is known of what stands at a path; wakes nobody. */
  knows(path: string): boolean {
    return this.sleepers.at(path) !== undefined || this.at(path) !== undefined;
  }

  rouse(sleeper: Sleeper | undefined): void {
    if (sleeper === undefined) return;
    this.sleepers.remove(sleeper);
    this.#takeUp(sleeper);
  }

  /** Puts a lineage away whose only generation stands at its path. */
  putAway(lineage: Lineage, sleeper: Sleeper): void {
    if (!this.sleepers.add(sleeper)) return;
    for (const generation of lineage.live) this.drop(generation);
    this.lineages.delete(lineage.path);
  }

  /** The lineage to wake for a change at a path: its own, unless what stands there is read as another path's. */
  at(path: string): Lineage | undefined {
    this.rouse(this.sleepers.at(path));
    const own = this.lineages.get(path);
    return own === undefined || own.isEmpty ? (this.#byPlace.get(path) ?? own) : own;
  }

  withInode(inode: bigint): Iterable<Generation> {
    this.rouse(this.sleepers.withInode(inode));
    const found = this.#byInode.get(inode);
    return found === undefined ? [] : found instanceof Set ? found : [found];
  }

  /** Takes a generation in, or takes note that it stands elsewhere. */
  note(generation: Generation, lineage: Lineage): void {
    this.drop(generation);
    const { inode, place } = generation;
    generation.home = { lineage, inode, path: place?.path ?? '' };
    const found = this.#byInode.get(inode);
    if (found === undefined) this.#byInode.set(inode, generation);
    else if (found instanceof Set) found.add(generation);
    else this.#byInode.set(inode, new Set([found, generation]));
    if (place && place.path !== lineage.path) this.#byPlace.set(place.path, lineage);
  }

  drop(generation: Generation): void {
    const { home } = generation;
    if (!home) return;
    generation.home = undefined;
    const found = this.#byInode.get(home.inode);
    if (found === generation) this.#byInode.delete(home.inode);
    else if (found instanceof Set) {
      found.delete(generation);
      if (found.size === 0) this.#byInode.delete(home.inode);
    }
    if (this.#byPlace.get(home.path) === home.lineage) this.#byPlace.delete(home.path);
  }
}
