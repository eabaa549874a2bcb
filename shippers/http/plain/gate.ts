/** Whether requests may go out, and how many: the circuit (`circuit.ts`) with its pauses, which grow with failures in a row. */
import type { Clock, MonotonicMs, Random } from '../../../spool/ports.ts';
import { pauseMs } from '../shared/retry.ts';
import type { Failure } from '../shared/trouble.ts';
import { type CircuitState, nextCircuit } from './circuit.ts';

export interface GateOptions {
  /** Requests on their way at once. */
  readonly outstandingMax: number;
  readonly retryDelayMsMax: number;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #circuit: CircuitState = 'closed';
  #openUntil: MonotonicMs = 0;
  #failures = 0;

  constructor(options: GateOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
  }

  get circuit(): CircuitState {
    return this.#circuit;
  }

  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  /** When the pause ends; undefined: there is none. */
  get openUntil(): MonotonicMs | undefined {
    return this.#circuit === 'open' ? this.#openUntil : undefined;
  }

  /** Requests that may be on their way. */
  get atOnceMax(): number {
    if (this.#circuit === 'open') return 0;
    return this.#circuit === 'half_open' ? 1 : this.#options.outstandingMax;
  }

  passTime(now: MonotonicMs): void {
    if (this.#circuit === 'open' && now >= this.#openUntil) this.#circuit = nextCircuit(this.#circuit, 'due');
  }

  worked(): void {
    this.#failures = 0;
    this.#circuit = nextCircuit(this.#circuit, 'worked');
  }

  /** `elsewhere`: is there another address to turn to at once? Not asked while it is open. Says whether there was. */
  failed(failure: Failure, elsewhere: () => boolean): boolean {
    if (this.#circuit === 'open') return false;
    this.#failures++;
    if (elsewhere()) {
      this.#circuit = 'half_open';
      return true;
    }
    this.#circuit = nextCircuit(this.#circuit, 'failed');
    const { retryDelayMsMax } = this.#options;
    const delayMs = pauseMs(failure, this.#failures, retryDelayMsMax, this.#clock.now(), this.#random.fraction());
    this.#openUntil = this.#clock.monotonic() + delayMs;
    return false;
  }
}
