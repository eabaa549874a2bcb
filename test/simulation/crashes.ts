/**
 * Crash schedules of a spool: a scenario runs on a simulated disk, and before each of its changes to that disk the power goes,
 * several times over, each time with another part of what was not synced; the disk is forked there, so the scenario goes
 * on. Now and then its process is killed and another goes on. Every fork is opened and has to hold everything that was
 * promised; while it is opened the power goes again.
 */
import assert from 'node:assert/strict';
import type { LogEntry } from '../../spool/ports.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../spool/spool.ts';
import { drawFaults } from '../spool/draw-faults.ts';
import { codec } from '../spool/temporary-spool.ts';
import { Collector, conserved, options, type Receiver, TestShipper, World } from '../spool/world.ts';
import { SimulatedClock } from './clock.ts';
import { SimulatedDisk } from './disk.ts';
import { losesPages, slow } from './faults.ts';
import { mortalClock } from './host.ts';
import { SeededRandom } from './random.ts';

export interface CrashResult {
  readonly seed: number;
  /** Power cuts that were opened again and checked, those during an opening among them. */
  readonly schedules: number;
  readonly again: number;
  /** Changes to the disk before which the power went. */
  readonly operations: number;
  readonly faults: number;
}

/** A disk as a power cut left it, and what had been promised by then. */
interface Fork {
  readonly disk: SimulatedDisk;
  readonly where: string;
  readonly delivered: Receiver;
  /** For each source: how far it was said to be durable. */
  readonly promised: readonly number[];
  readonly depth: number;
}

const outcomesEach = 3;
/** What was written since the last sync hangs on this one: here most can be half there. */
const outcomesBeforeSync = 12;
const againDepthMax = 2;
const sourcesMax = 4;

/** Runs one scenario and every crash of it. Throws with the seed and the crash where something does not hold. */
export async function runCrashes(seed: number): Promise<CrashResult> {
  const scenario = new Scenario(seed);
  await scenario.run();
  return scenario.result;
}

class Scenario {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #options: SpoolOptions;
  readonly #forks: Fork[] = [];
  readonly #promised: number[];
  #schedules = 0;
  #again = 0;
  #operations = 0;
  #faults = 0;
  #snapshot: { readonly version: number; readonly receiver: Receiver } | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#world = new World(1 + this.#random.below(sourcesMax), 10 + this.#random.below(40));
    const { syncIntervalMs } = options;
    const segmentBytes = 1200 + this.#random.below(4000);
    const distance = { syncIntervalMs: this.#random.pick([syncIntervalMs, 3, 40]), segmentBytes };
    // Little memory: hundreds of spools are opened in a second.
    this.#options = { ...options, ...distance, unsyncedBytesMax: 64 * 1024 };
    this.#promised = this.#world.contents.map(() => 0);
  }

  get result(): CrashResult {
    const counts = {
      schedules: this.#schedules,
      again: this.#again,
      operations: this.#operations,
      faults: this.#faults,
    };
    return { seed: this.#seed, ...counts };
  }

  async run(): Promise<void> {
    const faults = this.#random.chance(0.4) ? drawFaults(this.#random) : [];
    if (this.#random.chance(0.3))
      faults.push(losesPages({ path: /^\/data\/spool/, from: this.#random.below(8), times: 1 }));
    if (this.#random.chance(0.4)) faults.push(slow(1 + this.#random.below(60), { kinds: ['datasync'] }));
    this.#faults = faults.length;
    const clock = new SimulatedClock();
    let disk = new SimulatedDisk({ faults, clock });
    for (let kills = this.#random.below(3); kills > 0; kills--) {
      await this.#live(disk, clock, 1 + this.#random.below(8), false);
      disk = disk.reopenAfterKill();
    }
    await this.#live(disk, clock, 5 + this.#random.below(30), this.#random.chance(0.5));
  }

  /** One process: works for some steps, then is killed, or closes. */
  async #live(disk: SimulatedDisk, clock: SimulatedClock, steps: number, closes: boolean): Promise<void> {
    this.#watch(disk, 0, '', () => ({ delivered: this.#delivered(), promised: [...this.#promised] }));
    const spool = await this.#open(disk, clock, this.#random.fork());
    const collector = new Collector(this.#world, spool);
    const shipper = new TestShipper(this.#world, spool.outlet('s'));
    for (let step = steps; step > 0; step--) {
      const source = this.#random.below(this.#world.contents.length);
      if (this.#random.chance(0.7)) collector.read(source, 1 + this.#random.below(6));
      if (this.#random.chance(0.3)) this.#promise(spool, collector);
      if (this.#random.chance(0.3)) await shipper.ship(1 + this.#random.below(4000));
      await clock.advance(this.#random.below(this.#random.chance(0.05) ? 1500 : 12));
      await this.#checkForks();
    }
    if (closes) await clock.run(spool.close());
    // Killed between a sync that lost its pages and the cut that follows it, nobody could tell; docs/reliability.md says so.
    else while (spool.status().hold === 'disk_error') await clock.advance(50);
    disk.onOperation = undefined;
    await this.#checkForks();
  }

  async #open(disk: SimulatedDisk, clock: SimulatedClock, random: SeededRandom): Promise<Spool> {
    const log = { write: (_: LogEntry) => {} };
    const ports = { files: disk.files, clock: mortalClock(clock, () => !disk.crashed), random, codec, log };
    return await clock.run(openSpool(this.#options, ports));
  }

  /** What stands committed now is promised as soon as the spool says that it is durable. */
  #promise(spool: Spool, collector: Collector): void {
    const offsets = collector.offsets;
    const keep = () => {
      for (const [source, offset] of offsets.entries())
        this.#promised[source] = Math.max(offset, this.#promised[source]!);
    };
    spool.intake.flush().then(keep, () => undefined);
  }

  /** The receiver as it stands; copied only when it has changed. */
  #delivered(): Receiver {
    const { receiver } = this.#world;
    if (this.#snapshot?.version !== receiver.taken)
      this.#snapshot = { version: receiver.taken, receiver: receiver.clone() };
    return this.#snapshot!.receiver;
  }

  /** From now on the power goes before each change to the disk. */
  #watch(disk: SimulatedDisk, depth: number, before: string, state: () => Pick<Fork, 'delivered' | 'promised'>): void {
    disk.onOperation = ({ number, kind, path }) => {
      if (number < 0) return;
      this.#operations++;
      for (
        let outcome = 0;
        outcome < (depth > 0 ? 1 : kind === 'datasync' ? outcomesBeforeSync : outcomesEach);
        outcome++
      ) {
        const luck = this.#random.uint32();
        const where = `${before}crashed before change ${number} (${kind} ${path}) with outcome ${luck}`;
        this.#forks.push({ disk: disk.afterPowerCut(luck), where, ...state(), depth });
      }
    };
  }

  async #checkForks(): Promise<void> {
    for (let fork = this.#forks.pop(); fork !== undefined; fork = this.#forks.pop()) {
      this.#schedules++;
      if (fork.depth > 0) this.#again++;
      try {
        await this.#check(fork);
      } catch (error) {
        throw new Error(`seed ${this.#seed}: ${fork.where}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async #check(fork: Fork): Promise<void> {
    const { disk, depth, delivered } = fork;
    const random = new SeededRandom(this.#random.uint32());
    const clock = new SimulatedClock();
    if (depth < againDepthMax && random.chance(depth === 0 ? 0.3 : 0.1))
      this.#watch(disk, depth + 1, `${fork.where}, then `, () => ({ delivered, promised: fork.promised }));
    const used = usedUpTo(disk);
    const spool = await this.#open(disk, clock, random);
    disk.onOperation = undefined;
    const { start } = spool.status().epoch;
    assert.ok(start >= used, `new blocks begin at ${start}, and ${used} was used before`);
    const world = this.#world.with(delivered.clone());
    const collector = new Collector(world, spool);
    fork.promised.forEach((promised, source) => {
      const offset = collector.offsets[source]!;
      assert.ok(offset >= promised, `source ${source} is back at ${offset}, though ${promised} was durable`);
    });
    await this.#drain(world, spool, collector);
    if (!random.chance(0.25)) return;
    // And it goes on: what comes next gets through.
    for (const source of world.contents.keys()) collector.read(source, 1);
    await clock.run(spool.intake.flush());
    await this.#drain(world, spool, collector);
    conserved(spool);
  }

  /** All that the spool has reaches the receiver, and is what its cursors say: not a byte more, not a byte less, nothing twice. */
  async #drain(world: World, spool: Spool, collector: Collector): Promise<void> {
    const shipper = new TestShipper(world, spool.outlet('s'));
    while (await shipper.ship(8000));
    collector.offsets.forEach((offset, source) => {
      const text = world.receiver.text(`/${source}`);
      const content = world.contents[source]!;
      assert.ok(
        text === content.slice(0, offset),
        `source ${source}: the cursor says ${offset}, and ${text.length} bytes arrived`,
      );
    });
  }
}

/** No position before it may be given to a new block: something stood there. */
function usedUpTo(disk: SimulatedDisk): number {
  const ends = disk.tree().map((entry) => {
    const [, start, bytes] = /^\/data\/spool\/(\d{20})\.zst (\d+)$/.exec(entry) ?? [];
    return start === undefined ? 0 : Number(start) + Number(bytes);
  });
  return Math.max(0, ...ends);
}
