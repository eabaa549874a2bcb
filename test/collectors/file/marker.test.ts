/** That a collector ran here is remembered, whichever block of its spool is damaged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findSpool, inspect } from '../../../spool/inspect.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { Side } from '../../simulation/side.ts';
import { Network } from '../../wire/network.ts';

const folder = '/var/log/app';
const segment = '/data/spool/00000000000000000000.zst';
const yaml = `
data_dir: /data
collectors: { app: { type: file, include: [${folder}/*.log], scan_interval: 1s } }
spool: { max_size: 16MiB, min_free: 0 }
`;

interface Scene {
  readonly clock: SimulatedClock;
  readonly edge: Side;
}

/** An agent ran over an empty folder and was killed: of what it knows only the marker stands in its spool. */
async function killedIdle(): Promise<Scene> {
  const clock = new SimulatedClock();
  const edge = new Side('edge', yaml, clock, new Network(clock), new SeededRandom(1));
  edge.disk.world.makeDirectory('/var');
  edge.disk.world.makeDirectory('/var/log');
  edge.disk.world.makeDirectory(folder);
  edge.disk.makeSafe();
  await edge.start();
  await clock.advance(3000);
  edge.kill();
  return { clock, edge };
}

test('what was rotated while the agent was down is read, whichever block was damaged meanwhile', async () => {
  const { edge } = await killedIdle();
  const found = [...inspect(edge.disk.world, findSpool(edge.disk.world, '/data')!)];
  const blocks = found.flatMap((one) => (one.kind === 'block' ? [one.block.position] : []));
  assert(blocks.length >= 3, `${blocks}`);
  for (const position of blocks) await comesInSpiteOf(position);
});

async function comesInSpiteOf(position: number): Promise<void> {
  const { clock, edge } = await killedIdle();
  edge.disk.flipBit(segment, (position + 100) * 8);
  edge.disk.writeFile(`${folder}/a.log.1`, Buffer.from('rotated before anybody read it\n'));
  edge.disk.writeFile(`${folder}/a.log`, Buffer.from(''));
  edge.disk.makeSafe();
  await clock.advance(1000);
  await edge.start();
  await clock.advance(5000);
  assert(edge.events.has('spool.recovered'), `block at ${position}`);
  assert.equal(edge.agent!.status().collectors[0]?.totals.spooled.records, 1, `block at ${position}`);
  await edge.stop();
}
