/** What all parts of one file collector share. */
import type { Clock, FileStat, Files, Log, UnixMs } from '../../spool/ports.ts';
import type { Inflater } from '../ports.ts';
import type { ArchiveProbes } from './archive.ts';
import type { Descriptors } from './descriptors.ts';
import type { Generation, Tools } from './generation.ts';
import type { Patterns } from './glob.ts';
import { showsRealBirth } from './identity.ts';
import type { Listings } from './listings.ts';
import type { FileCollectorOptions } from './options.ts';
import type { Rules } from './permission.ts';
import type { Registry } from './registry.ts';
import type { RemoteCalls } from './remote.ts';

export interface Context {
  readonly options: FileCollectorOptions;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly inflater: Inflater;
  readonly rules: Rules;
  readonly tools: Tools;
  readonly descriptors: Descriptors;
  readonly registry: Registry;
  readonly births: BirthTimes;
  /** The machine was booted since this collector last ran. */
  readonly rebooted: boolean;
  /** It was not stopped before that: what was written last may not have reached the disk, and files may have gone back. */
  readonly powerCut: boolean;
  /** Set while everything that stands there is looked at for the first time since the start. */
  firstLook: { readonly isFirstRun: boolean; readonly startAtEnd: boolean } | undefined;
  /** Found, not empty, and not known to the spool so far. */
  readonly unregistered: Set<Generation>;
  /**
   * When this collector first looked for these patterns. A rotated file that is older stood there before; a younger one would
   * have been read, had the agent been up.
   */
  sinceMs: UnixMs;
  readonly listings: Listings;
  readonly archives: ArchiveProbes;
  /** Resolves when the collector stops; `stopping` is true from then on. */
  readonly stopped: Promise<void>;
  readonly stopping: boolean;
  readonly remote: RemoteCalls;
  /** The path is on a mount that may hang, and is read nevertheless: never synchronously. */
  isRemote(path: string): boolean;
  /** Where rotated generations stand that are not siblings. */
  readonly rotated: Patterns;
  /** A directory that is not walked, but holds a file that is read. */
  watchAlso(directory: string): void;
  /** Something to look at again soon. */
  wake(path: string): void;
  order(): number;
}

export type { Generation };

/** Which file systems tell real birth times, as far as it was seen. */
export class BirthTimes {
  readonly #devices = new Set<bigint>();

  learn(stat: FileStat): void {
    if (showsRealBirth(stat)) this.#devices.add(stat.device);
  }

  areReal(device: bigint): boolean {
    return this.#devices.has(device);
  }
}
