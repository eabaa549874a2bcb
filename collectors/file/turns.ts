/**
 * Gives each lineage its turn: a few milliseconds of turns, then others in this process have theirs. What takes longer (finding
 * out what happened, reading archives and mounts that may hang) goes on beside, one such work a lineage at a time.
 */
import type { MonotonicMs, Timer } from '../../spool/ports.ts';
import { readArchive } from './archive.ts';
import type { Context } from './context.ts';
import { Few } from './few.ts';
import type { Lineage } from './lineage.ts';
import { pace } from './options.ts';
import { resolve } from './resolver.ts';
import { Rounds } from './rounds.ts';
import { type Sleeper, sleepsOn } from './sleepers.ts';
import { holdsWhatWasRead } from './sources.ts';

export const sliceMs = 4;
/** Right before a sync: what is not read then waits for the next one. */
const sliceBeforeSyncMs = 50;
/** Looks at a time on local disks: each holds files open. A whole folder may be rotated at once. */
const looksMax = 16;
/** Of files that sleep. */
const openedPerSecondMax = 4;
const stopMsMax = 1500;

export class Turns {
  /** The spool takes nothing. */
  held = false;
  readonly #context: Context;
  readonly #rounds = new Rounds();
  readonly #work = new Set<Promise<void>>();
  readonly #looks = new Few(looksMax);
  readonly #becameDue: () => void;
  #pumping = false;
  #sleepersAt: MonotonicMs = 0;
  #mayOpen = 0;

  /** `becameDue` is called when `nextDue` has become earlier. */
  constructor(context: Context, becameDue: () => void) {
    this.#context = context;
    this.#becameDue = becameDue;
  }

  get nextDue(): MonotonicMs {
    return this.#rounds.nextDue;
  }

  /** To be looked at soon; with `around`, whatever may concern it too. */
  wake(lineage: Lineage | undefined, around = false): void {
    if (!lineage || this.#context.stopping) return;
    if (around) lineage.resolveAt = this.#context.clock.monotonic();
    if (lineage.busy) return; // it is woken when that is done
    this.#rounds.add(lineage);
    this.#pump();
  }

  /** Gives those that `wakeThem` wakes their turns at once, as far as they take little time. */
  giveAtOnce(wakeThem: () => void): void {
    const pumping = this.#pumping;
    this.#pumping = true;
    try {
      wakeThem();
    } finally {
      this.#pumping = pumping;
    }
    this.#slice(sliceBeforeSyncMs);
  }

  /** Wakes those whose time has come, and the next few of all that are quiet. */
  wakeDue(now: MonotonicMs): void {
    for (const lineage of this.#rounds.takeDue(now)) this.wake(lineage);
    for (const lineage of this.#rounds.takeQuiet(this.#context.registry.lineages, now)) {
      if (this.#rounds.isSoonDue(lineage, now)) continue; // it is looked at anyway
      if (!lineage.isQuiet()) this.wake(lineage);
      else if (!this.#rounds.awaits(lineage)) lineage.fallAsleep(now);
    }
    this.#lookAtSleepers(now);
  }

  /** Nothing may have told that they changed: hints can be lost, and those that sleep since the start were not opened so far. */
  #lookAtSleepers(now: MonotonicMs): void {
    const passed = (now - this.#sleepersAt) / 1000;
    this.#sleepersAt = now;
    this.#mayOpen = Math.min(openedPerSecondMax, this.#mayOpen + openedPerSecondMax * passed);
    const { registry, files } = this.#context;
    for (const sleeper of this.#rounds.takeSleeping(registry.sleepers.all, now))
      if (!sleepsOn(sleeper, files)) this.wake(registry.at(sleeper.path));
      else if (!sleeper.compared && this.#mayOpen >= 1) {
        this.#mayOpen--;
        if (!this.#isAsRead(sleeper)) this.wake(registry.at(sleeper.path));
      }
  }

  #isAsRead(sleeper: Sleeper): boolean {
    const { files, tools } = this.#context;
    sleeper.compared = holdsWhatWasRead(sleeper, tools.intake.sources.get(sleeper.source), files);
    return sleeper.compared;
  }

  /** Finds out what happened to a path, after whatever is being done with it. */
  async resolve(lineage: Lineage, asked?: string): Promise<void> {
    while (lineage.work && !this.#context.stopping) await lineage.work;
    if (!this.#context.stopping) await this.#occupy(lineage, () => this.#look(lineage, asked));
  }

  /** Work that goes on beside the turns: awaited when the collector stops; an error in it is a bug, and said. */
  track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        const { stack, message } = error as Error;
        const entry = { severity: 'error', event: 'file.bug', subject: this.#context.options.name } as const;
        this.#context.log.write({ ...entry, message: `BUG: in the file collector: ${stack ?? message}` });
      })
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  /** Resolves when all tracked work has ended, or after 1.5 s. */
  async ended(): Promise<void> {
    const { promise, resolve: giveUp } = Promise.withResolvers<void>();
    const timer: Timer = this.#context.clock.after(stopMsMax, giveUp);
    await Promise.race([Promise.all(this.#work), promise]);
    timer.cancel();
  }

  #pump(): void {
    if (this.#pumping || this.held || this.#context.stopping) return;
    this.#pumping = true;
    this.#context.clock.soon(() => {
      this.#pumping = false;
      this.#slice(sliceMs);
    });
  }

  #slice(forMs: number): void {
    const { clock } = this.#context;
    const until = clock.monotonic() + forMs;
    while (!this.#context.stopping && !this.held) {
      const lineage = this.#rounds.next();
      if (!lineage) return;
      // One that was dropped meanwhile is met again as another.
      const isKnown = this.#context.registry.lineages.get(lineage.path) === lineage;
      if (isKnown && !lineage.busy) this.#give(lineage, clock.monotonic());
      if (clock.monotonic() >= until) break;
    }
    if (!this.#rounds.isEmpty) this.#pump();
  }

  #give(lineage: Lineage, now: MonotonicMs): void {
    const turn = lineage.turn(now);
    switch (turn) {
      case 'more':
        this.#rounds.add(lineage);
        return;
      case 'held':
        this.#rounds.add(lineage);
        this.#waitForRoom();
        return;
      case 'done':
        this.#dueAt(lineage, lineage.dueAt, now);
        return;
      case 'resolve':
        if (now - lineage.resolvedAt < pace.resolveMs) this.#dueAt(lineage, lineage.resolvedAt + pace.resolveMs, now);
        else this.#beside(lineage, () => this.#look(lineage));
        return;
      case 'prefetch':
        this.#beside(lineage, () => lineage.prefetch());
        return;
      case 'expand':
        this.#beside(lineage, () => this.#expand(lineage));
        return;
      default:
        turn satisfies never;
    }
  }

  #dueAt(lineage: Lineage, at: MonotonicMs | undefined, now: MonotonicMs): void {
    this.#rounds.due(lineage, at, now);
    this.#becameDue();
  }

  #waitForRoom(): void {
    if (this.held) return;
    this.held = true;
    const resume = () => {
      this.held = false;
      this.#pump();
    };
    this.#context.tools.intake.room().then(resume, resume);
  }

  /** On a mount that may hang, nobody else waits for it. */
  async #look(lineage: Lineage, asked?: string): Promise<void> {
    const work = async () => {
      if (!this.#context.stopping) await resolve(lineage, this.#context, asked);
    };
    return this.#context.isRemote(lineage.path) ? work() : this.#looks.run(work);
  }

  #beside(lineage: Lineage, work: () => Promise<void>): void {
    this.track(this.#occupy(lineage, work).then(() => this.wake(lineage)));
  }

  async #occupy(lineage: Lineage, work: () => Promise<void>): Promise<void> {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    lineage.work = promise;
    try {
      await work();
    } finally {
      lineage.work = undefined;
      end();
    }
  }

  async #expand(lineage: Lineage): Promise<void> {
    const generation = lineage.live.find((one) => one.place?.compression !== undefined);
    if (!generation) return;
    try {
      lineage.expanded(generation, await readArchive(generation, this.#context));
    } catch (error) {
      lineage.failed(generation, error);
    }
  }
}
