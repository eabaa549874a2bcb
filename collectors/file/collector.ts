/**
 * The file collector: finds files, gives each its turn, and says how it goes. Nothing is decided here about identity or
 * rotation (`rotation.ts`), and nothing read (`generation.ts`): this is the shell with the timers.
 */
import { crc32 } from 'node:zlib';
import type { Timer } from '../../spool/ports.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import { readArchive } from './archive.ts';
import { BirthTimes, type Context } from './context.ts';
import { Descriptors } from './descriptors.ts';
import { Discovery } from './discovery.ts';
import { compilePatterns, type Patterns } from './glob.ts';
import { Housekeeping } from './housekeeping.ts';
import { inspectQuickly, Lineage } from './lineage.ts';
import { Listings } from './listings.ts';
import { directoryOf, join, nameOf, rotatedNames } from './names.ts';
import { type FileCollectorOptions, type FileCollectorPorts, pace } from './options.ts';
import { isNetworkType, WalkedDirectories } from './permission.ts';
import { Registry } from './registry.ts';
import { RemoteCalls } from './remote.ts';
import { resolve } from './resolver.ts';
import { Rounds } from './rounds.ts';
import { type Remembered, remember, takeUp, writeMarker } from './sources.ts';
import { statusOf } from './status.ts';

const tickMs = 250;
const sliceMs = 4;
/** Times of files are those of a coarse clock, a little behind. */
const clockGrainMs = 20;
const stopMsMax = 1500;

/** A collector that tails files into the intake. It takes nothing before `start`. */
export function createFileCollector(options: FileCollectorOptions, ports: FileCollectorPorts): Collector {
  return new FileCollector(options, ports);
}

class FileCollector implements Collector {
  readonly name: string;
  readonly type = 'file';
  readonly #options: FileCollectorOptions;
  readonly #ports: FileCollectorPorts;
  readonly #context: Context;
  readonly #discovery: Discovery;
  readonly #housekeeping: Housekeeping;
  readonly #remembered: Remembered;
  readonly #patterns: Patterns;
  readonly #rounds = new Rounds();
  readonly #hints = new Set<string>();
  readonly #remotely = new Set<string>();
  readonly #work = new Set<Promise<void>>();
  readonly #stopped = Promise.withResolvers<void>();
  #hintTimer: Timer | undefined;
  #tick: Timer | undefined;
  #tickAt = Number.POSITIVE_INFINITY;
  #scanAt = 0;
  #scanning = false;
  #breathedAt = 0;
  #pumping = false;
  #held = false;
  #stopping = false;

  constructor(options: FileCollectorOptions, ports: FileCollectorPorts) {
    this.name = options.name;
    this.#options = options;
    this.#ports = ports;
    this.#remembered = remember(ports.intake, options);
    this.#context = this.#makeContext();
    this.#patterns = compilePatterns(options.include, options.exclude);
    const hinted = (directory: string, name: string | undefined) => this.#hint(directory, name);
    this.#discovery = new Discovery(this.#context, ports.watcher, this.#patterns, hinted);
    this.#housekeeping = new Housekeeping(this.#context, this.#discovery);
  }

  async start(): Promise<void> {
    const { facts, firstRun, marker, files } = this.#remembered;
    const { clock, bootId } = this.#ports;
    const startedAt = clock.now();
    const patterns = crc32(this.#options.include.join('\n')).toString(16);
    const isNew = facts?.patterns !== patterns;
    this.#context.sinceMs = isNew ? Number.POSITIVE_INFINITY : facts.sinceMs;
    this.#context.startAtEnd = this.#options.startAt === 'end' && firstRun;
    takeUp(files, this.#context);
    await this.#scan();
    this.#registerAll();
    this.#context.startAtEnd = false;
    this.#context.sinceMs = isNew ? startedAt - clockGrainMs : facts.sinceMs;
    if (isNew || facts.bootId !== bootId)
      writeMarker(marker, { bootId, patterns, sinceMs: this.#context.sinceMs }, this.#context);
    this.#everyTick();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve();
    this.#tick?.cancel();
    this.#hintTimer?.cancel();
    this.#discovery.close();
    await this.#within(Promise.all(this.#work));
    this.#context.descriptors.closeAll();
  }

  status(): CollectorStatus {
    return statusOf(this.#options, this.#context, this.#discovery, this.#held);
  }

  #makeContext(): Context {
    const { files, clock, log, inflater, mounts, intake } = this.#ports;
    const { networkFs, never, maxLineBytes, partialTimeoutMs, openFilesMax, rotated } = this.#options;
    const isStopping = () => this.#stopping;
    let order = 0;
    return {
      ...{ options: this.#options, files, clock, log, inflater },
      rules: { files, mounts, networkFs, never, walked: new WalkedDirectories(clock) },
      tools: { intake, clock, maxLineBytes, partialTimeoutMs, read: { records: 0, bytes: 0 } },
      descriptors: new Descriptors(openFilesMax ?? pace.openFilesMaxDefault, clock),
      registry: new Registry(),
      births: new BirthTimes(),
      remote: new RemoteCalls(files, () => clock.monotonic()),
      isRemote: (path) => networkFs && isNetworkType(mounts.typeOf(path)),
      rotated: compilePatterns(rotated),
      rebooted: this.#remembered.facts !== undefined && this.#remembered.facts.bootId !== this.#ports.bootId,
      startAtEnd: false,
      unregistered: new Set(),
      sinceMs: Number.POSITIVE_INFINITY,
      listings: new Listings(files, clock),
      stopped: this.#stopped.promise,
      get stopping() {
        return isStopping();
      },
      watchAlso: (directory) => this.#discovery.watchAlso(directory),
      wake: (path) => this.#wake(this.#context.registry.lineages.get(path)),
      order: () => order++,
    };
  }

  // --- what there is -------------------------------------------------------------------------------------------------

  async #scan(): Promise<void> {
    if (this.#scanning) return;
    this.#scanning = true;
    try {
      const found = this.#discovery.scan();
      for (const lineage of this.#context.registry.lineages.values()) {
        await this.#breathe();
        if (lineage.missing.length === 0 || !this.#housekeeping.isWorthSeeking(lineage)) continue;
        await this.#unlessRemote(lineage.path, () => this.#resolve(lineage).then(() => this.#wake(lineage)));
      }
      found.sort((one, other) => rotatedNames(nameOf(one)).length - rotatedNames(nameOf(other)).length);
      for (const path of found) {
        await this.#breathe();
        if (!this.#context.registry.at(path)) await this.#unlessRemote(path, () => this.#meet(path));
      }
      this.#housekeeping.sweep();
    } finally {
      this.#scanning = false;
      this.#scanAt = this.#ports.clock.monotonic() + this.#options.scanIntervalMs;
    }
  }

  /** Awaits what is done with a local path; on a mount that may hang it goes on beside, once at a time. */
  async #unlessRemote(path: string, work: () => Promise<void>): Promise<void> {
    if (!this.#context.isRemote(path)) return work();
    if (this.#remotely.has(path)) return;
    this.#remotely.add(path);
    this.#track(work().finally(() => this.#remotely.delete(path)));
  }

  /** Lets others in this process have their turn, every few milliseconds. */
  async #breathe(): Promise<void> {
    const { clock } = this.#ports;
    if (clock.monotonic() - this.#breathedAt < sliceMs) return;
    await new Promise<void>((resolve) => clock.soon(resolve));
    this.#breathedAt = clock.monotonic();
  }

  /** A path that matches. */
  async #meet(path: string): Promise<void> {
    const { registry } = this.#context;
    const known = registry.at(path);
    if (known) return this.#wake(known);
    if (this.#stopping) return;
    if (await this.#belongsToRotation(path)) return;
    const lineage = registry.at(path) ?? new Lineage(path, this.#context);
    registry.lineages.set(path, lineage);
    await this.#resolve(lineage);
    this.#wake(lineage);
  }

  /** A name that is both included and a rotated form of another file that is read: does it hold anything of its own? */
  async #belongsToRotation(path: string): Promise<boolean> {
    const { registry } = this.#context;
    for (const { original } of rotatedNames(nameOf(path))) {
      const parent = registry.at(join(directoryOf(path), original));
      if (!parent || parent.known.length === 0) continue;
      await this.#resolve(parent, path);
      this.#wake(parent);
      if (registry.at(path)) return true;
      if (parent.claims.includes(path) && this.#housekeeping.maySoonBeCopied(path)) return true;
    }
    return false;
  }

  #hint(directory: string, name: string | undefined): void {
    if (this.#stopping) return;
    this.#hints.add(name === undefined ? directory : join(directory, name));
    this.#hintTimer ??= this.#ports.clock.after(pace.hintDelayMs, () => this.#track(this.#followHints()));
  }

  async #followHints(): Promise<void> {
    this.#hintTimer = undefined;
    const paths = [...this.#hints];
    this.#hints.clear();
    const unknown: string[] = [];
    for (const path of paths) {
      if (!this.#context.registry.at(path)) unknown.push(path);
    }
    for (const path of paths) {
      const lineage = this.#context.registry.at(path);
      if (!lineage) continue;
      // New names: it may have been given one of them. Something at its path while it stands elsewhere: its successor.
      const isElsewhere = lineage.path === path && lineage.current?.place?.path !== path;
      if (unknown.length > 0 || isElsewhere) lineage.verifySoon();
      this.#wake(lineage, lineage.path !== path && !lineage.live.some((one) => one.place?.path === path));
    }
    for (const path of unknown) this.#wakeOriginals(path);
    for (const path of unknown) {
      const isThere = this.#context.isRemote(path) || inspectQuickly(path, this.#context) !== 'missing';
      if (isThere && this.#patterns.matches(path)) await this.#unlessRemote(path, () => this.#meet(path));
      else if (this.#patterns.mayHold(path))
        for (const found of this.#discovery.scanBelow(path)) await this.#unlessRemote(found, () => this.#meet(found));
    }
  }

  /** A new name that rotation gives: something happened to the file that had it before. */
  #wakeOriginals(path: string): void {
    for (const { original } of rotatedNames(nameOf(path)))
      this.#wake(this.#context.registry.at(join(directoryOf(path), original)), true);
  }

  // --- turns ---------------------------------------------------------------------------------------------------------

  #wake(lineage: Lineage | undefined, lookAround = false): void {
    if (!lineage || this.#stopping) return;
    if (lookAround) lineage.resolveAt = this.#ports.clock.monotonic();
    if (lineage.busy) return;
    this.#rounds.add(lineage);
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping || this.#held || this.#stopping) return;
    this.#pumping = true;
    this.#ports.clock.soon(() => {
      this.#pumping = false;
      this.#slice();
    });
  }

  /** Some turns; then others in this process have theirs. */
  #slice(): void {
    const { clock } = this.#ports;
    const until = clock.monotonic() + sliceMs;
    while (!this.#stopping && !this.#held) {
      const lineage = this.#rounds.next();
      if (!lineage) return;
      if (!lineage.busy) this.#giveTurn(lineage);
      if (clock.monotonic() >= until) break;
    }
    if (!this.#rounds.isEmpty) this.#pump();
  }

  #giveTurn(lineage: Lineage): void {
    const now = this.#ports.clock.monotonic();
    const turn = lineage.turn(now);
    switch (turn) {
      case 'more':
        this.#rounds.add(lineage);
        break;
      case 'held':
        this.#rounds.add(lineage);
        this.#waitForRoom();
        break;
      case 'resolve':
        this.#track(this.#resolve(lineage).then(() => this.#wake(lineage)));
        break;
      case 'prefetch':
        this.#track(this.#prefetch(lineage).then(() => this.#wake(lineage)));
        break;
      case 'expand':
        this.#track(this.#expand(lineage).then(() => this.#wake(lineage)));
        break;
      case 'done':
        this.#rounds.due(lineage, lineage.dueAt, now);
        this.#armTick();
        break;
      default:
        turn satisfies never;
    }
  }

  #waitForRoom(): void {
    if (this.#held) return;
    this.#held = true;
    const resume = () => {
      this.#held = false;
      this.#pump();
    };
    this.#ports.intake.room().then(resume, resume);
  }

  async #resolve(lineage: Lineage, asked?: string): Promise<void> {
    if (lineage.busy || this.#stopping) return;
    lineage.busy = true;
    try {
      await resolve(lineage, this.#context, asked);
    } finally {
      lineage.busy = false;
    }
  }

  async #prefetch(lineage: Lineage): Promise<void> {
    if (lineage.busy) return;
    lineage.busy = true;
    try {
      await lineage.prefetch();
    } finally {
      lineage.busy = false;
    }
  }

  async #expand(lineage: Lineage): Promise<void> {
    const generation = lineage.live.find((one) => one.place?.compression !== undefined);
    if (!generation || lineage.busy) return;
    lineage.busy = true;
    try {
      lineage.expanded(generation, await readArchive(generation, this.#context));
    } catch (error) {
      lineage.failed(generation, error);
    } finally {
      lineage.busy = false;
    }
  }

  /** Work that goes on beside the turns: awaited when the collector stops; an error in it is a bug, and said. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        const { stack, message } = error as Error;
        const entry = { severity: 'error', event: 'file.bug', subject: this.name } as const;
        this.#ports.log.write({ ...entry, message: `BUG: in the file collector: ${stack ?? message}` });
      })
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #within(work: Promise<unknown>): Promise<void> {
    const { promise, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = this.#ports.clock.after(stopMsMax, giveUp);
    await Promise.race([work, promise]);
    timer.cancel();
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** What was found and had no turn yet: the spool has to know of it before it can be rotated away. */
  #registerAll(): void {
    for (const generation of this.#context.unregistered) if (generation.source === 0) generation.register();
    this.#context.unregistered.clear();
  }

  #everyTick(): void {
    if (this.#stopping) return;
    this.#registerAll();
    const now = this.#ports.clock.monotonic();
    for (const lineage of this.#rounds.takeDue(now)) this.#wake(lineage);
    for (const lineage of this.#rounds.takeQuiet(this.#context.registry.lineages, now))
      if (!lineage.isQuiet()) this.#wake(lineage);
    if (now >= this.#scanAt) this.#track(this.#scan());
    this.#tickAt = Number.POSITIVE_INFINITY;
    this.#armTick();
  }

  #armTick(): void {
    const now = this.#ports.clock.monotonic();
    const at = Math.min(now + tickMs, Math.max(now + 1, this.#rounds.nextDue));
    if (this.#stopping || at >= this.#tickAt) return;
    this.#tick?.cancel();
    this.#tickAt = at;
    this.#tick = this.#ports.clock.after(at - now, () => this.#everyTick());
  }
}
