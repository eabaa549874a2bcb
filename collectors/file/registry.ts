/** All lineages by path, all generations by inode and by the name where they stand. */
import type { Generation } from './generation.ts';
import type { Lineage } from './lineage.ts';

export class Registry {
  readonly lineages = new Map<string, Lineage>();
  readonly #byInode = new Map<bigint, Set<Generation>>();
  readonly #byPlace = new Map<string, Lineage>();
  readonly #homes = new Map<Generation, { readonly lineage: Lineage; inode: bigint; place: string }>();

  /** Whose generation it is. */
  lineageOf(generation: Generation): Lineage | undefined {
    return this.#homes.get(generation)?.lineage;
  }

  /** The lineage to wake for a change at a path. */
  at(path: string): Lineage | undefined {
    return this.lineages.get(path) ?? this.#byPlace.get(path);
  }

  withInode(inode: bigint): ReadonlySet<Generation> {
    return this.#byInode.get(inode) ?? none;
  }

  /** Takes a generation in, or takes note that it stands elsewhere. */
  note(generation: Generation, lineage: Lineage): void {
    this.drop(generation);
    const place = generation.place?.path ?? '';
    this.#homes.set(generation, { lineage, inode: generation.inode, place });
    const alike = this.#byInode.get(generation.inode) ?? new Set<Generation>();
    this.#byInode.set(generation.inode, alike.add(generation));
    if (place !== '' && place !== lineage.path) this.#byPlace.set(place, lineage);
  }

  drop(generation: Generation): void {
    const home = this.#homes.get(generation);
    if (!home) return;
    this.#homes.delete(generation);
    const alike = this.#byInode.get(home.inode);
    alike?.delete(generation);
    if (alike?.size === 0) this.#byInode.delete(home.inode);
    if (this.#byPlace.get(home.place) === home.lineage) this.#byPlace.delete(home.place);
  }
}

const none: ReadonlySet<Generation> = new Set();
