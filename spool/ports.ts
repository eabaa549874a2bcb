/**
 * What the spool (and every other room) needs from the outside world. The real ones live in `agent/host/`, the simulated
 * ones in `test/simulation/`; no other room imports `node:fs`, `node:net`, `node:http` or reads a clock.
 *
 * Paths are strings. A file name that is not UTF-8 is carried with each undecodable byte b as the lone surrogate
 * U+DC00+b (PEP 383 "surrogateescape"), so every name has exactly one string and every string one name.
 */

/** Milliseconds since 1970-01-01 UTC, as the host's wall clock tells; may jump. */
export type UnixMs = number & { readonly unit?: 'unix ms' };
/** Milliseconds on a clock that never goes back; its zero means nothing. */
export type MonotonicMs = number & { readonly unit?: 'monotonic ms' };

export interface Clock {
  now(): UnixMs;
  monotonic(): MonotonicMs;
  /** Calls back once after `delayMs`, unless cancelled. Never keeps the process alive by itself. */
  after(delayMs: number, call: () => void): Timer;
  /** Calls back once when the work that is ready now has had its turn (`setImmediate`). */
  soon(call: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** Bytes from the operating system's random source (ids, epochs). */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1); for jitter only. */
  fraction(): number;
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device';

export interface FileStat {
  readonly kind: FileKind;
  readonly device: bigint;
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** Allocated bytes (blocks × 512); smaller than the size where a file has holes. */
  readonly allocatedBytes: number;
  readonly modifiedMs: UnixMs;
  readonly changedNs: bigint;
  /** 0n where the file system does not tell. */
  readonly birthNs: bigint;
  readonly owner: number;
  readonly links: number;
  readonly mode: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileKind;
}

export interface Space {
  readonly totalBytes: number;
  /** What an unprivileged process may still write. */
  readonly availableBytes: number;
}

/**
 * - `read`: an existing file or directory, never blocks (O_NONBLOCK: a FIFO opens at once), never creates.
 * - `read-no-follow`: the same, but a symlink as last component fails with ELOOP.
 * - `create`: read and write, exclusively new (EEXIST otherwise), mode 0600.
 * - `write`: read and write, existing (ENOENT otherwise).
 */
export type OpenMode = 'read' | 'read-no-follow' | 'create' | 'write';

/**
 * A file system. Synchronous calls are meant for local disks; the `…Later` calls are for mounts that may hang.
 * Every failure is thrown as an `Error` with `code` as Node gives it (ENOENT, EACCES, ENOSPC, EIO …).
 */
export interface Files {
  open(path: string, mode: OpenMode): OpenFile;
  /** Follows symlinks. */
  stat(path: string): FileStat;
  lstat(path: string): FileStat;
  readLink(path: string): string;
  /** The path with every symlink resolved. */
  realPath(path: string): string;
  list(path: string): DirectoryEntry[];
  /** Creates it and its parents (mode 0700 unless given); no error where it exists. */
  makeDirectory(path: string, mode?: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  removeDirectory(path: string): void;
  setMode(path: string, mode: number): void;
  /** Makes the directory's entries durable. */
  syncDirectory(path: string): Promise<void>;
  space(path: string): Space;
  openLater(path: string, mode: OpenMode): Promise<OpenFile>;
  statLater(path: string): Promise<FileStat>;
  listLater(path: string): Promise<DirectoryEntry[]>;
}

export interface OpenFile {
  /** Reads up to `into.length` bytes at `position`; 0 at the end of the file. May be short. */
  read(into: Uint8Array, position: number): number;
  /** One system call into several buffers (preadv). May be short. */
  readInto(into: readonly Uint8Array[], position: number): number;
  readLater(into: Uint8Array, position: number): Promise<number>;
  /** Writes at `position`; returns what was taken, which may be less than all. */
  write(from: Uint8Array, position: number): number;
  truncate(sizeBytes: number): void;
  stat(): FileStat;
  statLater(): Promise<FileStat>;
  /** fdatasync. After a failure what was written since the last success must be taken as lost. */
  datasync(): Promise<void>;
  close(): void;
}

/** Compresses and expands single zstd frames, with content size and checksum set (RFC 8878 section 3.1.1). */
export interface Codec {
  readonly name: string;
  /** The most that a frame of `rawBytes` can take. */
  frameBytesMax(rawBytes: number): number;
  /** Compresses all of `raw` to one frame at the start of `into`; returns the frame's length. `into` has room. */
  compress(raw: Uint8Array, into: Uint8Array): number;
  /** Expands one frame into the start of `into`; throws on damage, or when it would need more than `into` has. */
  expand(frame: Uint8Array, into: Uint8Array): number;
}

/** Work on every byte that the host can do faster than the language. What it gives is compared before it is used. */
export interface ByteWork {
  /** zlib's CRC-32; undefined where the processor has nothing for it. */
  crc32?(bytes: Uint8Array): number;
  /** How many of the first `length` bytes are line feeds. */
  countLineFeeds(bytes: Uint8Array, length: number): number;
}

/**
 * The agent's own log. `event` is a stable dotted name; the agent prints a line per (event, subject) once and then counts.
 * Never called per line or per batch of ordinary work.
 */
export interface Log {
  write(entry: LogEntry): void;
}

export interface LogEntry {
  readonly severity: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  /** What it is about: a path, a shipper, a peer. Entries with the same event and subject are folded. */
  readonly subject?: string;
  /** For people: what happened, where, what to do. No secrets. */
  readonly message: string;
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

/** Something is wrong now; shown in `status` and in `/healthz` until it is gone. */
export interface Problem {
  /** Stable and short: `unreadable`, `disk_full`, `unauthorized`, … */
  readonly cause: string;
  readonly subject: string;
  readonly message: string;
  readonly since: UnixMs;
  /** What a person can do about it. */
  readonly hint?: string;
  /** True turns `/healthz` red. */
  readonly red: boolean;
}
