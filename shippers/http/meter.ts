/** What a shipper has to tell of itself. One method per event bumps the counts and writes the log, so they cannot drift. */
import type { Clock, Log, Problem, UnixMs } from '../../spool/ports.ts';
import type { ShipperStatus } from '../ports.ts';
import type { Outgoing } from './batch.ts';
import type { Trouble } from './decide.ts';
import type { Finding } from './place.ts';
import type { State } from './states.ts';

const bucketsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Trouble that may pass by itself turns health red when it lasts. */
const patienceMs = 60_000;

export interface MeterGauges {
  readonly windowBytes: number;
  readonly retryDelayMs: number;
  readonly failuresInARow: number;
  readonly position: number;
}

export class Meter {
  readonly #name: string;
  readonly #destination: string;
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

  /** A batch is proven to be held. */
  acknowledged(seconds: number, sent: Outgoing): void {
    const bucket = bucketsSeconds.findIndex((limit) => seconds <= limit);
    this.#latency[bucket < 0 ? bucketsSeconds.length : bucket]! += 1;
    this.#latencySum += seconds;
    this.#blocks += sent.blocksCount;
    this.#records += sent.records;
    this.#gaps += sent.batch.gaps.filter((gap) => gap.reason !== 'hole_in_positions').length;
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

  found(finding: Finding, position: number, receiver: string): void {
    const { severity, text } = findings[finding];
    const message = `Shipper ${this.#name}, receiver ${receiver.slice(0, 8)}: ${text} Goes on at ${position}.`;
    this.#log.write({ severity, event: `shipper.${finding}`, subject: this.#name, message });
  }

  status(type: string, state: State, gauges: MeterGauges): ShipperStatus {
    return {
      name: this.#name,
      type,
      state: this.#shown(state),
      destination: this.#destination,
      problems: this.#problems(),
      attempts: this.#attempts,
      outcomes: { ...this.#outcomes },
      latency: { bucketsSeconds, counts: [...this.#latency], sum: this.#latencySum },
      wireBytes: this.#wireBytes,
      lastAcknowledgedAt: this.#lastAcknowledgedAt,
      gauges: {
        batch_bytes: gauges.windowBytes,
        retry_delay_ms: gauges.retryDelayMs,
        failures_in_a_row: gauges.failuresInARow,
        position: gauges.position,
        questions: this.#questions,
        blocks: this.#blocks,
        records: this.#records,
        gaps_declared: this.#gaps,
      },
    };
  }

  #problems(): Problem[] {
    if (!this.#problem) return [];
    const { lasting, ...problem } = this.#problem;
    return [{ ...problem, red: lasting || this.#clock.now() - problem.since >= patienceMs }];
  }

  #shown(state: State): ShipperStatus['state'] {
    switch (state) {
      case 'asking':
        if (this.#problem) return this.#problem.lasting ? 'holding' : 'retrying';
        return 'starting';
      case 'waiting':
        return 'idle';
      case 'reading':
      case 'sending':
        return 'sending';
      case 'pausing':
        return 'retrying';
      case 'holding':
        return 'holding';
      case 'stopped':
        return 'stopped';
      default:
        return state satisfies never;
    }
  }
}

const findings: Readonly<Record<Finding, { readonly severity: 'debug' | 'info' | 'warn'; readonly text: string }>> = {
  first_contact: { severity: 'info', text: 'it never met this spool.' },
  as_saved: { severity: 'debug', text: 'it holds what was acknowledged.' },
  ahead: { severity: 'info', text: 'it holds more than was acknowledged to us; an answer got lost.' },
  behind: { severity: 'warn', text: 'it holds less than it had acknowledged; what is still here goes out again.' },
  behind_with_gap: {
    severity: 'warn',
    text: 'it holds less than it had acknowledged, and a part of that is not here any more; the gap is declared (retain_acked keeps more).',
  },
  forgotten: {
    severity: 'warn',
    text: 'it acknowledged before and holds nothing of this spool now; all that is still here goes out.',
  },
  forked: {
    severity: 'warn',
    text: 'it holds another history of this spool: this data_dir is a copy or was restored. What was not acknowledged to us goes out under a new epoch, perhaps a second time.',
  },
  from_oldest: {
    severity: 'warn',
    text: 'nothing that it holds of this spool can be recognised; all that is still here goes out, perhaps a second time.',
  },
};
