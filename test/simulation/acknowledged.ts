/**
 * Sources that acknowledge, or have a cursor of their own, with simulated peers on a simulated disk: the power is cut before
 * every change to the disk, and again during the recovery. What a peer was told is durable is there; nothing is invented; and
 * it is there once wherever the protocol can tell (`twiceMax`).
 */
import assert from 'node:assert/strict';
import type { Event } from '../../spool/event.ts';
import type { LogEntry } from '../../spool/ports.ts';
import { openSpool, type Spool } from '../../spool/spool.ts';
import { codec, linesOf } from '../spool/temporary-spool.ts';
import { options as spoolOptions } from '../spool/world.ts';
import { SimulatedClock } from './clock.ts';
import { SimulatedDisk } from './disk.ts';
import { FluentPeer, JournalPeer, RelpPeer, type SimulatedPeer } from './peers.ts';
import { SeededRandom } from './random.ts';
import { SimulatedSockets } from './sockets.ts';

const records = 24;
const turnsMax = 3000;

export const peers: Readonly<Record<string, (random: SeededRandom) => SimulatedPeer>> = {
  RELP: (random) => new RelpPeer(records, random),
  'Fluent Forward': (random) => new FluentPeer(records, random),
  'the journal': (random) => new JournalPeer(records, random),
};

/** Every `stride`-th change to the disk is one before which the power goes. Resolves with how many these were. */
export async function runCrashes(name: string, stride: number, seed: number): Promise<number> {
  const make = peers[name]!;
  const calm = new SimulatedDisk();
  await live(make(new SeededRandom(seed)), calm, seed);
  assert.ok(calm.operations > 20, `${calm.operations} operations`);
  let crashed = 0;
  for (let k = seed % stride; k < calm.operations; k += stride, crashed++)
    await crashes(make(new SeededRandom(seed + k)), k, seed);
  return crashed;
}

async function crashes(peer: SimulatedPeer, k: number, seed: number): Promise<void> {
  let disk = new SimulatedDisk();
  try {
    for (const point of [k, (k * 7) % 30, Number.POSITIVE_INFINITY]) {
      disk.crashBefore(point);
      const lines = await live(peer, disk, seed + k);
      if (!disk.crashed) return check(peer, lines);
      disk = disk.reopenAfterCrash(seed * 1000 + k);
    }
  } catch (error) {
    throw new Error(`SEED=${seed}, cut before ${k}: ${(error as Error).message}`, { cause: error });
  }
}

/** Until the peer is done, or the disk crashed. Gives what is in the spool then. */
async function live(peer: SimulatedPeer, disk: SimulatedDisk, from: number): Promise<string[]> {
  const clock = new SimulatedClock();
  const random = new SeededRandom(from);
  const log = { write: (_entry: LogEntry) => {} };
  const sockets = new SimulatedSockets(() => !disk.crashed);
  try {
    const spool = await clock.run(openSpool(spoolOptions, { files: disk.files, clock, random, codec, log }));
    const collector = peer.begin({ intake: spool.intake, clock, random, log, sockets });
    await clock.run(collector.start());
    for (let turn = 0; !peer.done && !disk.crashed; turn++) {
      assert.ok(turn < turnsMax, `not done after ${turn} turns`);
      peer.step();
      await clock.advance(5);
    }
    if (disk.crashed) return [];
    await clock.run(collector.stop());
    await clock.run(spool.intake.flush());
    const lines = received(spool);
    await clock.run(spool.close());
    return lines;
  } catch (error) {
    if (!disk.crashed) throw error;
    return [];
  }
}

function check(peer: SimulatedPeer, lines: readonly string[]): void {
  const numbers = lines.map((line) => Number(/^record (\d+)$/.exec(String((JSON.parse(line) as Event).body))?.[1]));
  const seen = new Set(numbers);
  for (const number of peer.told) assert.ok(seen.has(number), `record ${number} was acknowledged and is not there`);
  for (let number = 0; number < records; number++) assert.ok(seen.has(number), `record ${number} is not there`);
  assert.equal(seen.size, records, 'nothing is invented');
  assert.ok(numbers.length - seen.size <= peer.twiceMax, `${numbers.length - seen.size} came twice`);
}

function received(spool: Spool): string[] {
  const outlet = spool.outlet('s');
  const lines: string[] = [];
  for (let at = outlet.oldest; ; ) {
    const read = outlet.read(at, 1024 * 1024);
    if (read.kind === 'end' || read.kind === 'unreadable') return lines;
    if (read.kind === 'blocks') lines.push(...linesOf(read, codec));
    at = read.upto;
  }
}
