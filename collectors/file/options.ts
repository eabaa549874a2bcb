/** What a file collector can be told, and what it needs from outside. */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Files, Log } from '../../spool/ports.ts';
import type { Inflater, Mounts, Watcher } from '../ports.ts';
import type { MultilineOptions } from '../shared/multiline.ts';
import type { Shape } from '../shared/shape.ts';

/** The keys of a `type: file` collector as the configuration gives them, and what the agent adds. */
export interface FileCollectorOptions {
  readonly name: string;
  /** Absolute glob patterns (picomatch) of the names that begin a source; at least one. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Absolute glob patterns where rotated generations are found when they are not siblings. */
  readonly rotated: readonly string[];
  /** `end` counts only when this collector first runs in this data_dir. */
  readonly startAt: 'beginning' | 'end';
  /** Without the line feed; at most `limits.maxLineBytesMax`. Longer lines are carried as fragments. */
  readonly maxLineBytes: number;
  /** A last line without line feed that has not grown for so long is taken as it is. */
  readonly partialTimeoutMs: number;
  /** The encoding of the files, as `encodingOf` gives it; undefined: lines are taken as they stand. */
  readonly encoding: string | undefined;
  /** undefined: each line is a record. */
  readonly multiline: MultilineOptions | undefined;
  /** Read files on network and FUSE mounts too (asynchronously). */
  readonly networkFs: boolean;
  /** How long an open file that was deleted may be held while it is not read to its end; undefined: as long as it takes. */
  readonly deletedFileLimitMs: number | undefined;
  /** The slow look at everything, which finds what hints of changes missed. */
  readonly scanIntervalMs: number;
  /** A cursor whose file was absent from a readable directory for so long is forgotten. */
  readonly forgetAfterMs: number;
  /** undefined: in the configuration as many as the process limit leaves, here 4,096. */
  readonly openFilesMax: number | undefined;
  /** Cursors above this are forgotten, oldest first, counted. */
  readonly sourcesMax: number;
  /** Added to every source of this collector. */
  readonly attributes: Attributes;
  readonly resource: Attributes;
  /** Files and folders that are never collected: data_dir, mirror folders, the agent's own log. Absolute. */
  readonly never: readonly string[];
  /** Files of a certain kind; undefined: logs of any. */
  readonly logs?: Logs;
  /** Names of all collectors in the configuration: cursors of others are up for adoption. */
  readonly configuredCollectors: readonly string[];
}

/** What is special about the files of a collector that is built upon this one. */
export interface Logs {
  /** The collector's type. */
  readonly type: string;
  readonly shape: Shape;
  /** Of the source of a file that was found at this path. */
  attributesOf(path: string): Attributes;
}

export interface FileCollectorPorts {
  readonly intake: Intake;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly watcher: Watcher;
  readonly mounts: Mounts;
  readonly inflater: Inflater;
  /**
   * Names this boot of the machine (`/proc/sys/kernel/random/boot_id`), '' where that is not known. Only over a reboot can
   * a file go back to an earlier state: in one boot a file that became shorter was truncated.
   */
  readonly bootId: string;
}

/** Times and sizes that are not worth a key in the configuration. */
export const pace = {
  /** What one file may take before the next has its turn. */
  quantumBytes: 256 * 1024,
  /** Room asked for at first; a longer line asks again. */
  reserveBytes: 16 * 1024,
  /** Hints are gathered for so long before files are looked at. */
  hintDelayMs: 3,
  /** Files that are written a little at a time are looked at right before the next sync, but at most so long after the hint. */
  gatherMsMax: 1000,
  /** Folders that nobody listens to, since their files were written to all the time, are looked at so often when nothing comes. */
  noisyPollMs: 100,
  /** How long a renamed or deleted generation that has been read to its end is still watched for late lines. */
  lingerMs: 10_000,
  /** Between two times of finding out what happened to one path. */
  resolveMs: 20,
  /** Files that gave data within this time are looked at every `pollMs` even without hints. */
  hotMs: 30_000,
  pollMs: 1_500,
  beatMs: 250,
  /** Whether it still stands at its path is looked at this often while a file gives data; at once when it gives none. */
  verifyMs: 5_000,
  /** Between two tries of what could not be looked into. */
  retryMsMax: 60_000,
  /** Quiet files are closed after this. */
  idleCloseMs: 600_000,
  /** Looks at quiet files: at most so many a second, so that 10,000 of them cost next to nothing. */
  quietLooksPerSecondMax: 150,
  /** Looks at files that sleep; what changes in them is told by hints, unless these are lost. */
  sleepingLooksPerSecondMax: 20,
  /** Generations that were read to their end and are gone are remembered for so long, if nothing can be mistaken for them. */
  finishedKeptMs: 3_600_000,
  /** What was refused is looked at again: its owner or its links may have changed. */
  refusedRetryMs: 30_000,
  /** A copy of a file that is being read waits so long for the truncation that should follow. */
  copyHoldMs: 30_000,
  /** A file that was not read yet, and another that looks like a copy of it and does not grow, wait so long for the truncation. */
  copyWaitMs: 5_000,
  /** Behind for so long without back-pressure is `stalled`. */
  stalledAfterMs: 30_000,
  openFilesMaxDefault: 4096,
} as const;
