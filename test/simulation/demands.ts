/**
 * What has to hold of a run of the whole: while it goes on no cursor is ahead and every counter adds up; at the end each line is in the
 * mirror once, and what is not as usual was said. What may be missing or come twice, and where, is decided here and nowhere else.
 */
import { imbalances } from '../../agent/status/conservation.ts';
import { mirrored } from './facts.ts';
import { aheadOfHeld } from './held.ts';
import type { Log } from './log-account.ts';
import { folder, type SimulatedLogs } from './logs.ts';
import { compare, complaint, type Difference } from './oracle.ts';
import type { Plan, SideName } from './plan.ts';
import { miscut } from './record-oracle.ts';
import type { Side } from './side.ts';
import type { Unread } from './unread.ts';

/** What is looked at. */
export interface Scene {
  readonly plan: Plan;
  readonly sides: Readonly<Record<SideName, Side>>;
  readonly logs: SimulatedLogs;
  readonly unread: Unread;
}

export class Demands {
  readonly #plan: Plan;
  readonly #sides: Scene['sides'];
  readonly #logs: SimulatedLogs;
  readonly #unread: Unread;
  readonly #fail: (wrong: string) => never;
  #destroyed = 0;
  #repeated = 0;
  #damaged = 0;
  /** Of the cursor that was looked at last. */
  #heldHash = '';
  #cursorsChecked = 0;
  #seenUnread = 0;
  #toldLost = 0;
  #rangesTold = 0;

  constructor({ plan, sides, logs, unread }: Scene, fail: (wrong: string) => never) {
    this.#plan = plan;
    this.#sides = sides;
    this.#logs = logs;
    this.#unread = unread;
    this.#fail = fail;
  }

  /** What was counted on the way. */
  get counts() {
    return {
      destroyed: this.#destroyed,
      repeated: this.#repeated,
      cursors: this.#cursorsChecked,
      toldLostBytes: this.#toldLost,
      seenLostBytes: this.#seenUnread,
      toldRanges: this.#rangesTold,
    };
  }

  conserved(): void {
    for (const side of Object.values(this.#sides)) {
      if (side.agent === undefined || side.disk.crashed) continue;
      const [first] = imbalances(side.agent.status());
      if (first !== undefined) this.#fail(`${side.name} does not account for everything: ${JSON.stringify(first)}`);
    }
  }

  /** No cursor is ahead of what its receiver has for certain, unless that lost what it had. */
  async cursorIsHeld(): Promise<void> {
    const { edge, centre } = this.#sides;
    const cursor = edge.disk.crashed ? undefined : edge.agent?.status().shippers[0]?.totals.cursor;
    if (!cursor || this.#plan.theme.startsWith('centre') || this.#centreRots || cursor.hash === this.#heldHash) return;
    this.#heldHash = cursor.hash;
    const wrong = await aheadOfHeld(cursor, centre.disk);
    if (wrong !== undefined) this.#fail(wrong);
    this.#cursorsChecked++;
  }

  get #centreRots(): boolean {
    return this.#plan.steps.some(({ act }) => act.kind === 'flip' && act.side === 'centre');
  }

  /** The receiver's spool lost what a batch came from that its mirror was cut off in; the mirror said so. */
  get #isInDoubt(): boolean {
    const mayBe = this.#centreRots || this.#plan.theme === 'centre_lies';
    return mayBe && this.#sides.centre.events.has('mirror.may_repeat');
  }

  /** The first thing that does not hold. */
  wrong(): string | undefined {
    const { theme } = this.#plan;
    // A receiver that lost what it had is sent the same blocks again, which the mirror knows, but for a batch that it was cut off in.
    const repeats = theme !== 'plain' && (!theme.startsWith('centre') || this.#isInDoubt);
    // Asked again once everybody has stopped: what was damaged stays damaged.
    // Of what a disk lied about a power cut may leave a later part: the rest is damage, counted like rot.
    const mayBeDamaged = theme === 'rot' || theme.endsWith('lies');
    this.#damaged = Math.max(this.#damaged, mayBeDamaged ? this.#damagedRecords() : 0);
    const gaps = this.#damaged;
    const differences = this.#differences();
    this.#destroyed = differences.reduce((sum, [, { destroyed }]) => sum + destroyed.length, 0);
    this.#repeated = differences.reduce(
      (sum, [log, { repeated }]) => sum + (this.#mayRepeat(log) ? 0 : repeated.length),
      0,
    );
    for (const [log, difference] of differences) {
      const mayRepeat = this.#mayRepeat(log);
      const wrong = complaint(log.name, difference, { repeats: repeats || mayRepeat, disorder: mayRepeat, gaps });
      if (wrong !== undefined) return wrong;
      const cut = this.#mayBeTorn(log) ? undefined : miscut(log, mirrored(this.#sides.centre, log));
      if (cut !== undefined) return cut;
    }
    return undefined;
  }

  /**
   * The agent said that it cannot tell what became of a file, or where one went back to: it reads again what it may have read. Or
   * it cannot know that there was a power cut.
   */
  #mayRepeat(log: Log): boolean {
    const { events } = this.#sides.edge;
    const path = `${folder}/${log.name}`;
    const said = [`file.unclear ${path}`, `warn file.went_back ${path}`, `file.state_unusable ${path}`];
    return log.wentBackUntold || [...events.keys()].some((key) => said.some((start) => key.startsWith(start)));
  }

  /** Where it is not clear what became of a file records may begin and end anywhere. */
  #mayBeTorn(log: Log): boolean {
    return log.wentBack || this.#mayRepeat(log);
  }

  /** Of a line that the world destroyed the beginning may have been read. */
  #mayBeGlued(log: Log): boolean {
    return (
      this.#plan.theme !== 'plain' ||
      log.wentBack ||
      this.#mayRepeat(log) ||
      log.lines.some(({ gone }) => gone !== undefined)
    );
  }

  #differences(): [Log, Difference][] {
    return this.#logs.logs.map((log) => [
      log,
      compare(log, log.script.text(mirrored(this.#sides.centre, log)), this.#mayBeGlued(log)),
    ]);
  }

  /** What came twice was said, and so was what else is not as usual. */
  reported(): void {
    const { edge, centre } = this.#sides;
    const restored =
      (centre.events.get('receiver.restored_agent') ?? 0) + (centre.events.get('receiver.copied_data_dir') ?? 0);
    const { theme } = this.#plan;
    // A block that a lying disk lost before others that it kept is damage: its cursors are gone, and their files read again.
    const damaged = [...edge.events.keys()].some((key) => /^spool\.recovered .*are damaged \(/.test(key));
    if (this.#repeated > 0 && restored === 0 && !damaged && !this.#isInDoubt)
      this.#fail(`${this.#repeated} lines came twice, and nobody said that the agent went back`);
    if (theme === 'plain' && restored > 0)
      this.#fail('the agent shipped what was not durable: the receiver saw it go back to an earlier state');
    for (const side of [edge, centre]) {
      const bugs = [...side.events.keys()].filter((event) => /\bbug\b|surprise/.test(event));
      if (bugs.length > 0) this.#fail(`${side.name} logged ${bugs.join(', ')}`);
    }
  }

  /** As its own machine counts it; where that died before its cursor passed the damage, the receiver has the declared gap. */
  #damagedRecords(): number {
    const { edge, centre } = this.#sides;
    const declared = centre.disk.crashed ? undefined : centre.agent?.status().collectors[0]?.totals.dropped.upstream;
    return damagedOf(centre) + Math.max(damagedOf(edge), declared?.records ?? 0);
  }

  /** What was destroyed is in the counters of what was dropped, as far as it had been seen, and nothing else is. */
  destroyedIsReported(): void {
    const { edge } = this.#sides;
    if (this.#plan.theme !== 'plain') return;
    const dropped = (edge.agent?.status().collectors ?? []).map(({ totals }) => totals.dropped);
    const told = dropped.flatMap((one) => Object.values(one)).reduce((sum, { bytes }) => sum + bytes, 0);
    const destroyed = new Set(this.#differences().flatMap(([, difference]) => difference.destroyed));
    const { bytes: seen, missing } = this.#unread.untold(destroyed, edge.counts.starts);
    if (missing !== undefined)
      this.#fail(`${missing} had been seen by the agent, were destroyed unread, and it did not say so`);
    const bytes = [...destroyed].reduce((sum, { text }) => sum + text.length, 0);
    const wentBack = this.#logs.logs.some((log) => log.wentBack || this.#mayRepeat(log));
    if (told > bytes && !wentBack)
      this.#fail(`the agent told of ${told} bytes lost (${JSON.stringify(dropped)}), and only ${bytes} were destroyed`);
    const mistold = wentBack ? undefined : this.#unread.mistold(destroyed);
    if (mistold !== undefined)
      this.#fail(`the agent named a range that was not destroyed unread: ${JSON.stringify(mistold)}`);
    this.#seenUnread = seen;
    this.#toldLost = told;
    this.#rangesTold = this.#unread.told.length;
  }
}

/** Records that its shippers could not read back. */
function damagedOf({ agent, disk }: Side): number {
  const shippers = disk.crashed ? [] : (agent?.status().shippers ?? []);
  const counts = shippers.flatMap(({ totals }) => Object.values(totals.collectors));
  return counts.reduce((sum, { dropped }) => sum + (dropped.damaged?.records ?? 0), 0);
}
