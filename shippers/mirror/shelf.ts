/**
 * The mirror's files: opened when they are written, a bounded number of them held open, every one appended to at the
 * length it had when the batch began. Paths are relative to the folder.
 */
import type { FileStat, Files, OpenFile } from '../../spool/ports.ts';
import { codeOf, directoryOf, hasCode, writeAll } from './filework.ts';

/** Folders that are known to be durable; forgotten all at once beyond this. */
const settledFoldersMax = 4096;
const syncsAtOnceMax = 8;
const refusedMax = 1024;

/** A file that a batch touches. */
export interface Target {
  readonly path: string;
  readonly inode: bigint;
  /** Its length before the batch. */
  readonly startBytes: number;
  endBytes: number;
}

/** The path cannot be a file of ours, though the folder as a whole can be written. */
export class Misplaced extends Error {
  readonly code: string;
  /** How many leading components are folders: the next one is in the way. −1: the file's own name is taken. */
  readonly blocked: number;

  constructor(path: string, code: string, blocked: number) {
    super(`${path} cannot be written: ${code}`);
    this.code = code;
    this.blocked = blocked;
  }
}

interface Handle {
  readonly file: OpenFile;
  readonly inode: bigint;
}

export class Shelf {
  readonly #files: Files;
  readonly #folder: string;
  #openFilesMax: number;
  /** The one used last at the end. */
  readonly #handles = new Map<string, Handle>();
  /** Folders whose own entries, up to ours, are durable. */
  readonly #settled = new Set<string>();
  readonly #settling = new Set<string>();
  /** To be synced with the batch. */
  readonly #unsynced = new Set<string>();
  /** Found to be no place for a file of ours only when it was written. */
  readonly #refused = new Map<string, Misplaced>();
  readonly #foldsCase: boolean;

  constructor(files: Files, folder: string, openFilesMax: number) {
    this.#files = files;
    this.#folder = folder;
    this.#openFilesMax = openFilesMax;
    this.#foldsCase = exists(files, `${folder}/.TAILSPOOL`);
  }

  get openFiles(): number {
    return this.#handles.size;
  }

  /**
   * Looks at the file, or begins it: what somebody renamed or removed is begun anew. Throws `Misplaced` where it cannot be a
   * file of ours, or what the disk throws.
   */
  target(path: string): Target {
    const refused = this.#refused.get(path);
    if (refused) throw refused;
    const found = this.#look(path);
    const held = this.#handles.get(path);
    if (held && held.inode !== found?.inode) this.#close(path);
    if (found) return { path, inode: found.inode, startBytes: found.sizeBytes, endBytes: found.sizeBytes };
    const { inode } = this.#open(path, 'create');
    return { path, inode, startBytes: 0, endBytes: 0 };
  }

  append(target: Target, bytes: Uint8Array): void {
    try {
      writeAll(this.#handleOf(target), bytes, target.endBytes);
    } catch (error) {
      // Another place is found for it when the batch is tried again.
      if (error instanceof Misplaced) this.#refused.set(target.path, error);
      if (hasCode(error, 'EFBIG')) this.#refused.set(target.path, new Misplaced(target.path, 'EFBIG', -1));
      if (this.#refused.size > refusedMax) this.#refused.delete(this.#refused.keys().next().value!);
      throw error;
    }
    target.endBytes += bytes.length;
  }

  /** Makes the files, and the folders' entries that lead to them, durable. `last` may still write to each. */
  async sync(targets: Iterable<Target>, last: (target: Target) => void): Promise<void> {
    const running: Promise<void>[] = [];
    try {
      for (const target of targets) {
        last(target);
        if (target.endBytes === target.startBytes) continue;
        running.push(this.#handleOf(target).datasync());
        if (running.length >= syncsAtOnceMax) await all(running.splice(0));
      }
    } finally {
      await all(running);
    }
    for (const directory of this.#unsynced) await this.#files.syncDirectory(directory);
    if (this.#settled.size > settledFoldersMax) this.#settled.clear();
    for (const directory of this.#settling) this.#settled.add(directory);
    this.#settling.clear();
    this.#unsynced.clear();
  }

  /** After trouble: nothing that was open, or taken as durable, is trusted. */
  closeAll(): void {
    for (const { file } of this.#handles.values()) file.close();
    this.#handles.clear();
    for (const set of [this.#settled, this.#settling, this.#unsynced]) set.clear();
  }

  #handleOf(target: Target): OpenFile {
    const { path } = target;
    const held = this.#handles.get(path);
    if (held) {
      this.#handles.delete(path);
      this.#handles.set(path, held);
    }
    const { file, inode } = held ?? this.#open(path, 'write');
    if (inode === target.inode) return file;
    throw Object.assign(new Error(`${path} was replaced while it was written`), { code: 'ESTALE' });
  }

  #look(path: string): FileStat | undefined {
    try {
      const stat = this.#files.stat(`${this.#folder}/${path}`);
      if (stat.kind !== 'file') throw new Misplaced(path, stat.kind === 'directory' ? 'EISDIR' : 'EINVAL', -1);
      if (this.#foldsCase && !this.#exactlyThere(path)) throw new Misplaced(path, 'EEXIST', -1);
      this.#expectDurable(path);
      return stat;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw this.#judge(path, error);
    }
  }

  #open(path: string, mode: 'create' | 'write'): Handle {
    try {
      if (mode === 'create') this.#makeFolders(directoryOf(`${this.#folder}/${path}`));
      const file = this.#openFile(`${this.#folder}/${path}`, mode);
      const handle = { file, inode: file.stat().inode };
      this.#handles.set(path, handle);
      this.#expectDurable(path);
      this.#closeOldest();
      return handle;
    } catch (error) {
      throw this.#judge(path, error);
    }
  }

  /** Where the process may not have more files open, fewer are held from now on. */
  #openFile(path: string, mode: 'create' | 'write'): OpenFile {
    try {
      return this.#files.open(path, mode);
    } catch (error) {
      if (!hasCode(error, 'EMFILE', 'ENFILE') || this.#handles.size === 0) throw error;
      this.#openFilesMax = Math.max(1, Math.floor(this.#handles.size / 2));
      this.#closeOldest();
      return this.#files.open(path, mode);
    }
  }

  /** Is it this path that is bad, or the folder? */
  #judge(path: string, error: unknown): unknown {
    const code = codeOf(error);
    if (error instanceof Misplaced) return error;
    if (
      ['ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EILSEQ', 'EINVAL', 'ERR_INVALID_ARG_VALUE'].includes(
        code,
      )
    )
      return new Misplaced(path, code, this.#blockedAt(path));
    if (['EACCES', 'EPERM', 'ETXTBSY'].includes(code)) return new Misplaced(path, code, this.#deepestFolder(path));
    return error;
  }

  /** The first component above the file that is no folder; −1 where they all are (or none is there yet). */
  #blockedAt(path: string): number {
    const parts = path.split('/');
    for (let count = 1; count < parts.length; count++) {
      try {
        const { kind } = this.#files.stat(`${this.#folder}/${parts.slice(0, count).join('/')}`);
        if (kind !== 'directory') return count - 1;
      } catch (error) {
        return hasCode(error, 'ENOENT') ? -1 : count - 1;
      }
    }
    return -1;
  }

  /** −1 where the file is there; else the folder that something could not be made in. */
  #deepestFolder(path: string): number {
    if (exists(this.#files, `${this.#folder}/${path}`)) return -1;
    const parts = path.split('/');
    let count = parts.length - 1;
    while (count > 1 && !exists(this.#files, `${this.#folder}/${parts.slice(0, count).join('/')}`)) count--;
    return count - 1;
  }

  /** On a file system that ignores case: is the name there as it is written? */
  #exactlyThere(path: string): boolean {
    let directory = this.#folder;
    for (const part of path.split('/')) {
      const wanted = part.normalize('NFC');
      if (!this.#files.list(directory).some((entry) => entry.name.normalize('NFC') === wanted)) return false;
      directory += `/${part}`;
    }
    return true;
  }

  /** The entries from the file up to our folder: what an earlier process made may not be durable yet. */
  #expectDurable(path: string): void {
    let directory = directoryOf(`${this.#folder}/${path}`);
    if (this.#unsynced.has(directory)) return;
    this.#unsynced.add(directory);
    while (directory.length > this.#folder.length && !this.#settled.has(directory)) {
      this.#settling.add(directory);
      directory = directoryOf(directory);
      this.#unsynced.add(directory);
    }
  }

  /** Makes the folders of a new file; what stands for the ones that are not there is forgotten. */
  #makeFolders(directory: string): void {
    if (exists(this.#files, directory)) return;
    for (let above = directory; above.length > this.#folder.length; above = directoryOf(above))
      this.#settled.delete(above);
    this.#files.makeDirectory(directory);
  }

  #close(path: string): void {
    this.#handles.get(path)?.file.close();
    this.#handles.delete(path);
  }

  #closeOldest(): void {
    for (const path of this.#handles.keys()) {
      if (this.#handles.size <= this.#openFilesMax) return;
      this.#close(path);
    }
  }
}

/** Waits for every one before it throws, so that none is left running. */
async function all(running: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(running)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function exists(files: Files, path: string): boolean {
  try {
    files.stat(path);
    return true;
  } catch {
    // Whatever the reason: it cannot be used as it is.
    return false;
  }
}
