/** What the journal's collector has to tell of itself: counts and problems. One method per event, so that they cannot drift. */
import type { Clock, Log, Problem, UnixMs } from '../../spool/ports.ts';
import { groupHint, type Meaning } from './meaning.ts';

/** How long a gap is shown as a problem; its count stays. */
const gapShownMs = 3_600_000;

export class Ledger {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counts = { entries: 0, own_skipped: 0, damaged: 0, cut: 0, restarts: 0, gaps: 0, missing: 0 };
  #trouble: Problem | undefined;
  #partial: Problem | undefined;
  #gap: Problem | undefined;

  constructor(name: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#clock = clock;
    this.#log = log;
  }

  get gauges(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  get problems(): readonly Problem[] {
    if (this.#gap && this.#clock.now() - this.#gap.since > gapShownMs) this.#gap = undefined;
    return [this.#trouble, this.#partial, this.#gap].filter((problem) => problem !== undefined);
  }

  /** Not everything is shown to us: numbers that are missing say nothing. */
  get sees(): 'all' | 'part' {
    return this.#partial ? 'part' : 'all';
  }

  /** A child begins: what it may not see, it says. */
  begins(): void {
    this.#partial = undefined;
  }

  entry(): void {
    this.#counts.entries += 1;
  }

  own(): void {
    this.#counts.own_skipped += 1;
  }

  cutShort(): void {
    this.#counts.cut += 1;
  }

  damaged(bytes: number): void {
    this.#counts.damaged += 1;
    const message = `${bytes} bytes that journalctl wrote are no entry: passed over and counted`;
    this.#write('warn', 'journald.damaged', message);
  }

  /** `missing`: entries, where their numbers tell. */
  gone(missing: number | undefined): void {
    this.#counts.gaps += 1;
    this.#counts.missing += missing ?? 0;
    const how = missing === undefined ? 'an unknown number of entries' : `${missing} entries`;
    const message = `The journal no longer holds what comes next after the last entry read: ${how} went before they could be read (rotated away, vacuumed or damaged). Reading goes on at the oldest one behind them`;
    const hint = 'give the journal more room (SystemMaxUse= in journald.conf)';
    this.#gap = this.#problem('journal_gap', message, false, hint);
    this.#write('warn', 'journald.gap', message);
  }

  ended({ cause, message, hint }: Meaning): void {
    this.#counts.restarts += 1;
    const since = this.#trouble?.cause === cause ? this.#trouble.since : this.#clock.now();
    this.#trouble = this.#problem(cause, message, true, hint, since);
    this.#write('error', `journald.${cause}`, `${message}; ${hint}`);
  }

  failed(error: unknown): void {
    this.#write('error', 'journald.failed', `What journalctl wrote could not be taken: ${String(error)}`);
  }

  works(): void {
    this.#trouble = undefined;
  }

  partial(): void {
    if (this.#partial) return;
    const message = 'journalctl may not show entries of the system and of other users: they are not collected';
    this.#partial = this.#problem('journal_partial', message, true, groupHint);
    this.#write('error', 'journald.partial', `${message}; ${groupHint}`);
  }

  startedAtEnd(): void {
    this.#write('info', 'journald.start_at_end', 'What stood in the journal before is passed over (start_at: end)');
  }

  cursorTooLong(bytes: number): void {
    const message = `This journal's cursors have ${bytes} bytes, more than can be kept: entries come again after a restart`;
    this.#trouble = this.#problem('journal_cursor', message, true, 'report it, with the version of systemd');
  }

  #problem(cause: string, message: string, red: boolean, hint: string, since: UnixMs = this.#clock.now()): Problem {
    return { cause, subject: this.#name, message, since, hint, red };
  }

  #write(severity: 'info' | 'warn' | 'error', event: string, message: string): void {
    this.#log.write({ severity, event, subject: this.#name, message });
  }
}
