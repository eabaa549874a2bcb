/**
 * Moves the cursor over the completed head of the window, dead letters first: a refused record is kept before the cursor passes it. One
 * round at a time. What finds no room, or a disk that refuses it, is tried again.
 */
import type { BlockHash, Id, Outlet, ShipperCursor } from '../../../spool/nouns.ts';
import { zeroHash } from '../../../spool/nouns.ts';
import type { Clock, MonotonicMs } from '../../../spool/ports.ts';
import type { DeadLetters } from '../../ports.ts';
import type { Parcelling } from './parcelling.ts';
import { type Entry, refusedOf, type Window } from './window.ts';

export interface SettlementWorld {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly dead: DeadLetters;
  readonly parcelling: Parcelling;
  readonly window: Window;
  surprised(error: unknown): void;
}

interface Place {
  readonly epoch: Id;
  readonly hash: BlockHash;
}

/** Dead letters that found no room, or a disk that refused them, are tried again after so long. */
const settleRetryMs = 2000;

export class Settlement {
  readonly #world: SettlementWorld;
  /** Of the last block that was passed. */
  #last: Place | undefined;
  #busy = false;
  #retryAt: MonotonicMs = 0;

  constructor(world: SettlementWorld) {
    this.#world = world;
    this.#last = world.outlet.cursor;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Not before. */
  get retryAt(): MonotonicMs {
    return this.#retryAt;
  }

  /** Begins a round where one is due and there is something to settle; undefined where not. Never fails. */
  begin(now: MonotonicMs): Promise<void> | undefined {
    if (this.#busy || now < this.#retryAt) return undefined;
    const head = this.#world.window.head();
    return head.length === 0 ? undefined : this.#settle(head);
  }

  async #settle(head: readonly Entry[]): Promise<void> {
    const { clock, surprised } = this.#world;
    this.#busy = true;
    try {
      if (await this.#bury(head.at(-1)!)) await this.#pass(head);
      else this.#retryAt = clock.monotonic() + settleRetryMs;
    } catch (error) {
      this.#retryAt = clock.monotonic() + settleRetryMs;
      surprised(error);
    } finally {
      this.#busy = false;
    }
  }

  /** Keeps what was refused of a block. False where there is no room for it now. */
  async #bury(entry: Entry): Promise<boolean> {
    const refused = entry.kind === 'parcel' ? refusedOf(entry) : [];
    if (entry.kind !== 'parcel' || refused.length === 0) return true;
    const { outlet, dead, parcelling } = this.#world;
    const { block } = entry;
    const { letters, tallies } = parcelling.refusals(block, refused);
    const { epoch, position, end } = block;
    if ((await dead.put({ spool: outlet.spool, epoch, position }, letters)) === 'full') return false;
    outlet.refused(end, tallies);
    return true;
  }

  async #pass(head: readonly Entry[]): Promise<void> {
    const { outlet, window } = this.#world;
    for (const entry of head) this.#last = placeOf(entry) ?? this.#last;
    const last = head.at(-1)!;
    const position = last.kind === 'parcel' ? last.block.end : last.end;
    const { epoch, hash } = this.#last ?? { epoch: '', hash: zeroHash };
    const cursor: ShipperCursor = { receiver: '', epoch, forked: false, position, hash };
    const durably = head.some(({ kind }) => kind === 'parcel');
    // A disk that does not take it is shown by the spool; what it would repeat after a crash is more then, and nothing is lost.
    // Below that everything was given up and counted already: the cursor passes it with what comes next.
    if (position >= outlet.oldest) await outlet.save(cursor, durably).catch(() => undefined);
    window.passed(head.length);
  }
}

function placeOf(entry: Entry): Place | undefined {
  return entry.kind === 'parcel' ? entry.block : entry.at;
}
