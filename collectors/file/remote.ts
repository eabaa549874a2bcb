/**
 * Files on mounts that may hang (network, FUSE), where the configuration allows them. Nothing here is called synchronously: what a
 * turn needs is fetched before it, and the turn reads from that. A mount that hangs holds up its own files only: at most
 * `callsMax` calls are out at once, so that the process's threads stay free for the spool's syncs.
 */
import type { DirectoryEntry, FileStat, Files, MonotonicMs, OpenFile, OpenMode } from '../../spool/ports.ts';
import { endOfNuls } from './cut.ts';
import { fingerprintAt, type Head, headBytesMax, headOf, windowBytes } from './fingerprint.ts';
import type { Content } from './identity.ts';
import { ReadOnlyFile } from './read-only.ts';

const callsMax = 2;
/** Looked through for the end of a hole in one go; a longer one takes several. */
const scanBytesMax = 16 * 1024 * 1024;
const scanBytesAtOnce = 256 * 1024;

/** The file system's asynchronous calls, a few at a time. */
export class RemoteCalls {
  readonly #files: Files;
  readonly #now: () => MonotonicMs;
  readonly #out = new Map<object, { readonly path: string; readonly since: MonotonicMs }>();
  readonly #waiting: (() => void)[] = [];

  constructor(files: Files, now: () => MonotonicMs) {
    this.#files = files;
    this.#now = now;
  }

  /** The call that has been out for longest. */
  get oldest(): { readonly path: string; readonly since: MonotonicMs } | undefined {
    return this.#out.values().next().value;
  }

  stat(path: string): Promise<FileStat> {
    return this.run(path, () => this.#files.statLater(path));
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.run(path, () => this.#files.listLater(path));
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.run(path, () => this.#files.openLater(path, mode));
  }

  async run<T>(path: string, call: () => Promise<T>): Promise<T> {
    while (this.#out.size >= callsMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const ticket = {};
    this.#out.set(ticket, { path, since: this.#now() });
    try {
      return await call();
    } finally {
      this.#out.delete(ticket);
      this.#waiting.shift()?.();
    }
  }
}

/** An open file of which a stretch was fetched: reads answer from that, and from the file's first bytes. */
export class RemoteFile extends ReadOnlyFile {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #calls: RemoteCalls;
  #stat: FileStat;
  #start = Buffer.alloc(0);
  #window = Buffer.alloc(0);
  #windowFrom = 0;
  /** Behind what was fetched there are only NUL bytes up to here. */
  #nulsTo = 0;

  private constructor(file: OpenFile, stat: FileStat, path: string, calls: RemoteCalls) {
    super();
    this.#file = file;
    this.#stat = stat;
    this.#path = path;
    this.#calls = calls;
  }

  static async open(path: string, calls: RemoteCalls): Promise<RemoteFile> {
    const file = await calls.open(path, 'read-no-follow');
    try {
      const remote = new RemoteFile(file, await calls.run(path, () => file.statLater()), path, calls);
      if (remote.#stat.kind === 'file') remote.#start = await remote.#take(0, headBytesMax);
      return remote;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Behind the last byte that was fetched. */
  get end(): number {
    return this.#windowFrom + this.#window.length;
  }

  /** There was more in the file than was fetched, or looked through. */
  get hasMore(): boolean {
    return Math.max(this.end, this.#nulsTo) < this.#stat.sizeBytes;
  }

  /** Fetches what a turn at `offset` needs: the bytes just before it, and up to `bytes` behind. */
  async prefetch(offset: number, bytes: number): Promise<void> {
    const from = Math.max(0, offset - windowBytes);
    const { sizeBytes, modifiedMs } = this.#stat;
    this.#stat = await this.#calls.run(this.#path, () => this.#file.statLater());
    if (this.#stat.sizeBytes !== sizeBytes || this.#stat.modifiedMs !== modifiedMs) this.#nulsTo = 0;
    if (this.#start.length < headBytesMax && this.#stat.sizeBytes > this.#start.length)
      this.#start = await this.#take(0, headBytesMax);
    this.#window = await this.#take(from, offset - from + bytes);
    this.#windowFrom = from;
  }

  /** The first byte behind what was fetched that is not NUL. undefined: none so far; `hasMore` says whether that was all. */
  async endOfNuls(): Promise<number | undefined> {
    let at = Math.max(this.end, this.#nulsTo);
    for (const until = at + scanBytesMax; at < until; ) {
      const bytes = await this.#take(at, scanBytesAtOnce);
      if (bytes.length === 0) break;
      const nuls = endOfNuls(bytes, 0);
      at += nuls;
      if (nuls < bytes.length) return at;
    }
    this.#nulsTo = at;
    return undefined;
  }

  /** What comparing with generations at `offsets` needs. */
  async content(offsets: readonly number[]): Promise<Content> {
    const { sizeBytes } = this.#stat;
    const points = new Map<number, number | undefined>();
    for (const offset of new Set(offsets)) {
      if (offset > sizeBytes) continue;
      const from = Math.max(0, offset - windowBytes);
      const bytes = await this.#take(from, offset - from);
      points.set(
        offset,
        fingerprintAt((into, at) => copyFrom(bytes, into, at - from), offset),
      );
    }
    const start = this.#start;
    const headAt = (length: number): Head | undefined => headOf((into, at) => copyFrom(start, into, at), length);
    return { sizeBytes, fingerprintAt: (offset) => points.get(offset), headOf: headAt };
  }

  read(into: Uint8Array, position: number): number {
    const at = position - this.#windowFrom;
    if (at >= 0 && at < this.#window.length) return copyFrom(this.#window, into, at);
    return position < this.#start.length ? copyFrom(this.#start, into, position) : 0;
  }

  readLater(into: Uint8Array, position: number): Promise<number> {
    return this.#calls.run(this.#path, () => this.#file.readLater(into, position));
  }

  stat(): FileStat {
    return this.#stat;
  }

  statLater(): Promise<FileStat> {
    return this.#calls.run(this.#path, () => this.#file.statLater());
  }

  close(): void {
    this.#file.close();
  }

  async #take(from: number, length: number): Promise<Buffer<ArrayBuffer>> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const got = await this.readLater(bytes.subarray(filled), from + filled);
      if (got === 0) break;
      filled += got;
    }
    return bytes.subarray(0, filled);
  }
}

function copyFrom(bytes: Uint8Array, into: Uint8Array, at: number): number {
  if (at < 0 || at >= bytes.length) return 0;
  const part = bytes.subarray(at, at + into.length);
  into.set(part);
  return part.length;
}
