/** What the journal's collector is told, and what it needs of the outside. */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Log } from '../../spool/ports.ts';
import type { ChildProcesses } from '../ports.ts';

export interface JournalSelection {
  readonly units: readonly string[];
  readonly identifiers: readonly string[];
  /** As `journalctl --priority` takes it. */
  readonly priority: string | undefined;
  /** `FIELD=value` each, or `+`. */
  readonly matches: readonly string[];
}

export interface JournaldOptions extends JournalSelection {
  readonly name: string;
  /** Looked for in PATH where it is no path. */
  readonly journalctl: string;
  readonly namespace: string | undefined;
  /** A folder of journal files, instead of this system's. */
  readonly directory: string | undefined;
  /** What is done when the collector first runs in this data_dir. */
  readonly startAt: 'beginning' | 'end';
  /** Of an entry's names and values together; at most 1 MiB, so that its record fits a block whatever it holds. */
  readonly entryBytesMax: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  /** This process, whose own entries are not collected. */
  readonly own: Own;
}

export interface JournaldWorld {
  readonly intake: Intake;
  readonly children: ChildProcesses;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the journal calls this process. */
export interface Own {
  readonly pid: number;
  /** Path of the running program; '' where the system does not tell. */
  readonly executable: string;
  /** As the kernel gives it, or ''. */
  readonly bootId: string;
  /** The unit whose main process this is. */
  readonly unit: string | undefined;
}
