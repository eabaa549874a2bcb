/**
 * What a command of the command line is: options in, an exit code out, and one context through which it meets the terminal and
 * the host. `program.ts` reads the arguments and calls these; each command is a module of its own, imported when it is called.
 */
import type { Log } from '../../spool/ports.ts';
import type { Environment } from '../config/interpolate.ts';
import type { Host } from '../ports.ts';

/** A contract: scripts rely on it. */
export const exitCodes = {
  ok: 0,
  /** Something failed while running; `verify` found damage; `status` is red. */
  runtime: 1,
  /** The command line or the configuration is wrong; nothing was started or changed. */
  usage: 2,
  /** The data_dir is held by another process, or was written by a newer version. */
  held: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface CommandContext {
  /** Data, to standard output. Resolves when it was taken; await it between large pieces. */
  out(data: string | Uint8Array): Promise<void>;
  /** Everything else, to standard error. */
  err(text: string): void;
  readonly terminal: TerminalFacts;
  readonly environment: Environment;
  /** What relative paths on the command line are relative to. */
  readonly workingDirectory: string;
  /** Calls `handle` for each SIGTERM, SIGINT and SIGHUP until disposed; without it they do what the system says. */
  onSignal(handle: (signal: StopSignal | 'SIGHUP') => void): Disposable;
  /** The real world. `log` takes what the host's own parts have to say; `dataDir` is the agent's own folder, where it has one. */
  openHost(log: Log, dataDir?: string): Promise<Host>;
}

export type StopSignal = 'SIGTERM' | 'SIGINT';

export interface TerminalFacts {
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly columns: number;
  /** Colours are wanted on standard error (a terminal, and NO_COLOR is not set). */
  readonly errColors: boolean;
}

export type Command<Options> = (options: Options, context: CommandContext) => Promise<ExitCode>;

export interface ConfigOptions {
  /** At least one file or folder. */
  readonly config: readonly string[];
}

export interface ReceiveOptions {
  readonly listen: string;
  readonly dataDir: string;
  readonly out?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly admin?: string;
  readonly insecure?: boolean;
}

export interface StatusOptions {
  /** Absolute; from the configuration where that was given. */
  readonly dataDir: string;
  readonly json: boolean;
}

export interface SpoolOptions {
  /** Absolute: a data_dir, or the spool folder in one. */
  readonly directory: string;
}

export interface SpoolListOptions extends SpoolOptions {
  readonly json: boolean;
}

/** Everything given must hold. */
export interface SpoolCatOptions extends SpoolOptions {
  readonly path?: string;
  readonly source?: string;
  readonly origin?: string;
}

export interface DeadOptions {
  /** Absolute; from the configuration where that was given. */
  readonly dataDir: string;
  /** undefined: of all. */
  readonly shipper?: string;
}

export interface DeadListOptions extends DeadOptions {
  readonly json: boolean;
}
