/**
 * Brings what a request holds into the spool, and waits until it is durable: both for a limited time, the first only while the
 * client is there. The spool is asked by one call at a time, however many requests wait.
 */
import type { Intake } from '../../spool/nouns.ts';
import type { Clock } from '../../spool/ports.ts';
import { Waiting } from '../shared/waiting.ts';
import { webLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

export class Storing {
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #room: Waiting;
  readonly #flushed: Waiting;

  constructor({ intake, clock }: { readonly intake: Intake; readonly clock: Clock }) {
    this.#intake = intake;
    this.#clock = clock;
    this.#room = new Waiting(clock, 'running', () => intake.room());
    this.#flushed = new Waiting(clock, 'next', () => intake.flush());
  }

  /** What `attempt` returns; where that is undefined the spool had no room, and it is tried again. Throws a `Refusal`. */
  async put<Put>(attempt: () => Put | undefined, signal: AbortSignal): Promise<Put> {
    const until = this.#clock.monotonic() + webLimits.roomWaitMsMax;
    for (;;) {
      // Nobody would hear that it was taken, and come again.
      if (signal.aborted) throw new Refusal('failed', 'The client went away.');
      const put = attempt();
      if (put !== undefined) return put;
      const leftMs = until - this.#clock.monotonic();
      if (leftMs <= 0 || !(await this.#room.wait(leftMs)))
        throw new Refusal('full', `There is no room at the moment (${this.#intake.hold ?? 'busy'}); come again.`);
    }
  }

  /** Returns when all that was put is durable. Throws a `Refusal` where that takes too long. */
  async durable(): Promise<void> {
    if (await this.#flushed.wait(webLimits.durableWaitMsMax)) return;
    throw new Refusal(
      'full',
      `The disk does not confirm what was written (${this.#intake.hold ?? 'slow'}); come again.`,
    );
  }
}
