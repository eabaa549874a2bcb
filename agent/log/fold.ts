/**
 * Folds the agent's log: of entries with one event and subject the first is printed at once, and while they keep coming the
 * newest stands for all, with a count, after 1, 2, 4 … minutes, at most an hour apart. Bounded: the subject that was quiet
 * longest makes room for a new one.
 */
import type { Clock, LogEntry, MonotonicMs, Timer } from '../../spool/ports.ts';

/** `repeats`: how many entries before this one it stands for, beside itself. */
export type Print = (entry: LogEntry, repeats: number) => void;

export const foldLimits = { subjectsMax: 1000, pauseMsMin: 60_000, pauseMsMax: 3_600_000 } as const;

interface Held {
  newest: LogEntry;
  /** Entries since the last that was printed; `newest` is the last of them. */
  waiting: number;
  printedAt: MonotonicMs;
  pauseMs: number;
}

export class Fold {
  readonly #clock: Clock;
  readonly #print: Print;
  /** In the order of their last entry, oldest first. */
  readonly #held = new Map<string, Held>();
  #timer: Timer | undefined;

  constructor(clock: Clock, print: Print) {
    this.#clock = clock;
    this.#print = print;
  }

  add(entry: LogEntry): void {
    const key = `${entry.event}\0${entry.subject ?? ''}`;
    const held = this.#held.get(key);
    if (held === undefined) this.#first(key, entry);
    else this.#again(key, held, entry);
  }

  /** Prints every count that waits; called at the end. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const held of this.#held.values()) this.#tell(held);
  }

  #first(key: string, entry: LogEntry): void {
    if (this.#held.size >= foldLimits.subjectsMax) this.#makeRoom();
    this.#held.set(key, {
      newest: entry,
      waiting: 0,
      printedAt: this.#clock.monotonic(),
      pauseMs: foldLimits.pauseMsMin,
    });
    this.#print(entry, 0);
  }

  #again(key: string, held: Held, entry: LogEntry): void {
    this.#held.delete(key);
    this.#held.set(key, held);
    held.newest = entry;
    held.waiting++;
    this.#tellDue(held);
    if (held.waiting > 0) this.#timer ??= this.#clock.after(foldLimits.pauseMsMin, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    for (const held of this.#held.values()) this.#tellDue(held);
    const more = [...this.#held.values()].some((held) => held.waiting > 0);
    if (more) this.#timer = this.#clock.after(foldLimits.pauseMsMin, () => this.#sweep());
  }

  #tellDue(held: Held): void {
    const quietMs = this.#clock.monotonic() - held.printedAt;
    if (held.waiting === 0 || quietMs < held.pauseMs) return;
    // One entry after a long quiet is news again; only what keeps coming is told less and less often.
    const longer = held.waiting > 1 ? held.pauseMs * 2 : foldLimits.pauseMsMin;
    held.pauseMs = Math.min(longer, foldLimits.pauseMsMax);
    this.#tell(held);
  }

  #tell(held: Held): void {
    if (held.waiting === 0) return;
    this.#print(held.newest, held.waiting - 1);
    held.waiting = 0;
    held.printedAt = this.#clock.monotonic();
  }

  #makeRoom(): void {
    const [key, held] = this.#held.entries().next().value ?? [];
    if (key === undefined || held === undefined) return;
    this.#tell(held);
    this.#held.delete(key);
  }
}
