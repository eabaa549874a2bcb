/**
 * The file collector: its parts put together, its start and end, and the clock that drives it. What there is finds `finder.ts`;
 * whose turn it is knows `turns.ts`; what happened decides `rotation.ts`; reading is done in `generation.ts`.
 */
import { crc32 } from 'node:zlib';
import type { Timer } from '../../spool/ports.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import { noShapeCounts } from '../shared/shape.ts';
import { shapeOf } from '../shared/shapes.ts';
import { ArchiveProbes } from './archive.ts';
import { BirthTimes, type Context } from './context.ts';
import { Descriptors } from './descriptors.ts';
import { Discovery } from './discovery.ts';
import { Finder } from './finder.ts';
import { compilePatterns, type Patterns } from './glob.ts';
import { Housekeeping } from './housekeeping.ts';
import { Listings } from './listings.ts';
import { Marker } from './marker.ts';
import { type FileCollectorOptions, type FileCollectorPorts, pace } from './options.ts';
import { isNetworkType, WalkedDirectories } from './permission.ts';
import { Registry } from './registry.ts';
import { RemoteCalls } from './remote.ts';
import { type Remembered, remember, takenUpFrom, takeUp, takeUpAgain, typeOf } from './sources.ts';
import { statusOf } from './status.ts';
import { Turns } from './turns.ts';

/** While files that were found are not known to the spool. */
const tickMs = 250;
/** Each waking costs more than what it is for where nothing happens. */
const idleTickMs = 1000;
/** Times of files are those of a coarse clock, a little behind. */
const clockGrainMs = 20;

/** A collector that tails files into the intake. It takes nothing before `start`. */
export function createFileCollector(options: FileCollectorOptions, ports: FileCollectorPorts): Collector {
  return new FileCollector(options, ports);
}

class FileCollector implements Collector {
  readonly name: string;
  readonly type: string;
  readonly #options: FileCollectorOptions;
  readonly #ports: FileCollectorPorts;
  readonly #context: Context;
  readonly #discovery: Discovery;
  readonly #finder: Finder;
  readonly #turns: Turns;
  readonly #patterns: Patterns;
  readonly #remembered: Remembered;
  readonly #marker: Marker;
  readonly #stopped = Promise.withResolvers<void>();
  #tick: Timer | undefined;
  #tickAt = Number.POSITIVE_INFINITY;
  #scanAt = 0;
  #stopping = false;

  constructor(options: FileCollectorOptions, ports: FileCollectorPorts) {
    this.name = options.name;
    this.type = typeOf(options);
    this.#options = options;
    this.#ports = ports;
    this.#remembered = remember(ports.intake, options);
    this.#marker = new Marker(this.#remembered.marker, options, ports);
    this.#context = this.#makeContext();
    this.#turns = new Turns(this.#context, () => this.#armTick());
    this.#patterns = compilePatterns(options.include, options.exclude);
    const hinted = (directory: string, name: string | undefined) => this.#finder.hint(directory, name);
    this.#discovery = new Discovery(this.#context, ports.watcher, this.#patterns, hinted);
    const housekeeping = new Housekeeping(this.#context, this.#discovery);
    this.#finder = new Finder(this.#context, this.#patterns, this.#discovery, housekeeping, this.#turns);
  }

  async start(): Promise<void> {
    const { firstRun } = this.#remembered;
    const { clock, bootId, intake } = this.#ports;
    const facts = this.#marker.found;
    const startedAt = clock.now();
    const patterns = crc32(this.#options.include.join('\n')).toString(16);
    const isNew = facts?.patterns !== patterns;
    this.#context.firstLook = { isFirstRun: firstRun, startAtEnd: firstRun && this.#options.startAt === 'end' };
    this.#context.sinceMs = isNew ? Number.POSITIVE_INFINITY : facts.sinceMs;
    const known = takenUpFrom(intake, this.#options, this.#patterns);
    // First of all the folders are watched: of what is looked at then, no later change goes unseen.
    if (known.length > 0) this.#discovery.scan();
    takeUp(known, this.#context, (directory) => this.#discovery.isWatched(directory));
    await this.#scan();
    this.#context.firstLook = undefined;
    if (this.#stopping) return;
    if (isNew) this.#context.sinceMs = startedAt - clockGrainMs;
    this.#registerAll();
    this.#marker.write({ bootId, patterns, sinceMs: this.#context.sinceMs, stopped: false });
    this.#everyTick();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.resolve();
    this.#tick?.cancel();
    this.#finder.stop();
    this.#discovery.close();
    await this.#turns.ended();
    this.#marker.stopped();
    this.#context.descriptors.closeAll();
  }

  status(): CollectorStatus {
    return statusOf(this.#options, this.#context, this.#discovery, this.#turns.held);
  }

  async #scan(): Promise<void> {
    this.#scanAt = Number.POSITIVE_INFINITY;
    try {
      await this.#finder.scan();
    } finally {
      this.#scanAt = this.#ports.clock.monotonic() + this.#options.scanIntervalMs;
      if (this.#tick) this.#armTick();
    }
  }

  /** What was found and had no turn yet: the spool has to know of it before it can be rotated away. Where that is full it waits, unread. */
  #registerAll(): void {
    const waiting = [...this.#context.unregistered].filter(({ source }) => source === 0);
    this.#context.unregistered.clear();
    // Which of two is older is told by their numbers from the next start on.
    for (const generation of waiting.sort((one, other) => one.order - other.order))
      if (this.#ports.intake.sourcesFull) this.#context.unregistered.add(generation);
      else generation.register();
  }

  #everyTick(): void {
    if (this.#stopping) return;
    this.#registerAll();
    const now = this.#ports.clock.monotonic();
    this.#turns.wakeDue(now);
    if (now >= this.#scanAt) this.#turns.track(this.#scan());
    this.#tickAt = Number.POSITIVE_INFINITY;
    this.#armTick();
  }

  #armTick(): void {
    const now = this.#ports.clock.monotonic();
    const usual = now + (this.#context.unregistered.size > 0 ? tickMs : idleTickMs);
    const at = Math.min(usual, Math.max(now + 1, Math.min(this.#turns.nextDue, this.#scanAt)));
    if (this.#stopping || at >= this.#tickAt) return;
    this.#tick?.cancel();
    this.#tickAt = at;
    this.#tick = this.#ports.clock.after(at - now, () => this.#everyTick());
  }

  #makeContext(): Context {
    const { files, clock, log, inflater, mounts, intake, bootId } = this.#ports;
    const { networkFs, never, maxLineBytes, partialTimeoutMs, openFilesMax, rotated } = this.#options;
    const shape = this.#options.logs?.shape ?? shapeOf(this.#options);
    const shaped = noShapeCounts();

    const { found } = this.#marker;
    const rebooted = found !== undefined && found.bootId !== bootId;
    const isStopping = () => this.#stopping;
    let order = 0;
    return {
      ...{ options: this.#options, files, clock, log, inflater },
      rules: { files, mounts, networkFs, never, walked: new WalkedDirectories(clock) },
      tools: { intake, clock, maxLineBytes, partialTimeoutMs, shape, shaped, read: { records: 0, bytes: 0 } },
      descriptors: new Descriptors(openFilesMax ?? pace.openFilesMaxDefault, clock),
      registry: new Registry((sleeper) => takeUpAgain(sleeper, this.#context)),
      births: new BirthTimes(),
      remote: new RemoteCalls(files, () => clock.monotonic()),
      isRemote: (path) => networkFs && isNetworkType(mounts.typeOf(path)),
      rotated: compilePatterns(rotated),
      rebooted,
      powerCut: rebooted && !found.stopped,
      firstLook: undefined,
      unregistered: new Set(),
      sinceMs: Number.POSITIVE_INFINITY,
      listings: new Listings(files, clock),
      archives: new ArchiveProbes(),
      stopped: this.#stopped.promise,
      get stopping() {
        return isStopping();
      },
      watchAlso: (directory) => this.#discovery.watchAlso(directory),
      wake: (path) => this.#turns.wake(this.#context.registry.lineages.get(path)),
      order: () => order++,
    };
  }
}
