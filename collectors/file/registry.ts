/** All lineages by path, all generations by inode and by the name where they stand. */
import type { Generation } from './generation.ts';
import type { Lineage } from './lineage.ts';

export class Registry {
  readonly lineages = new Map<string, Lineage>();
  /** Nearly always one: the set is only made for more. */
  readonly #byInode = new Map<bigint, Generation | Set<Generation>>();
  readonly #byPlace = new Map<string, Lineage>();

  /** The lineage to wake for a change at a path: its own, unless what stands there is read as another path's. */
  at(path: string): Lineage | undefined {
    const own = this.lineages.get(path);
    return own === undefined || own.isEmpty ? (this.#byPlace.get(path) ?? own) : own;
  }

  withInode(inode: bigint): Iterable<Generation> {
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
