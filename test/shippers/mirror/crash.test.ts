/**
 * The mirror on the real spool, both on one simulated disk that stops before every change in turn, by a power cut or a
 * kill. After each the agents send again what the receiver does not hold, and the mirror must equal what they read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMirrorShipper } from '../../../shippers/mirror/mirror.ts';
import type { Shipper } from '../../../shippers/ports.ts';
import { decodeHeader } from '../../../spool/format.ts';
import type { Log, LogEntry } from '../../../spool/ports.ts';
import { openSpool, type Spool } from '../../../spool/spool.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedDisk } from '../../simulation/disk.ts';
import { Crash } from '../../simulation/errors.ts';
import { fails, losesPages, short } from '../../simulation/faults.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { BlockMaker, epochOf, type RawBlock } from './memory-outlet.ts';
import { codec, fileSource } from './world.ts';

const seed = Number(process.env.SEED ?? 1);

interface Agent {
  readonly name: string;
  readonly blocks: readonly RawBlock[];
}

/** What the agents have to send, and what the mirror must become. */
function scenario(): { agents: readonly Agent[]; expected: Record<string, string> } {
  const expected: Record<string, string> = {};
  const agents = ['a', 'b'].map((name, index) => {
    const maker = new BlockMaker(`${index + 1}`.repeat(32), epochOf(`${index + 8}`.repeat(32)), codec);
    const blocks: RawBlock[] = [];
    const folder = index === 0 ? 'web' : 'web~22222222';
    const paths = ['/app.log', '/d/e/deep.log', '/app.log', '/late.log'];
    for (let round = 0; round < 6; round++) {
      const pieces = [1, 2, round > 2 ? 3 : 1, ...(round > 3 ? [4] : [])].map((source, at) => {
        const text = `${name} source ${source} round ${round} ${'.'.repeat(at * 40 * (round + 1))}`;
        const path = `${folder}${paths[source - 1]}`;
        const unterminated = at === 1;
        expected[path] = `${expected[path] ?? ''}${text}${unterminated ? '' : '\n'}`;
        return { source, bytes: Buffer.from(unterminated ? text : `${text}\n`), unterminated };
      });
      const fresh = round === 0 ? [1, 2] : round === 3 ? [3] : round === 4 ? [4] : [];
      const descriptions = new Map(fresh.map((source) => [source, fileSource(paths[source - 1]!, 'web')]));
      blocks.push(maker.own({ pieces, descriptions, ...(round === 0 ? { table: new Map() } : {}) }));
    }
    return { name, blocks };
  });
  return { agents, expected };
}

class Machine {
  readonly disk: SimulatedDisk;
  readonly log: LogEntry[] = [];
  readonly #clock: SimulatedClock;
  readonly #random: SeededRandom;
  spool: Spool | undefined;
  mirror: Shipper | undefined;

  constructor(disk: SimulatedDisk, clock: SimulatedClock, random: SeededRandom) {
    this.disk = disk;
    this.#clock = clock;
    this.#random = random;
  }

  async start(): Promise<void> {
    const { files } = this.disk;
    const random = { bytes: (length: number) => this.#random.bytes(length), fraction: () => this.#random.fraction() };
    const log: Log = { write: (entry) => void this.log.push(entry) };
    const ports = { files, clock: this.#clock, random, codec, log };
    const shippers = [{ name: 'mirror', whenFull: 'block' as const }];
    const sizes = { segmentBytes: 2048, maxBytes: 1024 ** 3, minFreeBytes: 0, damagedBytesMax: 1024 ** 2 };
    const options = { ...sizes, dataDir: '/data', syncIntervalMs: 10, retainAckedBytes: 0, shippers };
    this.spool = await openSpool(options, ports);
    const outlet = this.spool.outlet('mirror');
    const places = { name: 'mirror', folder: '/out', stateFolder: '/data/mirrors/mirror' };
    this.mirror = createMirrorShipper({ ...places, batchBytesMax: 700, openFilesMax: 2 }, { outlet, ...ports });
    await this.mirror.start();
  }

  /** As the receiver: takes what it does not hold, until the mirror has all of it. */
  async work(agents: readonly Agent[]): Promise<void> {
    const spool = this.spool!;
    const rounds = Math.max(...agents.map(({ blocks }) => blocks.length));
    for (let index = 0; index < rounds; index++) {
      for (const agent of agents) await this.#receive(spool, agent, index);
      if (index % 2 === 1) await spool.intake.flush();
    }
    await spool.intake.flush();
    const outlet = spool.outlet('mirror');
    while ((outlet.cursor?.position ?? 0) < outlet.durable) {
      if (this.disk.crashed) throw new Crash('while the mirror worked');
      await new Promise<void>((resolve) => this.#clock.after(50, resolve));
    }
  }

  async stop(): Promise<void> {
    await this.mirror?.stop();
    await this.spool?.close();
  }

  async #receive(spool: Spool, agent: Agent, index: number): Promise<void> {
    const { intake } = spool;
    const block = agent.blocks[index];
    if (!block) return;
    const known = [...intake.sources.values()].find(({ description }) => description.collector === agent.name);
    const description = { collector: agent.name, type: 'blocks', resource: {}, attributes: {} };
    const source = known?.number ?? intake.begin(description);
    if (known && known.cursor.offset > index) return;
    const inner = decodeHeader(block.header);
    if (inner.kind !== 'header') throw new Error('not a header');
    const { records, rawBytes } = inner.header;
    const numbers = { source, from: index, to: index + 1, records, bytes: rawBytes, time: this.#clock.now() };
    const run = { ...numbers, mark: Buffer.alloc(0), format: 'text' as const, continues: false, unterminated: false };
    while (intake.append(run, block) === undefined) {
      if (this.disk.crashed) throw new Crash('while it received');
      await intake.room();
    }
  }
}

async function stopped(disk: SimulatedDisk, clock: SimulatedClock): Promise<void> {
  while (!disk.crashed) await new Promise<void>((resolve) => clock.after(10, resolve));
}

function mirrorOf(disk: SimulatedDisk): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (directory: string) => {
    for (const entry of disk.world.list(directory)) {
      const path = `${directory}/${entry.name}`;
      if (entry.kind === 'directory') walk(path);
      else found[path.slice('/out/'.length)] = disk.readFile(path).toString('latin1');
    }
  };
  walk('/out');
  return found;
}

type End = 'power cut' | 'kill';

/** Runs the scenario with a stop before each of the changes given, then to its end; returns how many changes the last run made. */
async function run(
  stops: readonly number[],
  end: End | readonly End[],
  at: number,
  prepare?: (disk: SimulatedDisk) => void,
  before?: (disk: SimulatedDisk) => void,
): Promise<number> {
  const { agents, expected } = scenario();
  const clock = new SimulatedClock();
  const random = new SeededRandom(seed);
  let disk = new SimulatedDisk({ clock });
  before?.(disk);
  for (const [index, stop] of stops.entries()) {
    disk.crashBefore(stop);
    const machine = new Machine(disk, clock, random);
    const done = machine.start().then(() => machine.work(agents));
    await clock.run(Promise.race([done, stopped(disk, clock)])).catch((error: unknown) => {
      if (!disk.crashed) throw error;
    });
    done.catch(() => undefined);
    disk.crashNow();
    await clock.run(machine.stop(), 10_000).catch(() => undefined);
    const how = typeof end === 'string' ? end : end[index];
    disk = how === 'kill' ? disk.reopenAfterKill() : disk.reopenAfterCrash(seed * 1000 + at);
  }
  prepare?.(disk);
  const machine = new Machine(disk, clock, random);
  const told = () =>
    `stops ${stops.join(', ')} by ${end}, seed ${seed}\n${machine.log.map(({ message }) => message).join('\n')}`;
  await clock
    .run(
      machine.start().then(() => machine.work(agents)),
      60_000,
    )
    .catch((error: Error) => {
      throw new Error(
        `${error.message}: ${told()}\n${JSON.stringify(machine.mirror?.status().problems)}\n${JSON.stringify(machine.spool?.status())}`,
      );
    });
  await clock.run(machine.stop());
  assert.deepEqual(mirrorOf(disk), expected, told());
  return disk.operations;
}

/** Every n-th: all of them with EVERY=1 in the environment. */
const every = (usual: number) => Number(process.env.EVERY ?? usual);

test('the mirror is exact after a power cut before any change', async () => {
  const operations = await run([], 'kill', 0);
  assert.ok(operations > 100, `${operations} changes`);
  for (let stop = seed % every(5); stop < operations; stop += every(5)) await run([stop], 'power cut', stop);
});

test('the mirror is exact after a kill before any change', async () => {
  const operations = await run([], 'kill', 0);
  for (let stop = seed % every(10); stop < operations; stop += every(10)) await run([stop], 'kill', stop);
});

test('the mirror is exact when recovery is cut off too', async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 20; round++)
    await run([random.below(240), random.below(80), random.below(40)], random.pick(['kill', 'power cut']), round);
});

test('what a killed mirror left unsynced is not trusted: a power cut after the next start costs nothing', async () => {
  const random = new SeededRandom(seed);
  const kill = every(4);
  for (let first = seed % kill; first < 240; first += kill)
    await run([first, random.below(100)], ['kill', 'power cut'], first);
});

test('what could not be synced is not trusted either: a power cut after trouble costs nothing', async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 40; round++) {
    const path = random.pick([/intent\.0$/, /intent\.1$/, /hosts$/, /sources/, /written/]);
    const fault = fails('EIO', { kinds: ['datasync'], path, from: 0, times: 1 });
    await run([60 + random.below(200)], 'power cut', round, undefined, (disk) => disk.faults.push(fault));
  }
});

test('nor is what a failed sync lost: a kill, a start that syncs it again without an error, and a power cut cost nothing', async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 40; round++) {
    const path = random.pick([/intent\.0$/, /intent\.1$/, /hosts$/, /sources/, /written/]);
    const fault = losesPages({ path, from: random.below(4), times: 1 });
    const stops = [60 + random.below(200), 20 + random.below(100)];
    await run(stops, ['kill', 'power cut'], round, undefined, (disk) => disk.faults.push(fault));
  }
});

test('the mirror holds while its folder cannot be written, says so, and is exact in the end', async () => {
  const kinds = ['open', 'create', 'write', 'datasync', 'makeDirectory', 'syncDirectory', 'truncate'] as const;
  const random = new SeededRandom(seed);
  for (let round = 0; round < 20; round++) {
    const code = random.pick(['ENOSPC', 'EIO', 'EDQUOT', 'EROFS', 'EMFILE']);
    const kind = random.pick(kinds);
    const path = random.pick([/^\/out/, /^\/data\/mirrors/]);
    const times = 1 + random.below(4);
    const faults = [fails(code, { kinds: [kind], path, from: random.below(20), times })];
    if (random.chance(0.5)) faults.push(short(random.uint32(), 0.3, { kinds: ['write'], path }));
    if (random.chance(0.3)) faults.push(losesPages({ path, from: random.below(10), times: 2 }));
    await run([], 'kill', round, (disk) => disk.faults.push(...faults));
  }
});

test('a full disk turns the mirror red until there is room', async () => {
  const { agents, expected } = scenario();
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock, faults: [fails('ENOSPC', { kinds: ['write'], path: /^\/out/ })] });
  const machine = new Machine(disk, clock, new SeededRandom(seed));
  await clock.run(machine.start());
  const done = machine.work(agents);
  await clock.advance(20_000);
  const status = machine.mirror!.status();
  assert.equal(status.state, 'retrying');
  assert.ok(status.problems.some(({ cause, red }) => cause === 'disk_full' && red));
  disk.faults.length = 0;
  await clock.advance(5000);
  assert.ok(!machine.mirror!.status().problems.some(({ red }) => red));
  await clock.run(done);
  await clock.run(machine.stop());
  assert.deepEqual(mirrorOf(disk), expected);
});

test('a file that may not be written any more goes on in another place, and stops no other', async () => {
  const { agents, expected } = scenario();
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({
    clock,
    faults: [fails('EACCES', { kinds: ['open'], path: /^\/out\/web\/app\.log$/ })],
  });
  const machine = new Machine(disk, clock, new SeededRandom(seed));
  await clock.run(machine.start().then(() => machine.work(agents)));
  await clock.run(machine.stop());
  const { 'web/app.log': first = '', 'web/app.log~file': rest = '', ...others } = mirrorOf(disk);
  const { 'web/app.log': whole, ...expectedOthers } = expected;
  assert.ok(rest.length > 0);
  assert.equal(first + rest, whole);
  assert.deepEqual(others, expectedOthers);
  assert.ok(machine.mirror!.status().problems.some(({ cause }) => cause === 'path_taken'));
});

/** Half of the scenario is mirrored; then `damage` is done to a copy of the disk, and the rest comes. */
async function afterDamage(damage: (disk: SimulatedDisk) => void, what: string): Promise<void> {
  const { agents, expected } = scenario();
  const clock = new SimulatedClock();
  const random = new SeededRandom(seed);
  const before = new Machine(new SimulatedDisk({ clock }), clock, random);
  const half = agents.map(({ name, blocks }) => ({ name, blocks: blocks.slice(0, 4) }));
  await clock.run(before.start().then(() => before.work(half)));
  await clock.run(before.stop());
  before.disk.makeSafe();
  damage(before.disk);
  const machine = new Machine(before.disk, clock, random);
  await clock.run(machine.start().then(() => machine.work(agents)));
  const status = machine.mirror!.status();
  await clock.run(machine.stop());
  const written = mirrorOf(before.disk);
  const all = Object.values(written).join('');
  for (const [path, text] of Object.entries(expected))
    for (const piece of text.match(/[ab] source \d round \d \.*/g) ?? [])
      assert.ok(all.includes(piece), `${what}: ${path} lost ${piece.slice(0, 30)}`);
  const exact = JSON.stringify(Object.entries(written).sort()) === JSON.stringify(Object.entries(expected).sort());
  const told = status.problems.some(({ cause }) => ['may_repeat', 'state_damaged', 'undescribed'].includes(cause));
  assert.ok(exact || told, `${what}: ${JSON.stringify(status.problems)}`);
}

function stateFiles(disk: SimulatedDisk, folder = '/data/mirrors'): string[] {
  return disk.world.list(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.kind === 'directory' ? stateFiles(disk, path) : [path];
  });
}

test('damage to any file of its state costs no record, and what it does cost is told', async () => {
  const paths: string[] = [];
  await afterDamage((disk) => paths.push(...stateFiles(disk)), 'nothing');
  assert.ok(paths.length >= 6, paths.join());
  const random = new SeededRandom(seed);
  for (const path of paths) {
    await afterDamage((disk) => disk.world.unlink(path), `${path} removed`);
    await afterDamage((disk) => disk.writeFile(path, new Uint8Array(0)), `${path} empty`);
    for (let round = 0; round < 2; round++) {
      const at = random.fraction();
      const bits = (disk: SimulatedDisk) => disk.readFile(path).length * 8;
      await afterDamage((disk) => disk.flipBit(path, Math.floor(at * bits(disk))), `${path} bit at ${at}`);
      await afterDamage(
        (disk) => disk.writeFile(path, disk.readFile(path).subarray(0, Math.floor((at * bits(disk)) / 8))),
        `${path} cut at ${at}`,
      );
    }
  }
});
