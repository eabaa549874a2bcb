/** What a shipper has to tell of itself. One method per event bumps the counts and writes the log, so they cannot drift. */
import type { Clock, Log, Problem, UnixMs } from '../../../spool/ports.ts';
import type { ShipperStatus, TransportAnswer } from '../../ports.ts';
import type { Trouble } from './trouble.ts';

const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Trouble that may pass by itself turns health red when it lasts. */
const patienceMs = 60_000;
/** Clocks that differ by more are worth a word. */
const skewMsMax = 300_000;

/** What a request brought there. */
export interface Delivered {
  readonly blocks: number;
  readonly records: number;
  /** Gaps that were declared and lost something. */
  readonly gaps: number;
}

/** What is to be seen and stops nothing. */
type NoteCause = 'failed_over' | 'clock_skew' | 'tls_files_stale';

export class Meter {
  readonly #name: string;
  #destination: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #outcomes: Record<string, number> = {};
  readonly #latency = new Array<number>(bucketsSeconds.length + 1).fill(0);
  #latencySum = 0;
  #attempts = 0;
  #wireBytes = 0;
  #records = 0;
  #blocks = 0;
  #gaps = 0;
  #questions = 0;
  #lastAcknowledgedAt: UnixMs | undefined;
  #problem: (Problem & { readonly lasting: boolean }) | undefined;
  /** What is to be seen and stops nothing, by cause. */
  readonly #notes = new Map<NoteCause, Problem>();

  constructor(name: string, destination: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#destination = destination;
    this.#clock = clock;
    this.#log = log;
  }

  asked(): void {
    this.#attempts++;
    this.#questions++;
  }

  attempted(bytes: number): void {
    this.#attempts++;
    this.#wireBytes += bytes;
  }

  outcome(outcome: string): void {
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
  }

  /** A request's records are there. */
  acknowledged(seconds: number, { blocks, records, gaps }: Delivered): void {
    const bucket = bucketsSeconds.findIndex((limit) => seconds <= limit);
    this.#latency[bucket < 0 ? bucketsSeconds.length : bucket]! += 1;
    this.#latencySum += seconds;
    this.#blocks += blocks;
    this.#records += records;
    this.#gaps += gaps;
    this.#lastAcknowledgedAt = this.#clock.now();
  }

  /** The receiver answered as it should. */
  well(): void {
    if (!this.#problem) return;
    const message = `Shipper ${this.#name}: ${this.#destination} works again.`;
    this.#log.write({ severity: 'info', event: 'shipper.recovered', subject: this.#name, message });
    this.#problem = undefined;
  }

  /** `lasting`: somebody has to mend it. */
  failed(trouble: Trouble, lasting: boolean): void {
    const same = this.#problem?.cause === trouble.cause ? this.#problem : undefined;
    const { cause, message, hint } = trouble;
    const since = same?.since ?? this.#problem?.since ?? this.#clock.now();
    const more = hint === undefined ? {} : { hint };
    this.#problem = { cause, subject: this.#name, message, since, red: lasting, lasting, ...more };
    if (same) return;
    const severity = lasting ? 'error' : 'warn';
    this.#log.write({
      severity,
      event: `shipper.${cause}`,
      subject: this.#name,
      message: `Shipper ${this.#name}: ${message}${hint ? ` ${hint}` : ''}`,
    });
  }

  /** Where requests go from now on; `away` says why not to the first address. */
  destined(destination: string, away: { readonly first: string; readonly why: string } | undefined): void {
    this.#destination = destination;
    const message = away && `${away.first} fails and ${destination} is used instead. ${away.why}`;
    this.#note('failed_over', message, 'Mend the first address; it is tried again every five minutes.');
  }

  /** An answer came: what else it tells. */
  heard({ headers }: TransportAnswer, warning: string | undefined): void {
    this.#dated(headers.date);
    const message = warning && `Certificate files changed and cannot be used, the previous ones are: ${warning}`;
    this.#note('tls_files_stale', message, 'Look at tls.ca, tls.cert and tls.key: a key has to fit its certificate.');
  }

  /** The `date` of an answer: which of the two clocks is wrong cannot be told, but that one is. */
  #dated(header: string | undefined): void {
    const at = header === undefined ? Number.NaN : Date.parse(header);
    if (Number.isNaN(at)) return;
    const now = this.#clock.now();
    const minutes = Math.round(Math.abs(at - now) / 60_000);
    const times = `there it is ${new Date(at).toISOString()}, here ${new Date(now).toISOString()}`;
    const message =
      Math.abs(at - now) < skewMsMax
        ? undefined
        : `The clock of the other side and that of this host differ by ${minutes} min: ${times}.`;
    this.#note(
      'clock_skew',
      message,
      'Set the clock that is wrong (timedatectl, chrony): times of records and certificates depend on it.',
    );
  }

  #note(cause: NoteCause, message: string | undefined, hint: string): void {
    const before = this.#notes.get(cause);
    if (message === undefined) {
      this.#notes.delete(cause);
      return;
    }
    const since = before?.since ?? this.#clock.now();
    this.#notes.set(cause, { cause, subject: this.#name, message, hint, since, red: false });
    if (before === undefined) this.say('warn', cause, `: ${message}`);
  }

  /** Something about this shipper that is no trouble. `event` without its first part. */
  say(severity: 'debug' | 'info' | 'warn', event: string, text: string): void {
    const message = `Shipper ${this.#name}${text}`;
    this.#log.write({ severity, event: `shipper.${event}`, subject: this.#name, message });
  }

  /** What there is of trouble now: `lasting` has to be mended by somebody. */
  get trouble(): 'none' | 'passing' | 'lasting' {
    if (!this.#problem) return 'none';
    return this.#problem.lasting ? 'lasting' : 'passing';
  }

  /** `gauges` are the protocol's own. */
  status(
    type: string,
    state: ShipperStatus['state'],
    circuit: NonNullable<ShipperStatus['circuit']>,
    gauges: Readonly<Record<string, number>>,
  ): ShipperStatus {
    return {
      name: this.#name,
      type,
      state,
      circuit,
      destination: this.#destination,
      problems: this.#problems(),
      attempts: this.#attempts,
      outcomes: { ...this.#outcomes },
      latency: { bucketsSeconds, counts: [...this.#latency], sum: this.#latencySum },
      wireBytes: this.#wireBytes,
      lastAcknowledgedAt: this.#lastAcknowledgedAt,
      gauges: {
        ...gauges,
        questions: this.#questions,
        blocks: this.#blocks,
        records: this.#records,
        gaps_declared: this.#gaps,
      },
    };
  }

  #problems(): Problem[] {
    const notes = [...this.#notes.values()];
    if (!this.#problem) return notes;
    const { lasting, ...problem } = this.#problem;
    return [{ ...problem, red: lasting || this.#clock.now() - problem.since >= patienceMs }, ...notes];
  }
}
