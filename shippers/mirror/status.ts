/** What the mirror tells about itself: counters, gauges, and the problems of the moment. */
import type { Clock, Log, Problem, UnixMs } from '../../spool/ports.ts';
import type { ShipperStatus } from '../ports.ts';

/** Problems that are about single files or blocks; the newest ones are shown, all are counted. */
const shownMax = 20;
const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class MirrorStatus {
  readonly #name: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #standing = new Map<string, Problem>();
  readonly #outcomes: Record<string, number> = {};
  readonly #counts = new Array<number>(bucketsSeconds.length + 1).fill(0);
  #hold: Problem | undefined;
  #secondsSum = 0;
  #attempts = 0;
  #writtenBytes = 0;
  #lastAt: UnixMs | undefined;
  state: ShipperStatus['state'] = 'starting';
  gauges: Record<string, number> = {};

  constructor(name: string, folder: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
  }

  attempt(): void {
    this.#attempts++;
    this.state = 'sending';
  }

  written(seconds: number, bytes: number): void {
    this.count('acknowledged');
    this.#writtenBytes += bytes;
    this.#lastAt = this.#clock.now();
    this.#secondsSum += seconds;
    const bucket = bucketsSeconds.findIndex((limit) => seconds <= limit);
    this.#counts[bucket < 0 ? bucketsSeconds.length : bucket]!++;
    this.#hold = undefined;
  }

  count(outcome: string): void {
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
  }

  /** Nothing moves until it is mended (or, with `retrying`, until it passes). */
  hold(state: 'retrying' | 'holding', cause: string, message: string, hint: string): void {
    this.state = state;
    this.count(cause);
    const since = this.#hold?.cause === cause ? this.#hold.since : this.#clock.now();
    this.#hold = { cause, subject: this.#folder, message, hint, since, red: true };
    this.#log.write({
      severity: 'error',
      event: `mirror.${cause}`,
      subject: this.#name,
      message: `${message} ${hint}`,
    });
  }

  released(): void {
    if (this.#hold)
      this.#log.write({
        severity: 'info',
        event: 'mirror.resumed',
        subject: this.#name,
        message: `The mirror in ${this.#folder} goes on.`,
      });
    this.#hold = undefined;
  }

  /** Something that stays as it is: records are elsewhere than expected, or were lost. */
  note(severity: 'warn' | 'error', cause: string, subject: string, message: string): void {
    this.count(cause);
    const key = `${cause}\n${subject}`;
    if (this.#standing.has(key)) return;
    this.#log.write({ severity, event: `mirror.${cause}`, subject, message });
    this.#standing.set(key, { cause, subject, message, since: this.#clock.now(), red: false });
    if (this.#standing.size > shownMax) this.#standing.delete(this.#standing.keys().next().value!);
  }

  get(): ShipperStatus {
    return {
      name: this.#name,
      type: 'mirror',
      state: this.state,
      destination: this.#folder,
      problems: [...(this.#hold ? [this.#hold] : []), ...this.#standing.values()],
      attempts: this.#attempts,
      outcomes: { ...this.#outcomes },
      latency: { bucketsSeconds, counts: [...this.#counts], sum: this.#secondsSum },
      wireBytes: this.#writtenBytes,
      lastAcknowledgedAt: this.#lastAt,
      gauges: { ...this.gauges },
    };
  }
}
