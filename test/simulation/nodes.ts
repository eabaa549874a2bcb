/**
 * What a simulated disk is made of. Each file has its content as programs see it, the content that is safe, and the
 * changes between the two; each directory its entries as programs see them and those that are safe.
 */
import type { UnixMs } from '../../spool/ports.ts';

export interface Meta {
  readonly inode: bigint;
  readonly birthNs: bigint;
  mode: number;
  modifiedMs: UnixMs;
  changedNs: bigint;
  links: number;
  /** Open descriptors: an inode without names lives as long as it has some. */
  opens: number;
}

/** A change to a file's content that no sync has made safe yet. */
export type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number };

export interface FileNode {
  readonly kind: 'file';
  readonly meta: Meta;
  current: Content;
  safe: Content;
  pending: Change[];
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly meta: Meta;
  entries: Map<string, Node>;
  safe: Map<string, Node>;
}

export interface LinkNode {
  readonly kind: 'symlink';
  readonly meta: Meta;
  readonly target: string;
}

export type Node = FileNode | DirectoryNode | LinkNode;

/** Entries that change together or not at all; `node` undefined removes the name. */
export interface EntryChange {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
}

const allocationBytes = 4096;

/** Bytes of a file that grow in place, zeros where nothing was written. */
export class Content {
  #bytes: Buffer;
  #size: number;
  readonly #allocated: Set<number>;

  constructor(bytes: Uint8Array = new Uint8Array(0), allocated?: Iterable<number>) {
    this.#bytes = Buffer.from(bytes);
    this.#size = bytes.length;
    this.#allocated = new Set(
      allocated ?? Array.from({ length: Math.ceil(bytes.length / allocationBytes) }, (_, i) => i),
    );
  }

  get size(): number {
    return this.#size;
  }

  get allocatedBytes(): number {
    return this.#allocated.size * allocationBytes;
  }

  /** A view; valid until the next change. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  clone(): Content {
    return new Content(this.bytes, this.#allocated);
  }

  read(into: Uint8Array, position: number): number {
    const found = this.bytes.subarray(position, position + into.length);
    into.set(found);
    return found.length;
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, position);
    this.#size = Math.max(this.#size, end);
    for (let block = Math.floor(position / allocationBytes); block * allocationBytes < end; block++)
      this.#allocated.add(block);
  }

  truncate(size: number): void {
    if (size > this.#bytes.length) this.#grow(size);
    this.#bytes.fill(0, size, Math.max(size, this.#size));
    this.#size = size;
    for (const block of this.#allocated) if (block * allocationBytes >= size) this.#allocated.delete(block);
  }

  apply(change: Change): void {
    if (change.kind === 'write') this.write(change.bytes, change.at);
    else this.truncate(change.size);
  }

  #grow(atLeast: number): void {
    const larger = Buffer.alloc(Math.max(atLeast, this.#bytes.length * 2, 1024));
    this.#bytes.copy(larger, 0, 0, this.#size);
    this.#bytes = larger;
  }
}
