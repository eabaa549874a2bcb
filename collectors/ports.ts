/**
 * What a collector is to the agent, and what collectors need from the outside world beyond the spool's ports.
 */
import type { Problem, UnixMs } from '../spool/ports.ts';

/** Brings records from the outside world into the spool. Knows the intake, not the disk format. */
export interface Collector {
  readonly name: string;
  readonly type: string;
  /** Begins to work and returns at once; what is missing outside (files, ports) is a problem in `status`, not an error. */
  start(): Promise<void>;
  /** Takes nothing more; resolves within 2 s whatever the outside does. Everything committed stays with the spool. */
  stop(): Promise<void>;
  status(): CollectorStatus;
  /** Resolves when nothing will ever come again and all of it is durable (standard input at its end). Undefined: it goes on. */
  readonly ended?: Promise<void>;
}

export interface CollectorStatus {
  readonly name: string;
  readonly type: string;
  /** Since the process began: taken from the outside, before the spool. */
  readonly read: { readonly records: number; readonly bytes: number };
  readonly problems: readonly Problem[];
  readonly sources: readonly SourceStatus[];
  /** More of them, read to their ends and not listed: thousands of quiet files need no line each. */
  readonly following?: number;
  /** Plain numbers that are this collector's own (open descriptors, held deleted bytes, connections, requests by answer …). */
  readonly gauges: Readonly<Record<string, number>>;
}

export interface SourceStatus {
  /** For people: the path, the peer. */
  readonly name: string;
  readonly source: number;
  /** What was read, and how much there is to read; in bytes of the source. */
  readonly offset: number;
  readonly size: number;
  readonly lagBytes: number;
  readonly lastReadAt: UnixMs | undefined;
  /** `stalled`: behind for 30 s without back-pressure; `reason` says why. */
  readonly state:
    | 'following'
    | 'catching_up'
    | 'waiting'
    | 'finished'
    | 'unreadable'
    | 'refused'
    | 'stalled'
    | 'missing';
  readonly reason?: string;
  /** Since when it is in trouble (`unreadable`, `refused`, `stalled`). */
  readonly since?: UnixMs | undefined;
}

/** Says that something may have changed in a directory. A hint: it may come late, never, or for nothing. */
export interface Watcher {
  /** `changed` is called after creations, removals, renames and writes in `directory`. Throws where that cannot be watched. */
  watch(directory: string, changed: (name: string | undefined) => void): Disposable;
}

/** The host's mounts, read without touching them (`/proc/self/mountinfo`), so that a hung one cannot hang us. */
export interface Mounts {
  /** The type (`ext4`, `nfs4`, `fuse.sshfs` …) of the mount that holds the absolute path. */
  typeOf(path: string): string;
}

/** `deflate`: in the zlib format, or bare. */
export type Compression = 'gzip' | 'zstd' | 'deflate';

/** Expands what is compressed (rotated logs, bodies of requests) piece by piece, in bounded memory. */
export interface Inflater {
  /**
   * The expanded bytes of all that `read` gives (0 at its end), in pieces that are valid until the next one. Ends only behind
   * complete streams (gzip: all members, zstd: all frames); throws with code `TRUNCATED` where the input ends before, `DAMAGED`
   * where it does not decode, needs a window larger than `windowBytesMax` (zstd only; 128 MiB) or goes on behind its end.
   */
  expand(
    compression: Compression,
    read: (into: Uint8Array, position: number) => number | Promise<number>,
    options?: { readonly windowBytesMax?: number },
  ): AsyncIterable<Uint8Array>;
}

/** A request's body, read only as far as somebody asks. */
export interface WireBody {
  /**
   * Gives `take` each piece that arrives, until it returns false: it has enough for now. A piece is valid during that call only.
   * True when `take` had enough, false at the body's end. Throws what `take` throws, `BodyTimeout` or a network error. One call
   * at a time.
   */
  read(take: (piece: Uint8Array) => boolean): Promise<boolean>;
}

/** A request as a listener hands it over. Header names are lower case. */
export interface WireRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly peer: string;
  /** Reading stops when the handler answers. */
  readonly body: WireBody;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export interface WireResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** True closes the connection after the answer (unread body, hostile client). */
  readonly close?: boolean;
}

export type WireHandler = (request: WireRequest) => Promise<WireResponse>;

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /**
   * Set: a unix socket at this path (mode 0600) instead of host and port. A socket left there by a crash is replaced: the
   * caller holds the lock of the directory. Works for paths longer than the kernel's 107 bytes too.
   */
  readonly socketPath?: string | undefined;
  readonly tls?:
    | {
        readonly certFile: string;
        readonly keyFile: string;
        readonly clientCaFile?: string | undefined;
        readonly minVersion?: '1.2' | '1.3' | undefined;
      }
    | undefined;
  readonly connectionsMax: number;
  /** Of one address; further ones are closed at once. Undefined: no limit but that of all. */
  readonly connectionsPerPeerMax?: number | undefined;
  readonly headerBytesMax: number;
  /** A client that sends no byte for so long while one is due is cut off. */
  readonly idleTimeoutMs: number;
}

export interface Listener {
  /** Resolves when bound; rejects with the bind error (EADDRINUSE …) or a certificate error naming its file. */
  listen(options: ListenOptions, handler: WireHandler): Promise<Listening>;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Stops accepting, lets running requests end for up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Bytes that come from somewhere, read only as far as somebody asks. */
export interface ByteReader {
  /**
   * Gives `take` each piece that comes, until it returns false: it has enough for now. A piece is valid during that call only.
   * True when `take` had enough, false at the end (also after `stop`). Throws what `take` throws, or a system error. One call at a time.
   */
  read(take: (piece: Uint8Array) => boolean): Promise<boolean>;
}

/** What is piped into this process. */
export interface StandardInput extends ByteReader {
  /** Reads no more; who asks is told that this is the end. */
  stop(): void;
}

/** Starts other programs. */
export interface ChildProcesses {
  /** Never through a shell, and never throws: what could not be started is a child that ended so. */
  spawn(command: ChildCommand): ChildProcess;
}

export interface ChildCommand {
  /** An absolute path, or a name that is looked for in the environment's PATH. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** All of its environment. Undefined: PATH, HOME, LANG, LC_ALL and TZ of ours. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly folder?: string | undefined;
  /** The name or number of whom the program runs as, with that user's first group only; another than ours needs root. */
  readonly user?: string | undefined;
  /** Called with each line of standard error, without its line feed, cut at 4 KiB. Undefined: `ChildProcess.errors` is to be read. */
  readonly onErrorLine?: ((line: string) => void) | undefined;
}

/** A running program, leader of a process group of its own. Its standard input is empty; standard output is a socket. */
export interface ChildProcess extends ByteReader {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Its standard error, where `onErrorLine` was not given and it could be started. */
  readonly errors?: ByteReader | undefined;
  /** Resolves when the program is gone (what it wrote may still wait to be read). Never rejects. */
  readonly ended: Promise<ChildEnd>;
  /**
   * SIGTERM to the whole group, SIGKILL after `graceMs` and to whatever then remains of it. Resolves when the program is gone;
   * whoever is reading has 250 ms more for what it wrote.
   */
  stop(graceMs: number): Promise<ChildEnd>;
}

export type ChildEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  /** `code` as the system gives it: ENOENT, EACCES, EPERM, EAGAIN … */
  | { readonly kind: 'not_started'; readonly code: string; readonly message: string };
