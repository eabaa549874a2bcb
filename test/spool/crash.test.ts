import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedDisk } from '../simulation/disk.ts';
import { firstSeed } from '../simulation/random.ts';
import { live, World } from './world.ts';

const seed = firstSeed(1);
const steps = 40;

test(`a power cut before operation k, for every k, loses no line and repeats none (SEED=${seed})`, async () => {
  const operations = await countOperations();
  assert.ok(operations > 40, `${operations} operations`);
  for (let k = 0; k < operations; k++) await crashes([k]);
});

test(`a second power cut during the recovery from the first loses no line and repeats none (SEED=${seed})`, async () => {
  const operations = await countOperations();
  for (let k = 7; k < operations; k += 23) for (let again = 0; again < 24; again++) await crashes([k, again]);
});

async function countOperations(): Promise<number> {
  const world = new World(3, 40);
  const disk = new SimulatedDisk();
  assert.ok(await live(world, { disk, seed, steps }));
  world.check();
  return disk.operations;
}

/** One life for each crash, and a last one without. */
async function crashes(points: readonly number[]): Promise<void> {
  const world = new World(3, 40);
  let disk = new SimulatedDisk();
  try {
    for (const [life, point] of points.entries()) {
      disk.crashBefore(point);
      if (await live(world, { disk, seed: seed + life, steps })) break;
      disk = disk.reopenAfterCrash(seed * 1000 + point + life);
    }
    disk.crashBefore(Number.POSITIVE_INFINITY);
    assert.ok(await live(world, { disk, seed: seed + points.length, steps: 5 }));
    world.check();
  } catch (error) {
    throw new Error(`SEED=${seed}, crashed before ${points.join(', then before ')}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
