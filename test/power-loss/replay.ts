/** Does to a simulated disk what a traced process did to a real one, step by step; between two steps the power may go. */
import { SimulatedDisk } from '../simulation/disk.ts';
import type { DirectoryNode, EntryChange, FileNode } from '../simulation/nodes.ts';
import { find } from '../simulation/tree.ts';
import type { Step } from './trace.ts';

type Asked =
  | { readonly kind: 'file'; readonly node: FileNode; readonly changes: FileNode['pending'] }
  | { readonly kind: 'directory'; readonly node: DirectoryNode; readonly changes: ReadonlySet<EntryChange> };

export class Replay {
  readonly disk = new SimulatedDisk();
  readonly #asked = new Map<number, Asked>();

  /** False where the step changes nothing. */
  apply(step: Step): boolean {
    const { world } = this.disk;
    switch (step.kind) {
      case 'create':
        return this.#create(step.path);
      case 'write':
        return this.#opened(step.path, (file) => file.write(step.bytes, step.at));
      case 'truncate':
        return this.#opened(step.path, (file) => file.truncate(step.size));
      case 'mkdir':
        world.makeDirectory(step.path);
        return true;
      case 'rmdir':
        world.removeDirectory(step.path);
        return true;
      case 'unlink':
        if (!this.#there(step.path)) return false;
        world.unlink(step.path);
        return true;
      case 'rename':
        world.rename(step.path, step.to);
        return true;
      case 'sync':
        this.#ask(step.path, step.id);
        return false;
      case 'synced':
        this.#settle(step.id);
        return true;
      case 'told':
        return false;
      default:
        return step satisfies never;
    }
  }

  #create(path: string): boolean {
    if (this.#there(path)) return false;
    this.disk.world.open(path, 'create').close();
    return true;
  }

  #opened(path: string, act: (file: ReturnType<SimulatedDisk['world']['open']>) => void): boolean {
    const file = this.disk.world.open(path, 'write');
    act(file);
    file.close();
    return true;
  }

  #there(path: string): boolean {
    const cut = path.lastIndexOf('/');
    return this.disk.world.list(path.slice(0, cut) || '/').some(({ name }) => name === path.slice(cut + 1));
  }

  #ask(path: string, id: number): void {
    const { node } = find(this.disk.root, path, 'fsync');
    if (node.kind === 'file') this.#asked.set(id, { kind: 'file', node, changes: [...node.pending] });
    if (node.kind === 'directory')
      this.#asked.set(id, { kind: 'directory', node, changes: new Set(this.disk.pendingEntries.flat()) });
  }

  #settle(id: number): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked?.kind === 'file') this.disk.settle(asked.node, asked.changes);
    if (asked?.kind !== 'directory') return;
    const { disk } = this;
    const later = disk.pendingEntries.filter((together) => !together.every((change) => asked.changes.has(change)));
    disk.pendingEntries = disk.pendingEntries.filter((together) =>
      together.every((change) => asked.changes.has(change)),
    );
    disk.syncEntries(asked.node);
    disk.pendingEntries.push(...later);
  }
}
