/**
 * Where all connections of a collector put their records. While the spool takes nothing, whoever comes waits (`block`), or what came
 * is dropped and counted (`drop_newest`); at most one batch is held then, and whoever waits has encoded nothing yet.
 */
import type { HoldReason, Intake } from '../../spool/nouns.ts';
import type { Clock, MonotonicMs } from '../../spool/ports.ts';
import type { Deposit } from '../shared/deposit.ts';

export type WhenFull = 'block' | 'drop_newest';
type Records = readonly (string | Uint8Array)[];

/** Holds that pass by themselves are waited for so long before anything is dropped. */
const passingMsMax = 1000;
const passing: ReadonlySet<HoldReason | undefined> = new Set<HoldReason | undefined>([
  undefined,
  'unsynced',
  'rolling',
]);

export interface SinkWorld {
  readonly deposit: Deposit;
  readonly intake: Intake;
  readonly clock: Clock;
}

export class Sink {
  readonly #world: SinkWorld;
  readonly #whenFull: WhenFull;
  /** Set by `stop`: until then what the spool will take in a moment is waited for. */
  #stopAt: MonotonicMs | undefined;
  /** Ends the wait for room. */
  #wake: (() => void) | undefined;
  /** Resolves when the batch that is held is done with. */
  #held: Promise<void> | undefined;

  constructor(world: SinkWorld, whenFull: WhenFull) {
    this.#world = world;
    this.#whenFull = whenFull;
  }

  /** Somebody else's batch waits: come again when it resolves, and encode nothing before. */
  get busy(): Promise<void> | undefined {
    return this.#held;
  }

  /** Puts them all, or drops them. Undefined where that is done already. Not while `busy`. */
  put(records: Records): Promise<void> | undefined {
    const taken = this.#world.deposit.put(records);
    if (taken === records.length) return undefined;
    this.#held = this.#insist(records, taken).finally(() => {
      this.#held = undefined;
    });
    return this.#held;
  }

  /** What the spool does not take soon is dropped, counted; nobody waits for more. */
  stop(): void {
    this.#stopAt ??= this.#world.clock.monotonic() + passingMsMax;
    this.#wake?.();
  }

  async #insist(records: Records, first: number): Promise<void> {
    const { deposit, intake, clock } = this.#world;
    const since = clock.monotonic();
    for (let next = first; ; ) {
      const limit = this.#limit(since);
      const hopeless = limit !== undefined && (clock.monotonic() >= limit || !passing.has(intake.hold));
      if (hopeless) return this.#drop(records, next);
      await this.#room(limit);
      next += deposit.put(records, next);
      if (next === records.length) return;
    }
  }

  /** Until when records that came at `since` are held; undefined: as long as it takes. */
  #limit(since: MonotonicMs): MonotonicMs | undefined {
    if (this.#stopAt !== undefined) return this.#stopAt;
    return this.#whenFull === 'block' ? undefined : since + passingMsMax;
  }

  #room(limit: MonotonicMs | undefined): Promise<void> {
    const { deposit, clock } = this.#world;
    const waitMs = limit === undefined ? undefined : Math.max(0, limit - clock.monotonic());
    return new Promise((resolve) => {
      const timer = waitMs === undefined ? undefined : clock.after(waitMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        timer?.cancel();
        resolve();
      };
      deposit.room().then(this.#wake, this.#wake);
    });
  }

  #drop(records: Records, first: number): void {
    let bytes = 0;
    for (let at = first; at < records.length; at++) bytes += Buffer.byteLength(records[at]!) + 1;
    this.#world.deposit.drop('overflow', records.length - first, bytes);
  }
}
