/**
 * When the next sync comes: the first record after idle is synced at once; then at most one sync in `syncIntervalMs`, or in a
 * second while more than a hundred sources have something. Whoever waits for `flush` waits less; and what fills half the memory for
 * blocks that are not durable is synced at once, since reading would have to stop for it otherwise.
 */
import type { SourceNumber } from './nouns.ts';
import type { Clock, MonotonicMs, Timer } from './ports.ts';

const sourcesMany = 100;
const syncManyMs = 1000;
/** While somebody waits for `flush`, syncs come as fast as the disk allows with so many times their length between them. */
const flushPause = 4;
/** So much is worth a sync of its own while somebody waits: putting it off would not save one. */
const flushBytesWorth = 1024 * 1024;
/** Half of what may wait in memory. */
const gatheredBytesMax = 2 * 1024 * 1024;

/** What the writer knows of its last sync. */
export interface LastSync {
  readonly lastSync: MonotonicMs;
  readonly lastSyncTookMs: number;
  /** Appended, and not durable yet. */
  readonly unsyncedBytes: number;
}

export class SyncSchedule {
  readonly #clock: Clock;
  readonly #last: LastSync;
  readonly #syncIntervalMs: number;
  readonly #due: () => boolean;
  #timer: Timer | undefined;
  #timerAt: MonotonicMs = 0;
  #requested = false;
  #readers: (() => void)[] = [];
  #firing = false;
  /** How many wait for `flush`. */
  #flushing = 0;
  /** Sources that had something in this second, and how many had in the one before it. */
  #second = 0;
  readonly #sourcesNow = new Set<SourceNumber>();
  #sourcesBefore = 0;

  /** `due` appends and syncs, and says whether something is left that has to be appended soon. */
  constructor(clock: Clock, last: LastSync, syncIntervalMs: number, due: () => boolean) {
    this.#clock = clock;
    this.#last = last;
    this.#syncIntervalMs = syncIntervalMs;
    this.#due = due;
  }

  /** A source has something. */
  saw(source: SourceNumber): void {
    this.#sourcesNow.add(source);
  }

  /** While this is held, somebody waits. */
  waiting(): Disposable {
    this.#flushing++;
    return { [Symbol.dispose]: () => void this.#flushing-- };
  }

  /** The moment before which no sync may come. */
  get next(): MonotonicMs {
    return this.#last.lastSync + this.#distanceMs();
  }

  /** So much was appended that it need not wait for what is still open. */
  get hasGathered(): boolean {
    return this.#last.unsyncedBytes >= (this.#flushing === 0 ? gatheredBytesMax : flushBytesWorth);
  }

  /** Calls `read` once, right before the next sync: what waits until then to be read is in it. */
  before(read: () => void): void {
    this.#readers.push(read);
    this.request();
  }

  /** Sees to it that a sync comes, as soon as it may. */
  request(): void {
    const at = this.next;
    if (this.#firing || (this.#timer && this.#timerAt <= at)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    const waitMs = at - this.#clock.monotonic();
    if (waitMs > 0) {
      this.#timerAt = at;
      this.#timer = this.#clock.after(waitMs, () => {
        this.#timer = undefined;
        this.#fire();
      });
    } else if (!this.#requested) {
      // After the collector has had its turn: what it reads in one go goes into one block.
      this.#requested = true;
      this.#clock.soon(() => {
        this.#requested = false;
        this.#fire();
      });
    }
  }

  #fire(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const readers = this.#readers;
    this.#readers = [];
    // What is committed and appended now is in the sync that comes now, and asks for no other.
    this.#firing = true;
    let left: boolean;
    try {
      for (const read of readers) read();
      left = this.#due();
    } finally {
      this.#firing = false;
    }
    if (left || this.#readers.length > 0) this.request();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /**
   * What is read from files may wait for the next sync; whoever waits for `flush` holds up a client, and the next of its
   * batches. Two rhythms of 100 ms one after the other would add up, and drift until they add up fully.
   */
  #distanceMs(): number {
    if (this.hasGathered) return 0;
    const usual = this.#manySources() ? Math.max(syncManyMs, this.#syncIntervalMs) : this.#syncIntervalMs;
    return this.#flushing === 0 ? usual : Math.min(usual, flushPause * this.#last.lastSyncTookMs);
  }

  /** Whether more than a hundred sources had something in this second or the one before it. */
  #manySources(): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== this.#second) {
      this.#sourcesBefore = second === this.#second + 1 ? this.#sourcesNow.size : 0;
      this.#second = second;
      this.#sourcesNow.clear();
    }
    return Math.max(this.#sourcesBefore, this.#sourcesNow.size) > sourcesMany;
  }
}
