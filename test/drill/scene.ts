/**
 * What the damage drill damages: an agent and a receiver in the middle of their work, both killed. The agent holds a backlog of
 * several sources in several segments, its shipper stands part-way; the receiver holds blocks that its mirror has not written
 * yet; the ends of both spools are not vouched for. Made by the real rooms, the same for the same seed.
 */
import type { Configuration } from '../../agent/config/types.ts';
import type { UnixMs } from '../../spool/ports.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { fails } from '../simulation/faults.ts';
import type { DirectoryNode } from '../simulation/nodes.ts';
import { SeededRandom } from '../simulation/random.ts';
import { Network } from '../wire/network.ts';
import { configurationOf, Station } from './station.ts';

export const sides = ['edge', 'centre'] as const;
export type SideName = (typeof sides)[number];

export const logFolder = '/var/log/app';
export const logNames = ['a', 'b', 'c', 'd'];

export interface Scene {
  readonly disks: Readonly<Record<SideName, DirectoryNode>>;
  /** Everything that was ever written to a log, by name. */
  readonly written: ReadonlyMap<string, string>;
  /** Lines that stood in the mirror already. */
  readonly mirrored: ReadonlySet<string>;
  readonly at: UnixMs;
}

const segmentBytes = 2500;

export const configurations: Readonly<Record<SideName, Configuration>> = {
  edge: configurationOf(
    `
data_dir: /data
collectors: { app: { type: file, include: [${logFolder}/*.log], scan_interval: 1s, partial_timeout: 1s } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { central: { type: http, protocol: native, url: "http://127.0.0.1:8600/v1/blocks", retry_max: 2s } }
`,
    segmentBytes,
  ),
  centre: configurationOf(
    `
data_dir: /data
collectors: { edge: { type: blocks, listen: "127.0.0.1:8600" } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { mirror: { type: mirror, path: /out } }
`,
    segmentBytes,
  ),
};

export async function makeScene(seed: number): Promise<Scene> {
  const random = new SeededRandom(seed);
  const clock = new SimulatedClock();
  const network = new Network(clock);
  const world = { clock, network, random };
  const edge = new Station('edge', configurations.edge, new SimulatedDisk({ clock }), world);
  const centre = new Station('centre', configurations.centre, new SimulatedDisk({ clock }), world);
  const writer = new LogWriter(edge.disk, random);
  edge.disk.world.makeDirectory(logFolder);
  await centre.start();
  await edge.start();
  await clock.advance(2000);

  // All the way.
  for (let round = 0; round < 5; round++) {
    writer.some(5);
    await clock.advance(700);
  }
  await clock.advance(2000);
  const mirrored = new Set(linesOf(centre.disk));

  // As far as the receiver's spool.
  centre.disk.faults.push(fails('EIO', { kinds: ['write', 'create', 'makeDirectory'], path: /^\/out/ }));
  for (let round = 0; round < 6; round++) {
    writer.some(4);
    await clock.advance(round < 3 ? 800 : 120);
  }
  await clock.advance(40);
  centre.kill();

  // As far as the agent's.
  for (let round = 0; round < 12; round++) {
    if (round === 4) writer.rotate('b');
    writer.some(4);
    await clock.advance(round < 8 ? 700 : 120);
  }
  writer.some(4);
  await clock.advance(60);
  edge.kill();
  for (const { disk } of [edge, centre]) disk.makeSafe();
  return {
    disks: { edge: edge.disk.root, centre: centre.disk.root },
    written: writer.written,
    mirrored,
    at: clock.now(),
  };
}

/** Appends numbered lines to the logs of a disk. */
export class LogWriter {
  readonly written: Map<string, string>;
  readonly #disk: SimulatedDisk;
  readonly #random: SeededRandom;

  constructor(disk: SimulatedDisk, random: SeededRandom, written?: ReadonlyMap<string, string>) {
    this.#disk = disk;
    this.#random = random;
    this.written = new Map(written ?? logNames.map((name) => [name, '']));
  }

  /** Up to so many lines for each of some logs. */
  some(linesMax: number): void {
    for (const name of logNames) if (this.#random.chance(0.7)) this.append(name, 1 + this.#random.below(linesMax));
  }

  append(name: string, lines: number): void {
    let text = this.written.get(name)!;
    const before = text.length;
    for (let left = lines; left > 0; left--) {
      const number = text.split('\n').length;
      text += `${name} ${number} ${'xyz'.repeat(this.#random.below(12))}\n`;
    }
    const { world } = this.#disk;
    const present = world.list(logFolder).some((entry) => entry.name === `${name}.log`);
    const file = world.open(`${logFolder}/${name}.log`, present ? 'write' : 'create');
    file.write(Buffer.from(text.slice(before)), file.stat().sizeBytes);
    file.close();
    this.written.set(name, text);
  }

  rotate(name: string): void {
    this.#disk.world.rename(`${logFolder}/${name}.log`, `${logFolder}/${name}.log.1`);
  }
}

/** Every line in the mirror, wherever it stands. */
export function linesOf(centre: SimulatedDisk): string[] {
  return filesBelow(centre, '/out').flatMap((path) => linesIn(centre, path));
}

export function linesIn(disk: SimulatedDisk, path: string): string[] {
  return disk
    .readFile(path)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

export function filesBelow(disk: SimulatedDisk, folder: string): string[] {
  return disk
    .tree(folder)
    .filter((entry) => !entry.endsWith('/'))
    .map((entry) => entry.slice(0, entry.lastIndexOf(' ')));
}
