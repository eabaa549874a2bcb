/**
 * Ten thousand agents whose receiver is away, and how they come back: real shippers, a clock that jumps from timer to timer, and
 * a receiver that counts who reaches it in which second. All of them notice in the same millisecond, which is the worst there is.
 */
import { HttpShipper } from '../../shippers/http/native/shipper.ts';
import type { Transport, TransportAnswer } from '../../shippers/ports.ts';
import type { Outlet } from '../../spool/nouns.ts';
import type { Clock, Timer } from '../../spool/ports.ts';
import { encodeAnswer } from '../../spool/wire-answer.ts';
import { idOf } from '../wire/memory-spool.ts';
import { Seeded } from '../wire/seeded.ts';

export interface HerdOptions {
  readonly agents: number;
  readonly seed: number;
  /** How long the receiver is away. */
  readonly outageMs: number;
  /** What agents meet meanwhile: nobody listens, or 503 with this Retry-After. */
  readonly retryAfterSeconds?: number | undefined;
  /** False: every agent draws the same numbers. */
  readonly jitter?: boolean;
}

export interface Herd {
  /** Agents that got through, by second after the receiver was back. */
  readonly arrivals: readonly number[];
  /** Attempts during the outage, by second. */
  readonly attempts: readonly number[];
  /** Attempts that came earlier than Retry-After allowed. */
  readonly early: number;
}

/** `retry_max` by default. */
const retryDelayMsMax = 30_000;

export async function simulateHerd({
  agents,
  seed,
  outageMs,
  retryAfterSeconds,
  jitter = true,
}: HerdOptions): Promise<Herd> {
  const clock = new HeapClock();
  const arrivals: number[] = [];
  const attempts: number[] = [];
  let back = 0;
  let early = 0;
  const transport = (): Transport => {
    let notBefore = 0;
    let isBack = false;
    return {
      async send() {
        const now = clock.monotonic();
        if (now < notBefore) early++;
        if (now >= outageMs) {
          if (!isBack) {
            isBack = true;
            back++;
            bump(arrivals, now - outageMs);
          }
          return state;
        }
        bump(attempts, now);
        if (retryAfterSeconds === undefined) throw Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });
        notBefore = now + retryAfterSeconds * 1000;
        return { status: 503, headers: { 'retry-after': String(retryAfterSeconds) }, body: new Uint8Array() };
      },
      close: async () => {},
    };
  };
  const shippers = Array.from({ length: agents }, (_, index) => {
    const random = new Seeded(jitter ? seed * agents + index : seed);
    const options = {
      name: 'central',
      url: 'http://center:8600/v1/blocks',
      connectTimeoutMs: 10_000,
      progressTimeoutMs: 30_000,
      batchBytesMax: 2 * 1024 * 1024,
      retryDelayMsMax,
    };
    const world = { outlet: emptyOutlet(), transports: { open: transport }, clock, random, log: { write: () => {} } };
    return new HttpShipper(options, world);
  });
  for (const shipper of shippers) await shipper.start();
  while (back < agents) {
    await turn();
    if (!clock.next()) throw new Error('nothing happens any more, and not all are back');
  }
  const stopped = Promise.all(shippers.map((shipper) => shipper.stop()));
  await turn();
  await stopped;
  return { arrivals: filled(arrivals), attempts: filled(attempts), early };
}

/** A histogram for people, one line for `secondsEach` seconds. */
export function drawn(counts: readonly number[], secondsEach = 1): string {
  const rows: number[] = [];
  for (const [second, count] of counts.entries()) bump(rows, second * 1000, count, secondsEach);
  const most = Math.max(1, ...rows);
  return filled(rows)
    .map(
      (count, row) =>
        `${String(row * secondsEach).padStart(5)} s ${String(count).padStart(6)} ${'#'.repeat(Math.ceil((count / most) * 60))}`,
    )
    .join('\n');
}

function bump(counts: number[], ms: number, by = 1, secondsEach = 1): void {
  const index = Math.floor(ms / 1000 / secondsEach);
  counts[index] = (counts[index] ?? 0) + by;
}

function filled(counts: readonly number[]): number[] {
  return Array.from(counts, (count) => count ?? 0);
}

const state: TransportAnswer = {
  status: 200,
  headers: {},
  body: Buffer.from(
    encodeAnswer({
      answer: 'state',
      receiver: 'f'.repeat(32),
      row: undefined,
      rows: [],
      describe: false,
      versions: [1],
      message: 'never met',
    }),
  ),
};

/** Nothing is to be sent: an agent that reached the receiver is back. */
function emptyOutlet(): Outlet {
  return {
    spool: idOf('agent'),
    oldest: 0,
    durable: 0,
    cursor: undefined,
    read: () => ({ kind: 'end' }),
    endingAt: () => undefined,
    readable: (_at: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    describe: () => new Uint8Array(),
    save: async () => {},
  } as unknown as Outlet;
}

/** Everything that can happen at this moment happens. */
async function turn(): Promise<void> {
  for (let round = 0; round < 2; round++) await new Promise((resolve) => setImmediate(resolve));
}

interface Entry {
  readonly at: number;
  readonly order: number;
  call: (() => void) | undefined;
}

/** Timers in a heap, so that tens of thousands of them cost little. Starts at 0. */
class HeapClock implements Clock {
  readonly #heap: Entry[] = [];
  #now = 0;
  #order = 0;

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, call: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#order++, call };
    this.#push(entry);
    return {
      cancel: () => {
        entry.call = undefined;
      },
    };
  }

  soon(call: () => void): void {
    setImmediate(call);
  }

  /** Moves on to the next timer and fires all of that millisecond. False where there is none. */
  next(): boolean {
    let fired = false;
    while (this.#heap.length > 0 && (!fired || this.#heap[0]!.at < Math.floor(this.#now) + 1)) {
      const entry = this.#pop();
      if (entry.call === undefined) continue;
      this.#now = Math.max(this.#now, entry.at);
      fired = true;
      entry.call();
    }
    return fired;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
