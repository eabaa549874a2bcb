/**
 * The file collector: finds files, gives each its turn, and says how it goes. Nothing is decided here about identity or
 * rotation (`rotation.ts`), and nothing read (`generation.ts`): this is the shell with the timers.
 */
import type { Collector, CollectorStatus } from '../ports.ts';
import { BirthTimes, type Context } from './context.ts';
import { Descriptors } from './descriptors.ts';
import { Discovery } from './discovery.ts';
import { compilePatterns } from './glob.ts';
import { inspectQuickly, Lineage } from './lineage.ts';
import { directoryOf, join, nameOf, rotatedNames } from './names.ts';
import { type FileCollectorOptions, type FileCollectorPorts, pace } from './options.ts';
import { Registry } from './registry.ts';
import { resolve } from './resolver.ts';
import { Rounds } from './rounds.ts';
import { type Remembered, remember, takeUp, writeMarker } from './sources.ts';
import { statusOf } from './status.ts';

const tickMs = 250;
const sliceMs = 4;

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
  readonly #remembered: Remembered;
  readonly #patterns;
  readonly #rounds = new Rounds();
  readonly #heldCopies = new Map<string, number>();
  readonly #hints = new Set<string>();
  readonly #work = new Set<Promise<void>>();
  #hintTimer: Disposable | undefined;
  #tick: { cancel(): void } | undefined;
  #scannedAt = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #held = false;
  #stopped = false;

  constructor(options: FileCollectorOptions, ports: FileCollectorPorts) {
    this.name = options.name;
    this.#options = options;
    this.#ports = ports;
    this.#remembered = remember(ports.intake, options);
    this.#context = this.#makeContext();
    this.#patterns = compilePatterns(options.include, options.exclude);
    this.#discovery = new Discovery(this.#context, ports.watcher, this.#patterns, (directory, name) =>
      this.#hint(directory, name),
    );
  }

  async start(): Promise<void> {
    takeUp(this.#remembered.files, this.#context);
    this.#context.startAtEnd = this.#options.startAt === 'end' && this.#remembered.firstRun;
    await this.#scan();
    this.#context.startAtEnd = false;
    if (this.#remembered.firstRun || this.#context.rebooted)
      writeMarker(this.#remembered.marker, this.#ports.bootId, this.#context);
    this.#everyTick();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#tick?.cancel();
    this.#hintTimer?.[Symbol.dispose]();
    this.#discovery.close();
    await Promise.all(this.#work);
    this.#context.descriptors.closeAll();
  }

  status(): CollectorStatus {
    return statusOf(this.#options, this.#context, this.#discovery, this.#held);
  }

  #makeContext(): Context {
    const { files, clock, log, inflater, mounts, intake } = this.#ports;
    const { networkFs, never, maxLineBytes, partialTimeoutMs, openFilesMax } = this.#options;
    let order = 0;
    return {
      ...{ options: this.#options, files, clock, log, inflater },
      rules: { files, mounts, networkFs, never },
      tools: { intake, clock, maxLineBytes, partialTimeoutMs, read: { records: 0, bytes: 0 } },
      descriptors: new Descriptors(openFilesMax ?? pace.openFilesMaxDefault, clock),
      registry: new Registry(),
      births: new BirthTimes(),
      rebooted: this.#remembered.marker !== undefined && this.#remembered.bootId !== this.#ports.bootId,
      startAtEnd: false,
      wake: (path) => this.#wake(this.#context.registry.lineages.get(path)),
      order: () => order++,
    };
  }

  // --- what there is -------------------------------------------------------------------------------------------------

  async #scan(): Promise<void> {
    this.#scannedAt = this.#ports.clock.monotonic();
    const { lineages } = this.#context.registry;
    const found = this.#discovery.scan();
    for (const lineage of lineages.values()) if (lineage.missing.length > 0) await this.#resolve(lineage);
    found.sort((one, other) => rotatedNames(nameOf(one)).length - rotatedNames(nameOf(other)).length);
    for (const path of found) if (!this.#stopped) await this.#meet(path);
  }

  /** A path that matches. */
  async #meet(path: string): Promise<void> {
    const { registry } = this.#context;
    const known = registry.at(path);
    if (known) {
      this.#wake(known);
      return;
    }
    if (inspectQuickly(path, this.#context) === 'missing') return;
    if (await this.#belongsToRotation(path)) return;
    const lineage = new Lineage(path, this.#context);
    registry.lineages.set(path, lineage);
    await this.#resolve(lineage);
    this.#wake(lineage);
  }

  /** A name that is both included and a rotated form of another file that is read: does it hold anything of its own? */
  async #belongsToRotation(path: string): Promise<boolean> {
    const { registry, clock } = this.#context;
    for (const { original } of rotatedNames(nameOf(path))) {
      const parent = registry.lineages.get(join(directoryOf(path), original));
      if (!parent || parent.known.length === 0) continue;
      await this.#resolve(parent);
      this.#wake(parent);
      if (registry.at(path)) return true;
      if (!parent.claims.has(path)) continue;
      const since = this.#heldCopies.get(path) ?? clock.monotonic();
      this.#heldCopies.set(path, since);
      if (clock.monotonic() - since < pace.copyHoldMs) return true;
      this.#heldCopies.delete(path);
    }
    return false;
  }

  #hint(directory: string, name: string | undefined): void {
    this.#hints.add(name === undefined ? directory : join(directory, name));
    if (this.#hintTimer || this.#stopped) return;
    const timer = this.#ports.clock.after(pace.hintDelayMs, () => this.#track(this.#followHints()));
    this.#hintTimer = { [Symbol.dispose]: () => timer.cancel() };
  }

  async #followHints(): Promise<void> {
    this.#hintTimer = undefined;
    const paths = [...this.#hints];
    this.#hints.clear();
    const unknown: string[] = [];
    for (const path of paths) {
      const lineage = this.#context.registry.at(path);
      if (lineage) this.#wake(lineage);
      else unknown.push(path);
    }
    for (const path of unknown) {
      if (this.#stopped) return;
      if (this.#patterns.matches(path)) await this.#meet(path);
      else if (this.#patterns.mayHold(path))
        for (const found of this.#discovery.scanBelow(path)) await this.#meet(found);
    }
  }

  // --- turns ---------------------------------------------------------------------------------------------------------

  #wake(lineage: Lineage | undefined): void {
    if (!lineage || lineage.busy || this.#stopped) return;
    this.#rounds.add(lineage);
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping || this.#held || this.#stopped) return;
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
    while (!this.#stopped && !this.#held && clock.monotonic() < until) {
      const lineage = this.#rounds.next();
      if (!lineage) return;
      this.#giveTurn(lineage);
    }
    if (!this.#rounds.isEmpty) this.#pump();
  }

  #giveTurn(lineage: Lineage): void {
    if (lineage.busy) return;
    const turn = lineage.turn(this.#ports.clock.monotonic());
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
      case 'expand':
        break;
      case 'done':
        this.#rounds.due(lineage, lineage.dueAt);
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

  async #resolve(lineage: Lineage): Promise<void> {
    if (lineage.busy) return;
    lineage.busy = true;
    try {
      await resolve(lineage, this.#context);
    } finally {
      lineage.busy = false;
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  #everyTick(): void {
    if (this.#stopped) return;
    const now = this.#ports.clock.monotonic();
    for (const lineage of this.#rounds.takeDue(now)) this.#wake(lineage);
    for (const lineage of this.#rounds.takeQuiet(this.#context.registry.lineages, now)) this.#wake(lineage);
    if (now - this.#scannedAt >= this.#options.scanIntervalMs) this.#track(this.#scan());
    this.#armTick();
  }

  #armTick(): void {
    if (this.#stopped) return;
    this.#tick?.cancel();
    const now = this.#ports.clock.monotonic();
    const delay = Math.min(tickMs, Math.max(1, this.#rounds.nextDue() - now));
    this.#tick = this.#ports.clock.after(delay, () => this.#everyTick());
  }
}
