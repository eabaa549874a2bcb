/** The port `Files` over a simulated disk: each call meets the faults and a crash first, then does what Linux would. */
import type { DirectoryEntry, FileStat, Files, OpenFile, OpenMode } from '../../spool/ports.ts';
import type { SimulatedDisk } from './disk.ts';
import { systemError } from './errors.ts';
import type { DirectoryNode, EntryChange, FileNode, Node } from './nodes.ts';
import { SeededRandom } from './random.ts';
import { contains, find, locate } from './tree.ts';

/** What each operation does first. */
type Gate = Pick<SimulatedDisk, 'checkAlive' | 'meet' | 'meetLater'>;

/** Somebody else's operations: not counted, and nothing goes wrong. */
const unhindered: Gate = { checkAlive() {}, meet: () => undefined, meetLater: async () => undefined };

/** `counted`: the program's own view, with faults and crashes. */
export function filesOf(disk: SimulatedDisk, counted: boolean): Files {
  const gate = counted ? disk : unhindered;
  const files: Files = {
    open: (path, mode) => openFile(disk, gate, path, mode),
    stat(path) {
      gate.meet('stat', path);
      return disk.statOf(find(disk.root, path, 'stat').node);
    },
    lstat(path) {
      gate.meet('stat', path);
      return disk.statOf(find(disk.root, path, 'lstat', false).node);
    },
    readLink(path) {
      gate.meet('stat', path);
      const { node } = find(disk.root, path, 'readlink', false);
      if (node.kind !== 'symlink') throw systemError('EINVAL', 'readlink', path);
      return node.target;
    },
    realPath(path) {
      gate.meet('stat', path);
      return find(disk.root, path, 'realpath').path;
    },
    list(path) {
      gate.meet('list', path);
      return shuffled(directoryAt(disk, path, 'scandir'));
    },
    makeDirectory: (path, mode = 0o700) => makeDirectory(disk, gate, path, mode),
    rename: (from, to) => rename(disk, gate, from, to),
    unlink(path) {
      gate.checkAlive();
      const place = find(disk.root, path, 'unlink', false);
      if (place.node.kind === 'directory') throw systemError('EISDIR', 'unlink', path);
      gate.meet('unlink', path);
      disk.changeEntries([{ directory: place.directory, name: place.name, node: undefined }]);
    },
    removeDirectory(path) {
      gate.checkAlive();
      const place = find(disk.root, path, 'rmdir', false);
      if (place.node.kind !== 'directory') throw systemError('ENOTDIR', 'rmdir', path);
      if (place.node.entries.size > 0) throw systemError('ENOTEMPTY', 'rmdir', path);
      gate.meet('removeDirectory', path);
      disk.changeEntries([{ directory: place.directory, name: place.name, node: undefined }]);
    },
    setMode(path, mode) {
      gate.checkAlive();
      const { node } = find(disk.root, path, 'chmod');
      gate.meet('setMode', path);
      node.meta.mode = mode;
    },
    async syncDirectory(path) {
      gate.checkAlive();
      const directory = directoryAt(disk, path, 'open');
      const issued = disk.pendingEntries.flat();
      await undefined;
      const course = await gate.meetLater('syncDirectory', path);
      if (course?.kind === 'lose') throw systemError(course.code, 'fsync', path);
      if (course?.kind !== 'lie') syncIssued(disk, directory, issued);
    },
    space() {
      gate.checkAlive();
      const availableBytes = Math.max(0, disk.capacityBytes - disk.usedBytes);
      return { totalBytes: disk.capacityBytes, availableBytes };
    },
    openLater: async (path, mode) => files.open(path, mode),
    statLater: async (path) => files.stat(path),
    listLater: async (path) => files.list(path),
  };
  return files;
}

class SimulatedFile implements OpenFile {
  readonly #disk: SimulatedDisk;
  readonly #gate: Gate;
  readonly #node: Node;
  readonly #path: string;
  readonly #writable: boolean;
  #open = true;

  constructor(disk: SimulatedDisk, gate: Gate, node: Node, path: string, writable: boolean) {
    this.#disk = disk;
    this.#gate = gate;
    this.#node = node;
    this.#path = path;
    this.#writable = writable;
    node.meta.opens++;
  }

  read(into: Uint8Array, position: number): number {
    const file = this.#file('read');
    const effect = this.#gate.meet('read', this.#path, into.length, position);
    const wanted = effect?.kind === 'short' ? effect.bytes : into.length;
    return file.current.read(into.subarray(0, wanted), position);
  }

  readInto(into: readonly Uint8Array[], position: number): number {
    const file = this.#file('read');
    const bytes = into.reduce((sum, buffer) => sum + buffer.length, 0);
    const effect = this.#gate.meet('read', this.#path, bytes);
    let left = effect?.kind === 'short' ? effect.bytes : bytes;
    let done = 0;
    for (const buffer of into) {
      const wanted = Math.min(left, buffer.length);
      const count = file.current.read(wanted === buffer.length ? buffer : buffer.subarray(0, wanted), position + done);
      done += count;
      left -= count;
      if (count < buffer.length) break;
    }
    return done;
  }

  async readLater(into: Uint8Array, position: number): Promise<number> {
    return this.read(into, position);
  }

  write(from: Uint8Array, position: number): number {
    const file = this.#file('write');
    if (!this.#writable) throw systemError('EBADF', 'write', this.#path);
    if (from.length === 0) return 0;
    const effect = this.#gate.meet('write', this.#path, from.length, position);
    const fits = this.#fits(file, effect?.kind === 'short' ? effect.bytes : from.length, position);
    const before = file.current.size;
    const change = { kind: 'write' as const, at: position, bytes: Buffer.from(from.subarray(0, fits)) };
    file.current.apply(change);
    file.pending.push(change);
    this.#disk.usedBytes += file.current.size - before;
    this.#disk.modified(file);
    return fits;
  }

  truncate(sizeBytes: number): void {
    const file = this.#file('ftruncate');
    if (!this.#writable) throw systemError('EINVAL', 'ftruncate', this.#path);
    this.#gate.meet('truncate', this.#path);
    const before = file.current.size;
    const change = { kind: 'truncate' as const, size: sizeBytes };
    file.current.apply(change);
    file.pending.push(change);
    this.#disk.usedBytes += sizeBytes - before;
    this.#disk.modified(file);
  }

  stat(): FileStat {
    this.#check('fstat');
    this.#gate.meet('stat', this.#path);
    return this.#disk.statOf(this.#node);
  }

  async statLater(): Promise<FileStat> {
    return this.stat();
  }

  async datasync(): Promise<void> {
    const file = this.#file('fdatasync');
    const issued = [...file.pending];
    await undefined;
    const course = await this.#gate.meetLater('datasync', this.#path);
    if (course?.kind === 'lie') return;
    if (course?.kind !== 'lose') return this.#disk.settle(file, issued);
    const lost = new Set(issued);
    file.pending = file.pending.filter((change) => !lost.has(change));
    throw systemError(course.code, 'fdatasync', this.#path);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#node.meta.opens--;
    this.#disk.release(this.#node);
  }

  #check(call: string): void {
    this.#gate.checkAlive();
    if (!this.#open) throw systemError('EBADF', call, this.#path);
  }

  #file(call: string): FileNode {
    this.#check(call);
    if (this.#node.kind !== 'file') throw systemError('EISDIR', call, this.#path);
    return this.#node;
  }

  /** What is taken of a write: growth only as far as there is space; nothing of it left is ENOSPC. */
  #fits(file: FileNode, wanted: number, position: number): number {
    if (this.#gate === unhindered) return wanted;
    const space = Math.max(0, this.#disk.capacityBytes - this.#disk.usedBytes);
    const fits = Math.min(wanted, Math.max(0, file.current.size + space - position));
    if (fits <= 0) throw systemError('ENOSPC', 'write', this.#path);
    return fits;
  }
}

function openFile(disk: SimulatedDisk, gate: Gate, path: string, mode: OpenMode): OpenFile {
  gate.checkAlive();
  const isFollowed = mode === 'read' || mode === 'write';
  if (mode === 'create') {
    const place = locate(disk.root, path, 'open', isFollowed);
    if (place.node !== undefined) throw systemError('EEXIST', 'open', path);
    gate.meet('create', path);
    if (gate !== unhindered && disk.usedBytes >= disk.capacityBytes) throw systemError('ENOSPC', 'open', path);
    const node = disk.newFile(0o600);
    disk.changeEntries([{ directory: place.directory, name: place.name, node }]);
    return new SimulatedFile(disk, gate, node, path, true);
  }
  // Looked up behind the gate: others may have removed it there, and its number may be another's then.
  locate(disk.root, path, 'open', isFollowed);
  gate.meet('open', path);
  const place = locate(disk.root, path, 'open', isFollowed);
  if (place.node === undefined) throw systemError('ENOENT', 'open', path);
  if (place.node.kind === 'symlink') throw systemError('ELOOP', 'open', path);
  if (mode === 'write' && place.node.kind === 'directory') throw systemError('EISDIR', 'open', path);
  return new SimulatedFile(disk, gate, place.node, path, mode === 'write');
}

function makeDirectory(disk: SimulatedDisk, gate: Gate, path: string, mode: number): void {
  gate.checkAlive();
  const missing: string[] = [];
  let above = path;
  let place = locateOrUndefined(disk, above);
  while (place?.node === undefined) {
    missing.unshift(above);
    above = above.replace(/\/+[^/]*\/*$/, '') || '/';
    place = locateOrUndefined(disk, above);
  }
  if (place.node.kind !== 'directory') throw systemError(missing.length === 0 ? 'EEXIST' : 'ENOTDIR', 'mkdir', path);
  for (const each of missing) {
    gate.meet('makeDirectory', each);
    if (disk.usedBytes >= disk.capacityBytes) throw systemError('ENOSPC', 'mkdir', each);
    const { directory, name } = locate(disk.root, each, 'mkdir', true);
    const node: DirectoryNode = { kind: 'directory', meta: disk.newMeta(mode), entries: new Map(), safe: new Map() };
    disk.changeEntries([{ directory, name, node }]);
  }
}

function locateOrUndefined(disk: SimulatedDisk, path: string): ReturnType<typeof locate> | undefined {
  try {
    return locate(disk.root, path, 'mkdir', true);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function rename(disk: SimulatedDisk, gate: Gate, from: string, to: string): void {
  gate.checkAlive();
  const source = find(disk.root, from, 'rename', false);
  const target = locate(disk.root, to, 'rename', false);
  if (target.node === source.node) return;
  if (source.node.kind === 'directory') {
    if (contains(source.node, target.directory)) throw systemError('EINVAL', 'rename', to);
    if (target.node !== undefined && target.node.kind !== 'directory') throw systemError('ENOTDIR', 'rename', to);
    if (target.node?.kind === 'directory' && target.node.entries.size > 0) throw systemError('ENOTEMPTY', 'rename', to);
  } else if (target.node?.kind === 'directory') throw systemError('EISDIR', 'rename', to);
  gate.meet('rename', `${from} → ${to}`);
  // The new name first: the node never has no name at all.
  disk.changeEntries([
    { directory: target.directory, name: target.name, node: source.node },
    { directory: source.directory, name: source.name, node: undefined },
  ]);
}

function directoryAt(disk: SimulatedDisk, path: string, call: string): DirectoryNode {
  const { node } = find(disk.root, path, call);
  if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path);
  return node;
}

/** In an order that nobody may rely on, but the same in every run. */
function shuffled(directory: DirectoryNode): DirectoryEntry[] {
  const random = new SeededRandom(directory.entries.size);
  return [...directory.entries]
    .map(([name, node]) => ({ name, kind: node.kind, key: random.uint32() }))
    .sort((a, b) => a.key - b.key)
    .map(({ name, kind }) => ({ name, kind }));
}

/** Only what was pending when the sync was issued is promised to be safe. */
function syncIssued(disk: SimulatedDisk, directory: DirectoryNode, issued: readonly EntryChange[]): void {
  const promised = new Set(issued);
  const later = disk.pendingEntries.filter((together) => !together.every((change) => promised.has(change)));
  disk.pendingEntries = disk.pendingEntries.filter((together) => together.every((change) => promised.has(change)));
  disk.syncEntries(directory);
  disk.pendingEntries.push(...later);
}
