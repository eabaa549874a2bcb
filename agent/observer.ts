/**
 * Looks at all parts: whenever somebody asks, and every few seconds for the watchdog and the log. It has no numbers of its
 * own and no way to act.
 */
import type { Timer, UnixMs } from '../spool/ports.ts';
import { Ledger } from './events/ledger.ts';
import type { Host } from './ports.ts';
import { judge } from './status/health.ts';
import { LoopLag } from './status/loop-lag.ts';
import { type AgentStatus, type Parts, type ShownProblem, takePicture } from './status/status.ts';
import { Watchdog } from './status/watchdog.ts';

const lookEveryMs = 5_000;
/** The first looks come sooner, so that what is wrong from the start is said at once. */
const firstLookMs = 1_000;

export class Observer implements Disposable {
  readonly #parts: Parts;
  readonly #host: Host;
  readonly #watchdog = new Watchdog();
  readonly #ledger: Ledger;
  readonly #loopLag: LoopLag;
  #otherProblems: () => readonly ShownProblem[] = () => [];
  #timer: Timer | undefined;

  constructor(parts: Parts, host: Host) {
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

  status(): AgentStatus {
    const own = [...this.#watchdog.problems, ...this.#otherProblems()].map((one) => ({ ...one, watched: true }));
    return judge(this.#picture(this.#host.clock.now()), own);
  }

  #picture(at: UnixMs) {
    return takePicture(this.#parts, at, {
      eventLoopLagMs: this.#loopLag.worstMs,
      lagMs: (collector, when) => this.#watchdog.lagMs(collector, when),
    });
  }

  #look(): void {
    this.#watchdog.look(this.#picture(this.#host.clock.now()));
    this.#ledger.compare(this.status());
    this.#timer = this.#host.clock.after(lookEveryMs, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#loopLag[Symbol.dispose]();
  }
}
