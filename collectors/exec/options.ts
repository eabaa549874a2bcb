/** What an exec collector is told. */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Log } from '../../spool/ports.ts';
import type { ChildProcesses } from '../ports.ts';
import type { LineStreamOptions } from '../shared/line-stream.ts';

export interface ExecOptions extends LineStreamOptions {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** `always`: started again when it ends. `every`: each `intervalMs`. `once`: when the agent starts. */
  readonly run: 'always' | 'every' | 'once';
  readonly intervalMs: number;
  /** A run that takes longer is ended; undefined: it may take as long as it likes. */
  readonly timeoutMs: number | undefined;
  /** A run that writes more is ended; undefined: no limit. */
  readonly outputBytesMax: number | undefined;
  /** What becomes of standard error: lines of the agent's own log, records, or nothing. */
  readonly errors: 'log' | 'records' | 'ignore';
  readonly environment: Readonly<Record<string, string>> | undefined;
  readonly folder: string | undefined;
  readonly user: string | undefined;
  /** Between the ends of a program that is run always, growing from the first to the second. */
  readonly retryDelayMsMin: number;
  readonly retryDelayMsMax: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface ExecWorld {
  readonly intake: Intake;
  readonly children: ChildProcesses;
  readonly clock: Clock;
  readonly log: Log;
}
