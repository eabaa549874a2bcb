/**
 * What the service manager is told while the agent lives: that it is starting (opening may wait long for a disk), once
 * that it is ready, then again and again that it is alive, at the end that it is stopping. What could not be told is told
 * again. "Alive" means that the event loop turns: it is said by a timer on it, and by nothing else.
 */

import type { Clock, Log, Timer } from '../spool/ports.ts';
import type { Supervisor } from './ports.ts';

const startingEveryMs = 5_000;
/** Each time while starting: so much longer, from now. */
const startingExtensionMs = 60_000;
const againMs = 1_000;
/** Of the watchdog's time: two beats may be late or lost. */
const beatShare = 1 / 3;

export class Supervised implements Disposable {
  readonly #supervisor: Supervisor;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #ended = false;

  /** Begins to tell that it is starting. */
  constructor(supervisor: Supervisor, clock: Clock, log: Log) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    this.#log = log;
    this.#repeat(`EXTEND_TIMEOUT_USEC=${startingExtensionMs * 1000}\nSTATUS=starting`, startingEveryMs);
  }

  /** `status`: one line for people. */
  ready(status: string): void {
    this.#timer?.cancel();
    void this.#insist(`READY=1\nSTATUS=${status.replaceAll('\n', ' ')}`);
    const { watchdogMs } = this.#supervisor;
    if (watchdogMs !== undefined) this.#repeat('WATCHDOG=1', watchdogMs * beatShare);
  }

  stopping(): void {
    this.#end();
    void this.#tell('STOPPING=1\nSTATUS=stopping');
  }

  #repeat(text: string, everyMs: number): void {
    void this.#tell(text);
    this.#timer = this.#clock.after(everyMs, () => this.#repeat(text, everyMs));
  }

  async #insist(text: string): Promise<void> {
    if (this.#ended || (await this.#tell(text))) return;
    this.#clock.after(againMs, () => void this.#insist(text));
  }

  async #tell(text: string): Promise<boolean> {
    const trouble = await this.#supervisor.tell(text);
    if (trouble === undefined) return true;
    const subject = text.split('\n', 1)[0]!;
    const message = `the service manager could not be told ${subject}: ${trouble}. It may take this process for dead.`;
    this.#log.write({ severity: 'warn', event: 'supervisor.untold', subject, message });
    return false;
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
