/** What an exec collector has to tell: how its runs ended. One method per event, so that they cannot drift. */
import type { Clock, Log, Problem } from '../../spool/ports.ts';
import type { ChildEnd } from '../ports.ts';

export type Cut = 'timeout' | 'output';

const errorLineCharactersShown = 200;

export class ExecLedger {
  readonly #name: string;
  readonly #program: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counts = { runs: 0, exits_ok: 0, exits_failed: 0, not_started: 0, timeouts: 0, outputs_cut: 0, skipped: 0 };
  #lastExit = -1;
  #errorLines = 0;
  #lastErrorLine = '';
  #problem: Problem | undefined;

  constructor(name: string, program: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#program = program;
    this.#clock = clock;
    this.#log = log;
  }

  /** `last_exit_code`: −1 before the first end; above 128 a signal, as shells count. */
  get gauges(): Readonly<Record<string, number>> {
    return { ...this.#counts, last_exit_code: this.#lastExit, error_lines: this.#errorLines };
  }

  get problems(): readonly Problem[] {
    return this.#problem ? [this.#problem] : [];
  }

  began(): void {
    this.#counts.runs++;
    this.#lastErrorLine = '';
  }

  /** The one before still runs. */
  skipped(): void {
    this.#counts.skipped++;
  }

  errorLine(line: string, tell: boolean): void {
    this.#errorLines++;
    this.#lastErrorLine = line.slice(0, errorLineCharactersShown);
    if (!tell) return;
    const message = `${this.#program} says: ${line}`;
    this.#log.write({ severity: 'warn', event: 'exec.stderr', subject: this.#name, message });
  }

  /** It has run for so long that it works. */
  works(): void {
    this.#problem = undefined;
  }

  /** `again`: when it runs next, for people. `isGood`: an end with 0 is nothing to worry about. */
  ended(end: ChildEnd, cut: Cut | undefined, isGood: boolean, again: string): void {
    this.#count(end, cut);
    if (end.kind === 'exited' && end.code === 0 && isGood) {
      this.#problem = undefined;
      return;
    }
    const said = this.#lastErrorLine === '' ? '' : `; it says: ${this.#lastErrorLine}`;
    const message = `${this.#program} ${wordsOf(end, cut)}${said}`;
    const since = this.#problem?.since ?? this.#clock.now();
    const red = end.kind === 'not_started';
    const cause = red ? 'command_not_started' : 'command_failed';
    this.#problem = { cause, subject: this.#name, message, since, hint: `${again}; try the command by hand`, red };
    this.#log.write({ severity: red ? 'error' : 'warn', event: `exec.${cause}`, subject: this.#name, message });
  }

  #count(end: ChildEnd, cut: Cut | undefined): void {
    if (cut === 'timeout') this.#counts.timeouts++;
    if (cut === 'output') this.#counts.outputs_cut++;
    if (end.kind === 'not_started') this.#counts.not_started++;
    else if (end.kind === 'exited' && end.code === 0) this.#counts.exits_ok++;
    else this.#counts.exits_failed++;
    this.#lastExit = exitCode(end);
  }
}

function wordsOf(end: ChildEnd, cut: Cut | undefined): string {
  const why = cut === 'timeout' ? ', as it ran too long' : cut === 'output' ? ', as it wrote too much' : '';
  switch (end.kind) {
    case 'exited':
      return `ended with code ${end.code}${why}`;
    case 'killed':
      return `was ended by ${end.signal}${why}`;
    case 'not_started':
      return `cannot be started: ${end.message}`;
    default:
      return end satisfies never;
  }
}

const signals: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** As shells have it (POSIX, 2.8.2): 127 not found, 126 not to be run, 128 and the signal's number. */
function exitCode(end: ChildEnd): number {
  if (end.kind === 'exited') return end.code;
  if (end.kind === 'killed') return 128 + (signals[end.signal] ?? 0);
  return end.code === 'ENOENT' ? 127 : 126;
}
