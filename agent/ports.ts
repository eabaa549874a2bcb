/**
 * Everything the whole agent needs from outside, in one bundle: `agent/host/` makes the real one, `test/simulation/` a
 * simulated one, and `startAgent` takes either. No other way leads out of the process.
 */
import type { ChildProcesses, Inflater, Listener, Mounts, StandardInput, Watcher } from '../collectors/ports.ts';
import type { DatagramListener, StreamListener } from '../collectors/socket-ports.ts';
import type { Transports } from '../shippers/ports.ts';
import type { ByteWork, Clock, Codec, Files, Log, Random, UnixMs } from '../spool/ports.ts';

export interface Host {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  /** undefined where the host has nothing better than what the rooms do themselves. */
  readonly byteWork?: ByteWork | undefined;
  readonly log: Log;
  readonly watcher: Watcher;
  readonly mounts: Mounts;
  readonly inflater: Inflater;
  readonly listener: Listener;
  readonly children: ChildProcesses;
  /** Nothing of it is read before the first `read`. */
  readonly standardInput: StandardInput;
  readonly streams: StreamListener;
  readonly datagrams: DatagramListener;
  readonly transports: Transports;
  readonly locks: Locks;
  readonly process: ProcessFacts;
}

/** One holder per path, in a way that a crash cannot leave behind stale and that depends neither on time nor on pid reuse. */
export interface Locks {
  /** Never waits. `held` names the holder as far as it can be told (`pid 4711`, `another process`). Creates the file (0600). */
  take(path: string): LockResult;
}

export type LockResult =
  | { readonly kind: 'taken'; readonly lock: Disposable }
  | { readonly kind: 'held'; readonly holder: string };

/** Who started this process and wants to hear of it (systemd). No part of `Host`: only a running service has one. */
export interface Supervisor {
  /** How long it waits for a sign of life; undefined where it does not. */
  readonly watchdogMs: number | undefined;
  /** Lines of `NAME=value`, as sd_notify takes them. Resolves with what went wrong, or undefined. Never rejects. */
  tell(text: string): Promise<string | undefined>;
}

/** What the operating system tells of this process and its host. Cheap: read at every scrape. */
export interface ProcessFacts {
  readonly pid: number;
  /** What goes into `host.name`. */
  readonly hostName: string;
  /** The program's version as `tailspool version` prints it. */
  readonly version: string;
  readonly startedAt: UnixMs;
  /** Names this boot of the machine; '' where the system does not tell. */
  readonly bootId: string;
  /** How many files this process may have open at once; undefined where the system does not tell. */
  readonly openFilesMax: number | undefined;
  /** Files that standard output and standard error go to: the agent's own log, which is never collected. */
  readonly ownOutputs: readonly string[];
  /** Path of the running program; '' where the system does not tell. */
  readonly executable: string;
  /** The systemd unit whose main process this is. */
  readonly unit: string | undefined;
  usage(): ProcessUsage;
}

export interface ProcessUsage {
  readonly residentBytes: number;
  /** Private (not shared, not file-backed) memory; undefined where the system does not tell. */
  readonly privateBytes: number | undefined;
  /** User and system time together since the process began. */
  readonly cpuSeconds: number;
  /** Undefined where the system does not tell. */
  readonly openDescriptors: number | undefined;
}

/** Memory of the process that the language manages. */
export interface Heap {
  /** Time on all cores since the process began. */
  cpuMs(): number;
  /** What it takes of the system. */
  bytes(): number;
  /** Collects everything and gives back what can be given back; takes tens of milliseconds, in which nothing else happens. */
  shrink(): void;
}

/** What this host and this user can do. */
export interface Abilities {
  /** Why a program cannot be started; undefined where it can. A name without `/` is looked for in PATH. */
  programMissing(program: string): string | undefined;
  /** Why the native part for datagrams cannot be loaded; undefined where it can. `dataDir`: one more folder to load it through. */
  datagramsMissing(dataDir: string): string | undefined;
  /** The first port that this user may bind; 0 where it may bind each. */
  unprivilegedPort(): number;
}
