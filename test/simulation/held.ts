/** What a receiver holds for certain: what its disk has if a power cut takes everything that was not synced. */
import { streamsOf } from '../../collectors/blocks/streams.ts';
import type { Id, ShipperCursor } from '../../spool/nouns.ts';
import { openSpool } from '../../spool/spool.ts';
import { codec } from '../spool/temporary-spool.ts';
import { SimulatedClock } from './clock.ts';
import type { SimulatedDisk } from './disk.ts';
import { SeededRandom } from './random.ts';

const options = {
  ...{ dataDir: '/data', syncIntervalMs: 10, segmentBytes: 64 * 1024, maxBytes: 1024 ** 3, minFreeBytes: 0 },
  ...{ damagedBytesMax: 1024 ** 3, retainAckedBytes: 0, shippers: [], unsyncedBytesMax: 64 * 1024 },
};

/** Why the cursor says more than is held; undefined where it does not. */
export async function aheadOfHeld(cursor: ShipperCursor, receiver: SimulatedDisk): Promise<string | undefined> {
  const row = await rowOf(cursor.epoch, receiver);
  const said = `the agent's cursor is at ${cursor.position} of epoch ${cursor.epoch.slice(0, 8)}`;
  if (row === undefined) return `${said}, of which the receiver's disk has nothing for certain`;
  if (row.held < cursor.position) return `${said}, and the receiver's disk has only ${row.held} for certain`;
  if (row.held === cursor.position && !row.gapped && row.hash !== cursor.hash)
    return `${said}, and the receiver holds another block that ends there`;
  return undefined;
}

async function rowOf(epoch: Id, receiver: SimulatedDisk) {
  const clock = new SimulatedClock();
  const { files } = receiver.onlySafe(clock);
  const log = { write: () => {} };
  const spool = await clock.run(openSpool(options, { files, clock, random: new SeededRandom(1), codec, log }));
  const found = [...streamsOf(spool.intake, clock).all()].find((row) => row.epoch === epoch);
  await clock.run(spool.close());
  return found;
}
