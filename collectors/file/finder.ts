/**
 * From paths to lineages: what the walk and the hints find is met, that is, it is read from now on, unless it turns out to be
 * part of what is read already.
 */
import type { MonotonicMs, Timer } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import type { Discovery } from './discovery.ts';
import type { Patterns } from './glob.ts';
import type { Housekeeping } from './housekeeping.ts';
import { Lineage } from './lineage.ts';
import { directoryOf, join, nameOf, rotatedNames } from './names.ts';
import { NoisyFolders } from './noisy.ts';
import { inspectQuickly } from './object-at.ts';
import { pace } from './options.ts';
import { sliceMs, type Turns } from './turns.ts';

export class Finder {
  readonly #context: Context;
  readonly #patterns: Patterns;
  readonly #discovery: Discovery;
  readonly #housekeeping: Housekeeping;
  readonly #turns: Turns;
  readonly #hints = new Set<string>();
  /** Paths on mounts that may hang which are being met. */
  readonly #remotely = new Set<string>();
  readonly #noisy: NoisyFolders;
  #hintTimer: Timer | undefined;
  #hintsAt: MonotonicMs = 0;
  #pollTimer: Timer | undefined;
  /** They are looked at right before the next sync. */
  #awaitsSync = false;
  #scanning = false;
  #breathedAt = 0;

  constructor(context: Context, patterns: Patterns, discovery: Discovery, housekeeping: Housekeeping, turns: Turns) {
    this.#context = context;
    this.#patterns = patterns;
    this.#discovery = discovery;
    this.#housekeeping = housekeeping;
    this.#turns = turns;
    this.#noisy = new NoisyFolders(context, discovery);
  }

  /** Meets everything that matches now, and seeks what is missing. */
  async scan(): Promise<void> {
    if (this.#scanning) return;
    this.#scanning = true;
    try {
      const { registry } = this.#context;
      const found = this.#discovery.scan((path) => registry.knows(path));
      await this.#seekMissing();
      for (const path of originalsFirst(found)) {
        await this.#breathe();
        if (!registry.knows(path)) await this.#unlessRemote(path, () => this.#meet(path));
      }
      this.#housekeeping.sweep();
    } finally {
      this.#scanning = false;
    }
  }

  /** Something may have changed in a directory; hints are gathered for a moment. */
  hint(directory: string, name: string | undefined): void {
    if (this.#context.stopping) return;
    const path = name === undefined ? directory : join(directory, name);
    if (this.#hints.has(path)) {
      this.#noisy.heard(directory);
      return;
    }
    this.#hints.add(path);
    const { clock, tools } = this.#context;
    const now = clock.monotonic();
    const waitMs = tools.intake.nextSync - now;
    if (waitMs <= pace.hintDelayMs || !this.#mayGather(path)) this.#lookIn(pace.hintDelayMs, now);
    else if (waitMs > pace.gatherMsMax) this.#lookIn(pace.gatherMsMax, now);
    else {
      this.#noisy.heard(directory);
      this.#lookBeforeSync();
    }
  }

  #lookIn(delayMs: number, now: MonotonicMs): void {
    if (this.#hintTimer && this.#hintsAt <= now + delayMs) return;
    this.#hintTimer?.cancel();
    this.#hintsAt = now + delayMs;
    this.#hintTimer = this.#context.clock.after(delayMs, () => this.#turns.track(this.#follow()));
  }

  /** What is read sooner, line by line, would only cost more: it cannot become durable before. */
  #lookBeforeSync(): void {
    if (this.#awaitsSync) return;
    this.#awaitsSync = true;
    this.#context.tools.intake.beforeSync(() => {
      this.#awaitsSync = false;
      if (!this.#context.stopping) this.#lookAtGathered();
    });
  }

  #lookAtGathered(): void {
    const { clock, tools } = this.#context;
    const since = clock.monotonic();
    const { bytes } = tools.read;
    const changed = this.#noisy.changed();
    for (const path of changed) this.#hints.add(path);
    if (changed.length > 0) this.#lookIn(pace.hintDelayMs, since);
    for (const path of this.#noisy.toLookAt()) this.#hints.add(path);
    this.#lookAtOnce();
    this.#noisy.looked(since);
    if (!this.#noisy.any) return;
    if (tools.read.bytes > bytes) this.#lookBeforeSync();
    else this.#pollLater();
  }

  /** Unless there are new names among them: they have a timer, and all are looked at then. */
  #lookAtOnce(): void {
    const { registry } = this.#context;
    const paths = [...this.#hints];
    if (paths.some((path) => !registry.at(path))) return;
    this.#hints.clear();
    this.#hintTimer?.cancel();
    this.#hintTimer = undefined;
    this.#turns.giveAtOnce(() => {
      for (const path of paths) this.#wake(registry.at(path)!, path, false);
    });
  }

  /** There was nothing, so no sync comes by itself. */
  #pollLater(): void {
    this.#pollTimer ??= this.#context.clock.after(pace.noisyPollMs, () => {
      this.#pollTimer = undefined;
      if (!this.#context.stopping) this.#lookBeforeSync();
    });
  }

  /** What a file that is being read gains may be little; a name that is not known, or much to read, does not wait. */
  #mayGather(path: string): boolean {
    const lineage = this.#context.registry.at(path);
    return lineage?.current?.place?.path === path && lineage.lastTookBytes < pace.quantumBytes;
  }

  stop(): void {
    this.#hintTimer?.cancel();
    this.#pollTimer?.cancel();
  }

  async #seekMissing(): Promise<void> {
    for (const lineage of this.#context.registry.lineages.values()) {
      await this.#breathe();
      if (lineage.missing.length === 0 || !this.#housekeeping.isWorthSeeking(lineage)) continue;
      await this.#unlessRemote(lineage.path, () => this.#lookAround(lineage));
    }
  }

  async #lookAround(lineage: Lineage, asked?: string): Promise<void> {
    await this.#turns.resolve(lineage, asked);
    this.#turns.wake(lineage);
  }

  async #follow(): Promise<void> {
    const { registry } = this.#context;
    this.#hintTimer = undefined;
    const paths = [...this.#hints];
    this.#hints.clear();
    const unknown = paths.filter((path) => !registry.at(path));
    for (const path of paths) {
      const lineage = registry.at(path);
      if (lineage) this.#wake(lineage, path, unknown.length > 0);
    }
    for (const path of unknown) this.#wakeOriginals(path);
    for (const path of unknown) await this.#follow1(path);
  }

  /** With new names about, it may have been given one of them. */
  #wake(lineage: Lineage, path: string, newNames: boolean): void {
    const successorAppeared = lineage.path === path && lineage.current?.place?.path !== path;
    if (newNames || successorAppeared) lineage.verifySoon();
    const isPast = lineage.path !== path && !lineage.live.some((one) => one.place?.path === path);
    this.#turns.wake(lineage, isPast);
  }

  /** A new name that rotation gives: something happened to the file that had it before. */
  #wakeOriginals(path: string): void {
    for (const { original } of rotatedNames(nameOf(path)))
      this.#turns.wake(this.#context.registry.at(join(directoryOf(path), original)), true);
  }

  async #follow1(path: string): Promise<void> {
    const isThere = this.#context.isRemote(path) || inspectQuickly(path, this.#context) !== 'missing';
    if (isThere && this.#patterns.matches(path)) await this.#unlessRemote(path, () => this.#meet(path));
    else if (this.#patterns.mayHold(path))
      for (const found of this.#discovery.scanBelow(path)) await this.#unlessRemote(found, () => this.#meet(found));
  }

  async #meet(path: string): Promise<void> {
    const { registry } = this.#context;
    const known = registry.at(path);
    if (known) return this.#turns.wake(known);
    if (this.#context.stopping || (await this.#belongsToRotation(path))) return;
    const lineage = registry.at(path) ?? new Lineage(path, this.#context);
    registry.lineages.set(path, lineage);
    await this.#lookAround(lineage);
  }

  /** A name that is both included and a rotated form of another file that is read: does it hold anything of its own? */
  async #belongsToRotation(path: string): Promise<boolean> {
    const { registry } = this.#context;
    for (const { original } of rotatedNames(nameOf(path))) {
      const parent = registry.at(join(directoryOf(path), original));
      if (!parent || parent.known.length === 0) continue;
      await this.#lookAround(parent, path);
      if (registry.at(path) || parent.moving) return true; // the next scan meets it again
      if (parent.claims.includes(path) && this.#housekeeping.maySoonBeCopied(path)) return true;
    }
    return false;
  }

  /** Awaits what is done with a local path; on a mount that may hang it goes on beside, once at a time. */
  async #unlessRemote(path: string, work: () => Promise<void>): Promise<void> {
    if (!this.#context.isRemote(path)) return work();
    if (this.#remotely.has(path)) return;
    this.#remotely.add(path);
    this.#turns.track(work().finally(() => this.#remotely.delete(path)));
  }

  /** Lets others in this process have their turn, every few milliseconds. */
  async #breathe(): Promise<void> {
    const { clock } = this.#context;
    if (clock.monotonic() - this.#breathedAt < sliceMs) return;
    await new Promise<void>((resolve) => clock.soon(resolve));
    this.#breathedAt = clock.monotonic();
  }
}

/** A rotated name may belong to one of the others. */
function originalsFirst(paths: readonly string[]): string[] {
  const ranked = paths.map((path) => ({ path, rank: rotatedNames(nameOf(path)).length }));
  return ranked.sort((one, other) => one.rank - other.rank).map(({ path }) => path);
}
