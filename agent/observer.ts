/**
 * Looks at all parts: whenever somebody asks, and every few seconds for the watchdog and the log. It has no numbers of its
 * own and no way to act.
 */
import type { MonotonicMs, Timer } from '../spool/ports.ts';
import { Ledger } from './events/ledger.ts';
import type { Host } from './ports.ts';
import { judge } from './status/health.ts';
import { LoopLag } from './status/loop-lag.ts';
import { type AgentStatus, type Parts, type Picture, type ShownProblem, takePicture } from './status/status.ts';
import { Watchdog } from './status/watchdog.ts';

const lookEveryMs = 5_000;
/** The first looks come sooner, so that what is wrong from the start is said at once. */
const firstLookMs = 1_000;
/** What takes less is done for each who asks; what takes longer rests this many times as long. */
const cheapMs = 5;
const restsPerLook = 20;

export class Observer implements Disposable {
  readonly #parts: Parts;
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #watchdog = new Watchdog();
  readonly #ledger: Ledger;
  readonly #loopLag: LoopLag;
  #otherProblems: () => readonly ShownProblem[] = () => [];
  #timer: Timer | undefined;
  #last: { readonly status: AgentStatus; readonly goodUntil: MonotonicMs } | undefined;

  constructor(parts: Parts, host: Pick<Host, 'clock' | 'log'>) {
    this.#parts = parts;
    this.#host = host;
    this.#ledger = new Ledger(host.log);
    this.#loopLag = new LoopLag(host.clock);
  }

  /** Problems that no collector, shipper or spool has. */
  alsoAsk(problems: () => readonly ShownProblem[]): void {
    this.#otherProblems = problems;
  }

  begin(): void {
    this.#timer = this.#host.clock.after(firstLookMs, () => this.#look());
  }

  /** As it is at this moment; or, where looking is dear, as it was a little ago: looking takes a twentieth of the time at most. */
  status(): AgentStatus {
    const now = this.#host.clock.monotonic();
    if (this.#last === undefined || now >= this.#last.goodUntil) this.#last = this.#remember(now);
    return this.#last.status;
  }

  #remember(start: MonotonicMs): { readonly status: AgentStatus; readonly goodUntil: MonotonicMs } {
    const status = this.#judge(this.#picture());
    const tookMs = this.#host.clock.monotonic() - start;
    return { status, goodUntil: tookMs < cheapMs ? start : start + tookMs * restsPerLook };
  }

  #judge(picture: Picture): AgentStatus {
    const own = [...this.#watchdog.problems, ...this.#otherProblems()].map((one) => ({ ...one, watched: true }));
    return judge(picture, own);
  }

  #picture(): Picture {
    return takePicture(this.#parts, this.#host.clock.now(), {
      eventLoopLagMs: this.#loopLag.worstMs,
      lagMs: (collector, when) => this.#watchdog.lagMs(collector, when),
    });
  }

  #look(): void {
    const picture = this.#picture();
    this.#watchdog.look(picture);
    this.#ledger.compare(this.#judge(picture));
    this.#timer = this.#host.clock.after(lookEveryMs, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#loopLag[Symbol.dispose]();
  }
}
