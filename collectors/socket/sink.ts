/**
 * Where all connections of a collector put their records: into one batch, which one of them fills and puts in one turn. While the spool takes
 * nothing, whoever comes waits (`block`), or what came is dropped and counted (`drop_newest`); that one batch is held then, and whoever waits
 * has encoded nothing yet.
 */
import type { HoldReason, Intake } from '../../spool/nouns.ts';
import type { Clock, MonotonicMs } from '../../spool/ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { Batch } from './batch.ts';
import type { SocketOptions } from './options.ts';

export type WhenFull = 'block' | 'drop_newest';

/** Holds that pass by themselves are waited for so long before anything is dropped. */
const passingMsMax = 1000;
const passing: ReadonlySet<HoldReason | undefined> = new Set<HoldReason | undefined>([
  undefined,
  'unsynced',
  'rolling',
]);

export interface SinkWorld {
  readonly intake: Intake;
  readonly clock: Clock;
}

export class Sink {
  /** To be filled while the sink is not `busy`, and put before anybody else has a turn. */
  readonly batch = new Batch();
  readonly deposit: Deposit;
  readonly #world: SinkWorld;
  readonly #whenFull: WhenFull;
  /** Set by `stop`: until then what the spool will take in a moment is waited for. */
  #stopAt: MonotonicMs | undefined;
  /** Ends the wait for room. */
  #wake: (() => void) | undefined;
  /** Resolves when the batch that is held is done with. */
  #held: Promise<void> | undefined;

  /** The collector's source begins with its first record. */
  constructor(options: SocketOptions, world: SinkWorld) {
    this.deposit = new Deposit({ ...options, collector: options.name }, world);
    this.#world = world;
    this.#whenFull = options.whenFull;
  }

  /** Somebody else's batch waits: come again when it resolves, and encode nothing before. */
  get busy(): Promise<void> | undefined {
    return this.#held;
  }

  /** Puts all of the batch, or drops it. Undefined where that is done already. Not while `busy`. */
  put(): Promise<void> | undefined {
    if (this.batch.records === 0 || this.#take()) return undefined;
    this.#held = this.#insist().finally(() => {
      this.#held = undefined;
    });
    return this.#held;
  }

  /** What the spool does not take soon is dropped, counted; nobody waits for more. */
  stop(): void {
    this.#stopAt ??= this.#world.clock.monotonic() + passingMsMax;
    this.#wake?.();
  }

  /** False: `Intake.hold` says why not. */
  #take(): boolean {
    const { bytes, records } = this.batch;
    if (!this.deposit.putAll(bytes, records)) return false;
    this.batch.clear();
    return true;
  }

  async #insist(): Promise<void> {
    const { intake, clock } = this.#world;
    const since = clock.monotonic();
    do {
      const limit = this.#limit(since);
      const hopeless = limit !== undefined && (clock.monotonic() >= limit || !passing.has(intake.hold));
      if (hopeless) return this.#drop();
      await this.#room(limit);
    } while (!this.#take());
  }

  /** Until when records that came at `since` are held; undefined: as long as it takes. */
  #limit(since: MonotonicMs): MonotonicMs | undefined {
    if (this.#stopAt !== undefined) return this.#stopAt;
    return this.#whenFull === 'block' ? undefined : since + passingMsMax;
  }

  #room(limit: MonotonicMs | undefined): Promise<void> {
    const { clock } = this.#world;
    const waitMs = limit === undefined ? undefined : Math.max(0, limit - clock.monotonic());
    return new Promise((resolve) => {
      const timer = waitMs === undefined ? undefined : clock.after(waitMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        timer?.cancel();
        resolve();
      };
      this.deposit.room().then(this.#wake, this.#wake);
    });
  }

  #drop(): void {
    const { bytes, records } = this.batch;
    this.deposit.drop('overflow', records, bytes.length);
    this.batch.clear();
  }
}
