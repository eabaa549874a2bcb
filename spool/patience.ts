/**
 * What a shipper does where the disk refuses to read: tries again with growing delays, and gives the stretch up only when all of
 * these hold: it stayed unreadable for ten minutes, something behind it can be read, and the disk has taken a sync meanwhile.
 * A disk that is gone, or a path to it that is down, is waited for, however long that takes. What was given up once and is
 * read again (the receiver did not take it yet) is tried once.
 */
import type { Position } from './nouns.ts';
import type { Clock, Log, MonotonicMs, Problem, Timer, UnixMs } from './ports.ts';
import type { Refused } from './reader.ts';
import { refusedText } from './scan.ts';

export const patienceLimits = {
  delayMsMin: 250,
  delayMsMax: 30_000,
  /** A stretch is given up when it stayed unreadable for so long. */
  unreadableMsMax: 10 * 60_000,
  /** The same within an hour after another was given up: then the disk is known to be bad. */
  unreadableAgainMsMax: 60_000,
  knownBadMs: 60 * 60_000,
  /** Between two looks whether anything behind it can be read. */
  judgeDelayMs: 2 * 60_000,
  /** Tries at each place, also where it follows on one that was given up. */
  triesMin: 3,
  /** Health is red from then on; what passes in a moment is shown, and wakes nobody. */
  redAfterMs: 10_000,
  /** Stretches that were given up and are remembered. */
  rememberedMax: 1024,
} as const;

export interface PatienceHost {
  readonly clock: Clock;
  readonly log: Log;
  /** The shipper's name. */
  readonly name: string;
  /** The segment file's name. */
  fileOf(refused: Refused): string;
  /** Why it still cannot be read; undefined when it can. Holds up nobody. */
  probe(refused: Refused): Promise<Error | undefined>;
  /** Syncs that succeeded so far. */
  syncs(): number;
  /** Has the disk take a sync even where there is nothing to write. */
  prove(): void;
}

interface Trouble {
  readonly refused: Refused;
  readonly since: UnixMs;
  readonly began: MonotonicMs;
  readonly syncs: number;
  tries: number;
  why: string;
  /** Reading there is not worth trying before this has fired. */
  timer: Timer | undefined;
  probing: boolean;
}

export class Patience {
  readonly #host: PatienceHost;
  #trouble: Trouble | undefined;
  #givenUp: { readonly from: Position; readonly upto: Position }[] = [];
  #gaveUpAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  readonly #waiters = new Set<() => void>();
  #closed = false;

  constructor(host: PatienceHost) {
    this.#host = host;
  }

  /** True while reading at `from` is not to be tried. */
  waits(from: Position): boolean {
    const trouble = this.#trouble;
    return trouble?.refused.from === from && (trouble.timer !== undefined || trouble.probing);
  }

  /** Calls back when it is worth trying again. */
  onDue(call: () => void): Disposable {
    this.#waiters.add(call);
    return { [Symbol.dispose]: () => this.#waiters.delete(call) };
  }

  /**
   * The disk refused. `wait`: it is tried again later. `judge`: it may be given up if something behind it can be read; then call
   * `gaveUp`, otherwise `later`. `gap`: it was given up before.
   */
  met(refused: Refused): 'wait' | 'judge' | 'gap' {
    if (!refused.unopened && this.#givenUp.some(({ from, upto }) => from <= refused.from && refused.from < upto))
      return 'gap';
    if (this.#trouble?.refused.from !== refused.from) this.#begin(refused);
    const trouble = this.#trouble!;
    trouble.tries++;
    trouble.why = refused.why;
    if (this.#over(trouble)) return 'judge';
    this.#retry(trouble);
    return 'wait';
  }

  /** Nothing behind it can be read either: it is the disk, and it is waited for. */
  later(): void {
    if (this.#trouble) this.#retry(this.#trouble, patienceLimits.judgeDelayMs);
  }

  /** The stretch is given up now. */
  gaveUp(from: Position, upto: Position): void {
    this.#gaveUpAt = this.#host.clock.monotonic();
    if (this.#givenUp.some((known) => known.from <= from && upto <= known.upto)) return;
    if (this.#givenUp.length >= patienceLimits.rememberedMax) this.#givenUp.shift();
    this.#givenUp.push({ from, upto });
  }

  /** Blocks were read from `from` on. */
  read(from: Position): void {
    const trouble = this.#trouble;
    if (!trouble || from < trouble.refused.from) return;
    this.#end(trouble);
    const { log, name } = this.#host;
    const message = `${name} goes on reading at ${from}`;
    log.write({ severity: 'info', event: 'spool.readable', subject: name, message });
  }

  /** The cursor has passed `position`: what was given up before it is not read again. */
  passed(position: Position): void {
    if (this.#givenUp.length > 0) this.#givenUp = this.#givenUp.filter(({ upto }) => upto > position);
  }

  get problem(): Problem | undefined {
    const trouble = this.#trouble;
    if (!trouble) return undefined;
    const { name, clock } = this.#host;
    const { refused, why, tries, since, began } = trouble;
    const where = `${this.#host.fileOf(refused)}, byte ${refused.at - refused.segment.start}`;
    const message = `${name} waits at ${refused.from} (${where}): ${why}. Tried ${tries} times; nothing is given up yet, and other shippers go on`;
    const way = refused.unopened
      ? 'make the file readable again; what it holds is given up only if it is moved away'
      : `look at the disk and the kernel log; if only this stretch stays unreadable it is given up after ${patienceLimits.unreadableMsMax / 60_000} minutes, and counted`;
    const red = clock.monotonic() - began >= patienceLimits.redAfterMs;
    return { cause: 'unreadable', subject: name, message, since, hint: way, red };
  }

  close(): void {
    this.#closed = true;
    if (this.#trouble) this.#end(this.#trouble);
    this.#wake();
  }

  #begin(refused: Refused): void {
    const { clock, log, name } = this.#host;
    const before = this.#trouble;
    before?.timer?.cancel();
    // Right behind what was given up it is the same trouble.
    const follows =
      before && this.#givenUp.at(-1)?.from === before.refused.from && this.#givenUp.at(-1)?.upto === refused.from;
    const since = follows ? before.since : clock.now();
    const began = follows ? before.began : clock.monotonic();
    const syncs = follows ? before.syncs : this.#host.syncs();
    this.#trouble = { refused, since, began, syncs, tries: 0, why: refused.why, timer: undefined, probing: false };
    if (follows) return;
    const message = `${name} cannot read on at ${refused.from} (${this.#host.fileOf(refused)}): ${refused.why}. It is tried again and again`;
    log.write({ severity: 'warn', event: 'spool.unreadable', subject: name, message });
  }

  #retry(trouble: Trouble, delayMsLeast = 0): void {
    if (trouble.timer || trouble.probing || this.#closed) return;
    const { delayMsMin, delayMsMax } = patienceLimits;
    const delayMs = Math.min(delayMsMax, delayMsMin * 2 ** Math.min(20, trouble.tries - 1));
    trouble.timer = this.#host.clock.after(Math.max(delayMs, delayMsLeast), () => void this.#probe(trouble));
  }

  /** Whether patience has ended, with a disk that works otherwise. */
  #over({ refused, tries, began, syncs }: Trouble): boolean {
    if (refused.unopened) return false;
    const now = this.#host.clock.monotonic();
    const { triesMin, knownBadMs, unreadableMsMax, unreadableAgainMsMax } = patienceLimits;
    const longest = now - this.#gaveUpAt < knownBadMs ? unreadableAgainMsMax : unreadableMsMax;
    if (tries < triesMin || now - began < longest) return false;
    if (this.#host.syncs() > syncs) return true;
    this.#host.prove();
    return false;
  }

  /** Another look at it, beside everybody's work; a shipper is woken only where reading is worth it, or patience has ended. */
  async #probe(trouble: Trouble): Promise<void> {
    trouble.timer = undefined;
    trouble.probing = true;
    const error = await this.#host.probe(trouble.refused);
    trouble.probing = false;
    if (trouble !== this.#trouble || this.#closed) return;
    if (!error) return this.#wake();
    trouble.tries++;
    trouble.why = refusedText(error);
    if (this.#over(trouble)) this.#wake();
    else this.#retry(trouble);
  }

  #end(trouble: Trouble): void {
    trouble.timer?.cancel();
    this.#trouble = undefined;
  }

  #wake(): void {
    for (const call of [...this.#waiters]) call();
  }
}
