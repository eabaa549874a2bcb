/**
 * A disk in memory behind the port `Files`. It knows what each sync has made safe, so that it can lose power: `crashBefore(k)`
 * stops it before its k-th change, and `reopenAfterCrash(seed)` is the disk as the next start finds it.
 *
 *     const disk = new SimulatedDisk();
 *     disk.crashBefore(17);
 *     await work(disk.files).catch(expectCrash);
 *     const after = disk.reopenAfterCrash(seed);   // or reopenAfterKill(): everything written is there
 *
 * `files` is the program's; `world` is everybody else's: no faults, no crash, not counted.
 */
import type { Clock, FileStat, Files, UnixMs } from '../../spool/ports.ts';
import { SimulatedClock } from './clock.ts';
import { filesOf } from './disk-files.ts';
import { Crash, systemError } from './errors.ts';
import type { Effect, Fault, Operation, OperationKind } from './faults.ts';
import { Content, type DirectoryNode, type EntryChange, type FileNode, type Meta, type Node } from './nodes.ts';
import { afterPowerCut, onlyWhatIsSafe } from './power-cut.ts';
import { find, locate } from './tree.ts';

const historyMax = 100_000;
const reading: ReadonlySet<OperationKind> = new Set(['read', 'list', 'stat', 'open']);

/** What a fault leaves of an operation that does not simply fail. */
export type Course = Exclude<Effect, { kind: 'fail' | 'slow' }>;

export interface DiskOptions {
  readonly clock?: Clock & { passSilently?(ms: number): void };
  /** Bytes of file content that fit. */
  readonly capacityBytes?: number;
  readonly faults?: readonly Fault[];
}

export class SimulatedDisk {
  readonly clock: Clock & { passSilently?(ms: number): void };
  readonly files: Files;
  readonly world: Files;
  readonly root: DirectoryNode;
  /** Changed at any time: more or less space, other faults. */
  capacityBytes: number;
  faults: Fault[];
  /** Entry changes that no directory sync has made safe, oldest first. */
  pendingEntries: EntryChange[][] = [];
  usedBytes = 0;
  readonly history: Operation[] = [];
  /** Called before each operation of the program, reading ones too: others may do something to the disk just then. */
  onOperation: ((operation: Operation) => void) | undefined;
  #operations = 0;
  #crashAt = Number.POSITIVE_INFINITY;
  #crash: Crash | undefined;
  #inodes = 1n;
  #freeInodes: bigint[] = [];
  #ticks = 0n;

  constructor(options: DiskOptions = {}, root?: DirectoryNode) {
    this.clock = options.clock ?? new SimulatedClock();
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.faults = [...(options.faults ?? [])];
    this.root = root ?? { kind: 'directory', meta: this.newMeta(0o755), entries: new Map(), safe: new Map() };
    this.#takeStock();
    this.files = filesOf(this, true);
    this.world = filesOf(this, false);
  }

  /** How many changes there were so far: the number that the next one gets. */
  get operations(): number {
    return this.#operations;
  }

  get crashed(): boolean {
    return this.#crash !== undefined;
  }

  /** The change with this number, and whatever follows it, throws `Crash` instead of happening. */
  crashBefore(operation: number): void {
    this.#crashAt = operation;
  }

  crashNow(): void {
    this.#crash ??= new Crash(`by hand after ${this.#operations} changes`);
  }

  /** Power is back. The old disk stays as it was: other seeds may be tried on it. Faults and capacity are not carried over. */
  reopenAfterCrash(seed: number): SimulatedDisk {
    this.crashNow();
    return this.afterPowerCut(seed);
  }

  /** What a power cut at this moment would leave, while this disk goes on. */
  afterPowerCut(seed: number): SimulatedDisk {
    return new SimulatedDisk({ clock: this.clock }, afterPowerCut(this.root, this.pendingEntries, seed));
  }

  /** The least that a power cut at this moment leaves: nothing but what was synced. */
  onlySafe(clock: DiskOptions['clock'] = this.clock): SimulatedDisk {
    return new SimulatedDisk({ clock }, onlyWhatIsSafe(this.root));
  }

  /** The process was killed and the machine went on: everything written is there, what was not synced still is not. */
  reopenAfterKill(): SimulatedDisk {
    this.crashNow();
    const disk = new SimulatedDisk({ clock: this.clock }, this.root);
    disk.pendingEntries = this.pendingEntries;
    return disk;
  }

  /** The process ended by itself, and whatever it had left running with it; the machine goes on as it was, faults and all. */
  reopenAfterExit(): SimulatedDisk {
    const disk = this.reopenAfterKill();
    disk.faults = this.faults;
    disk.capacityBytes = this.capacityBytes;
    disk.#operations = this.#operations;
    disk.#crashAt = this.#crashAt;
    disk.#inodes = this.#inodes;
    disk.#freeInodes = [...this.#freeInodes];
    disk.#ticks = this.#ticks;
    return disk;
  }

  /** A folder is replaced by what it was on another disk (a snapshot of this one); the program has been killed. */
  reopenWith(folder: string, from: SimulatedDisk): SimulatedDisk {
    this.crashNow();
    this.makeSafe();
    const back = from.afterPowerCut(0);
    if (folder === '/') return back;
    const { node } = find(back.root, folder, 'restore');
    const place = locate(this.root, folder, 'restore', false);
    place.directory.entries.set(place.name, node);
    place.directory.safe.set(place.name, node);
    return new SimulatedDisk({ clock: this.clock }, this.root);
  }

  /** The content as programs see it. */
  readFile(path: string): Buffer {
    return Buffer.from(this.#file(path).current.bytes);
  }

  /** Puts a file there by somebody else's hand, safe at once, with the directories above it. */
  writeFile(path: string, bytes: Uint8Array): void {
    this.world.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
    try {
      this.world.unlink(path);
    } catch {}
    const file = this.world.open(path, 'create');
    file.write(bytes, 0);
    file.close();
    this.makeSafe();
  }

  /** As `utimes` by somebody else's hand. */
  setModified(path: string, modifiedMs: UnixMs): void {
    this.#file(path).meta.modifiedMs = modifiedMs;
  }

  /** A symlink by somebody else's hand. */
  symlink(target: string, path: string): void {
    const cut = path.lastIndexOf('/');
    const { node } = find(this.root, path.slice(0, cut) || '/', 'symlink');
    if (node.kind !== 'directory') throw systemError('ENOTDIR', 'symlink', path);
    this.changeEntries([
      { directory: node, name: path.slice(cut + 1), node: { kind: 'symlink', meta: this.newMeta(0o777), target } },
    ]);
  }

  /** Rot: one bit of the stored file is another now, seen by readers and after a crash. */
  flipBit(path: string, bit: number): void {
    const file = this.#file(path);
    for (const content of [file.current, file.safe]) {
      const byte = content.bytes[bit >> 3];
      if (byte !== undefined) content.bytes[bit >> 3] = byte ^ (1 << (bit & 7));
    }
  }

  /** As if everything, or everything below a folder, had been synced. */
  makeSafe(folder = '/'): void {
    const top = find(this.root, folder, 'sync').node;
    const nodes = top.kind === 'directory' ? [top, ...[...this.#paths(top, '')].map(([, node]) => node)] : [top];
    for (const node of nodes) {
      if (node.kind === 'file') this.settle(node, node.pending);
      else if (node.kind === 'directory') this.syncEntries(node);
    }
  }

  toString(): string {
    return [`${this.#operations} changes`, ...this.faults.map((fault) => fault.name), ...this.tree()].join('\n');
  }

  /** Every path below a folder with its size, for messages of failing tests. */
  tree(folder = '/'): string[] {
    const { node } = locate(this.root, folder, 'list', true);
    if (node?.kind !== 'directory') return [];
    return [...this.#paths(node, folder === '/' ? '' : folder)]
      .map(([path, found]) => (found.kind === 'file' ? `${path} ${found.current.size}` : `${path}/`))
      .sort();
  }

  // What follows is for disk-files.ts.

  /** Counts an operation, asks the faults, and throws what they or a crash say. What is left changes its course. */
  meet(kind: OperationKind, path: string, bytes = 0, at = 0): Course | undefined {
    const { course, slowMs } = this.#ask(kind, path, bytes, at);
    this.clock.passSilently?.(slowMs);
    return course;
  }

  /** The same for what may take its time: a crash meanwhile finds it not done. */
  async meetLater(kind: OperationKind, path: string): Promise<Course | undefined> {
    const { course, slowMs } = this.#ask(kind, path, 0, 0);
    if (slowMs > 0) await new Promise<void>((resolve) => this.clock.after(slowMs, resolve));
    this.checkAlive();
    return course;
  }

  checkAlive(): void {
    if (this.#crash !== undefined) throw this.#crash;
  }

  /** Changes entries as one; a sync of each directory makes its part of them safe. */
  changeEntries(changes: readonly EntryChange[]): void {
    this.pendingEntries.push([...changes]);
    for (const change of changes) {
      const before = change.directory.entries.get(change.name);
      applyEntry(change.directory.entries, change);
      if (change.node !== undefined) change.node.meta.links++;
      if (before !== undefined) before.meta.links--;
      touch(change.directory.meta, this.clock, this.#tick());
      if (before !== undefined && before !== change.node) this.release(before);
    }
  }

  syncEntries(directory: DirectoryNode): void {
    const left: EntryChange[][] = [];
    for (const together of this.pendingEntries) {
      for (const change of together) if (change.directory === directory) applyEntry(directory.safe, change);
      const others = together.filter((change) => change.directory !== directory);
      if (others.length > 0) left.push(others);
    }
    this.pendingEntries = left;
  }

  /** Makes changes of a file safe, in their order. Those that another sync has made safe already are passed over. */
  settle(file: FileNode, changes: readonly FileNode['pending'][number][]): void {
    const chosen = new Set(changes);
    for (const change of file.pending) if (chosen.has(change)) file.safe.apply(change);
    file.pending = file.pending.filter((change) => !chosen.has(change));
  }

  newFile(mode: number): FileNode {
    return { kind: 'file', meta: this.newMeta(mode), current: new Content(), safe: new Content(), pending: [] };
  }

  newMeta(mode: number): Meta {
    const now = this.clock.now();
    const ns = BigInt(Math.floor(now)) * 1_000_000n + this.#tick();
    const inode = this.#freeInodes.pop() ?? this.#inodes++;
    return { inode, birthNs: ns, mode, modifiedMs: now, changedNs: ns, links: 0, opens: 0 };
  }

  modified(node: Node): void {
    touch(node.meta, this.clock, this.#tick());
  }

  /** A node without names and descriptors is gone, and its number free for the next file, as on ext4. */
  release(node: Node): void {
    if (node.meta.links > 0 || node.meta.opens > 0) return;
    if (node.kind === 'file') this.usedBytes -= node.current.size;
    this.#freeInodes.push(node.meta.inode);
  }

  statOf(node: Node): FileStat {
    const { meta } = node;
    return {
      kind: node.kind,
      device: 2049n,
      inode: meta.inode,
      sizeBytes: node.kind === 'file' ? node.current.size : 4096,
      allocatedBytes: node.kind === 'file' ? node.current.allocatedBytes : 4096,
      modifiedMs: meta.modifiedMs,
      changedNs: meta.changedNs,
      birthNs: meta.birthNs,
      owner: 0,
      links: meta.links,
      mode: meta.mode,
    };
  }

  #ask(kind: OperationKind, path: string, bytes: number, at: number): { course: Course | undefined; slowMs: number } {
    this.checkAlive();
    const number = reading.has(kind) ? -1 : this.#operations;
    const operation = { kind, path, bytes, at, number };
    this.onOperation?.(operation);
    if (number === this.#crashAt) this.#crash = new Crash(`before change ${number} (${kind} ${path})`);
    this.checkAlive();
    if (number >= 0) {
      this.#operations++;
      if (this.history.length < historyMax) this.history.push(operation);
    }
    let course: Course | undefined;
    let slowMs = 0;
    for (const fault of this.faults) {
      const effect = fault.effect(operation);
      if (effect?.kind === 'fail') throw systemError(effect.code, kind, path);
      if (effect?.kind === 'slow') slowMs += effect.ms;
      else course ??= effect;
    }
    return { course, slowMs };
  }

  #tick(): bigint {
    this.#ticks += 1n;
    return this.#ticks % 1_000_000n;
  }

  #file(path: string): FileNode {
    const { node } = find(this.root, path, 'open');
    if (node.kind !== 'file') throw systemError('EISDIR', 'open', path);
    return node;
  }

  /**
   * After a crash: the space in use, and no inode number twice. Where an old and a new file have both survived it is the old
   * one that gets another: a journal never brings back a file whose inode was given to somebody else since.
   */
  #takeStock(): void {
    const seen = new Set<bigint>();
    const nodes = [...new Set(this.#nodes())].sort((a, b) => (a.meta.birthNs < b.meta.birthNs ? 1 : -1));
    for (const { meta } of nodes) {
      if (meta.inode >= this.#inodes) this.#inodes = meta.inode + 1n;
      if (meta.birthNs % 1_000_000n > this.#ticks) this.#ticks = meta.birthNs % 1_000_000n;
    }
    for (const node of nodes) {
      if (node.kind === 'file') this.usedBytes += node.current.size;
      if (seen.has(node.meta.inode)) (node.meta as { inode: bigint }).inode = this.#inodes++;
      seen.add(node.meta.inode);
      node.meta.opens = 0;
    }
  }

  *#nodes(): Generator<Node> {
    yield this.root;
    for (const [, node] of this.#paths(this.root, '')) yield node;
  }

  *#paths(directory: DirectoryNode, above: string): Generator<[string, Node]> {
    for (const [name, node] of directory.entries) {
      yield [`${above}/${name}`, node];
      if (node.kind === 'directory') yield* this.#paths(node, `${above}/${name}`);
    }
  }
}

function applyEntry(entries: Map<string, Node>, change: EntryChange): void {
  if (change.node === undefined) entries.delete(change.name);
  else entries.set(change.name, change.node);
}

function touch(meta: Meta, clock: Clock, tick: bigint): void {
  meta.modifiedMs = clock.now();
  meta.changedNs = BigInt(Math.floor(clock.now())) * 1_000_000n + tick;
}
