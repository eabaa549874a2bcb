/**
 * The host's file system behind the port `Files`. Calls go straight to `node:fs`; what is added: names that are not UTF-8
 * (names.ts), opens that never block and never follow a link by surprise, and descriptors that are closed only when no
 * asynchronous call still uses them (a number closed too early would soon be another file's).
 */
import * as fs from 'node:fs';
import type { DirectoryEntry, FileKind, FileStat, Files, OpenFile, OpenMode, Space } from '../../spool/ports.ts';
import { nameFromBytes, pathForHost } from './names.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, S_IFMT } =
  fs.constants;

const openFlags: Record<OpenMode, number> = {
  read: O_RDONLY | O_NONBLOCK | O_NOCTTY,
  'read-no-follow': O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
  create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
  write: O_RDWR | O_NONBLOCK | O_NOCTTY,
};

const privateFileMode = 0o600;
const privateDirectoryMode = 0o700;

/** The host's file system. */
export const hostFiles: Files = {
  open: (path, mode) => new HostFile(mode === 'read-no-follow' ? openLog(path) : openAs(path, openFlags[mode])),
  stat: (path) => statOf(fs.statSync(pathForHost(path), { bigint: true })),
  lstat: (path) => statOf(fs.lstatSync(pathForHost(path), { bigint: true })),
  readLink: (path) => nameFromBytes(fs.readlinkSync(pathForHost(path), { encoding: 'buffer' })),
  realPath: (path) => nameFromBytes(fs.realpathSync.native(pathForHost(path), { encoding: 'buffer' })),
  list: (path) => fs.readdirSync(pathForHost(path), { encoding: 'buffer', withFileTypes: true }).map(entryOf),
  makeDirectory(path, mode = privateDirectoryMode) {
    fs.mkdirSync(pathForHost(path), { recursive: true, mode });
  },
  rename: (from, to) => fs.renameSync(pathForHost(from), pathForHost(to)),
  unlink: (path) => fs.unlinkSync(pathForHost(path)),
  removeDirectory: (path) => fs.rmdirSync(pathForHost(path)),
  setMode: (path, mode) => fs.chmodSync(pathForHost(path), mode),
  syncDirectory,
  space,
  openLater: (path, mode) =>
    later<number>((done) => fs.open(pathForHost(path), openFlags[mode], privateFileMode, done)).then(
      (descriptor) => new HostFile(descriptor),
    ),
  statLater: (path) => later<fs.BigIntStats>((done) => fs.stat(pathForHost(path), { bigint: true }, done)).then(statOf),
  listLater: (path) =>
    later<fs.Dirent<Buffer>[]>((done) =>
      fs.readdir(pathForHost(path), { encoding: 'buffer', withFileTypes: true }, done),
    ).then((entries) => entries.map(entryOf)),
};

function openAs(path: string, flags: number): number {
  return fs.openSync(pathForHost(path), flags, privateFileMode);
}

/** Only the owner of a file, and root, may read it without a trace: once that was refused it is not asked for again. */
let mayLeaveNoTrace = O_NOATIME !== undefined;

/** A log that is written to all the time would have its time of access written to disk with each read. */
function openLog(path: string): number {
  const flags = openFlags['read-no-follow'];
  try {
    if (mayLeaveNoTrace) return openAs(path, flags | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    mayLeaveNoTrace = false;
  }
  return openAs(path, flags);
}

class HostFile implements OpenFile {
  #descriptor: number;
  #pending = 0;
  #closing = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  read(into: Uint8Array, position: number): number {
    return into.length === 0 ? 0 : fs.readSync(this.#open(), into, 0, into.length, position);
  }

  readInto(into: readonly Uint8Array[], position: number): number {
    return fs.readvSync(this.#open(), into, position);
  }

  readLater(into: Uint8Array, position: number): Promise<number> {
    if (into.length === 0) return Promise.resolve(0);
    return this.#use((descriptor, done) => fs.read(descriptor, into, 0, into.length, position, done));
  }

  write(from: Uint8Array, position: number): number {
    return from.length === 0 ? 0 : fs.writeSync(this.#open(), from, 0, from.length, position);
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.#open(), sizeBytes);
  }

  stat(): FileStat {
    return statOf(fs.fstatSync(this.#open(), { bigint: true }));
  }

  statLater(): Promise<FileStat> {
    return this.#use<fs.BigIntStats>((descriptor, done) => fs.fstat(descriptor, { bigint: true }, done)).then(statOf);
  }

  datasync(): Promise<void> {
    return this.#use<void>((descriptor, done) => fs.fdatasync(descriptor, done));
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#closeWhenUnused();
  }

  #open(): number {
    if (this.#closing) throw Object.assign(new Error('EBADF: the file was closed'), { code: 'EBADF' });
    return this.#descriptor;
  }

  async #use<T>(call: (descriptor: number, done: Done<T>) => void): Promise<T> {
    const descriptor = this.#open();
    this.#pending++;
    try {
      return await later<T>((done) => call(descriptor, done));
    } finally {
      this.#pending--;
      this.#closeWhenUnused();
    }
  }

  #closeWhenUnused(): void {
    if (!this.#closing || this.#pending > 0 || this.#descriptor < 0) return;
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    fs.closeSync(descriptor);
  }
}

type Done<T> = (error: Error | null, value: T) => void;

function later<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}

async function syncDirectory(path: string): Promise<void> {
  const descriptor = fs.openSync(pathForHost(path), O_RDONLY | O_DIRECTORY);
  try {
    await later<void>((done) => fs.fsync(descriptor, done));
  } catch (error) {
    // Some file systems (FUSE, older network ones) have no fsync for directories and keep entries in order by themselves.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}

function space(path: string): Space {
  const found = fs.statfsSync(pathForHost(path));
  return { totalBytes: found.blocks * found.bsize, availableBytes: found.bavail * found.bsize };
}

function entryOf(entry: fs.Dirent<Buffer>): DirectoryEntry {
  return { name: nameFromBytes(entry.name), kind: kindOfEntry(entry) };
}

function kindOfEntry(entry: fs.Dirent<Buffer>): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'symlink';
  if (entry.isFIFO()) return 'fifo';
  return entry.isSocket() ? 'socket' : 'device';
}

const kinds: Readonly<Record<number, FileKind>> = {
  [fs.constants.S_IFREG]: 'file',
  [fs.constants.S_IFDIR]: 'directory',
  [fs.constants.S_IFLNK]: 'symlink',
  [fs.constants.S_IFIFO]: 'fifo',
  [fs.constants.S_IFSOCK]: 'socket',
};

function statOf(stats: fs.BigIntStats): FileStat {
  const mode = Number(stats.mode);
  return {
    kind: kinds[mode & S_IFMT] ?? 'device',
    device: stats.dev,
    inode: stats.ino,
    sizeBytes: Number(stats.size),
    allocatedBytes: Number(stats.blocks) * 512,
    modifiedMs: Number(stats.mtimeMs),
    changedNs: stats.ctimeNs,
    birthNs: stats.birthtimeNs,
    owner: Number(stats.uid),
    links: Number(stats.nlink),
    mode: mode & 0o7777,
  };
}
