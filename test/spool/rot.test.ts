import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { delivered, temporarySpool, writeLines } from './temporary-spool.ts';
import { conserved } from './world.ts';

test('rot is copied to damaged/ when it is found, once, however often it is met again', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const dir = temporarySpool({ files: disk.files, clock });
  const spool = await clock.run(dir.open());
  const source = spool.intake.begin(dir.description('/a'));
  let at = 0;
  const ends: number[] = [];
  for (let block = 0; block < 6; block++) {
    at += (await writeLines(spool, source, at, 5)).join('').length;
    await clock.run(spool.intake.flush());
    ends.push(spool.status().end);
  }
  await clock.advance(2000);
  await clock.run(spool.close());
  // A byte in the header of the third block.
  disk.flipBit('/data/spool/00000000000000000000.zst', (ends[1]! + 40) * 8);
  for (let start = 0; start < 3; start++) {
    const again = await clock.run(dir.open());
    assert.match(again.status().recovered.join('\n'), /are damaged .*a copy is in \/data\/damaged\//);
    assert.equal(delivered(dir, again.outlet('s')).length, 25);
    await clock.advance(100);
    conserved(again);
    await clock.run(again.close());
    const kept = disk.world.list('/data/damaged');
    assert.equal(kept.length, 1, kept.map(({ name }) => name).join(' '));
    assert.match(kept[0]!.name, new RegExp(`-rot-${ends[1]}\\.zst$`));
  }
});

test('a new shipper whose oldest data were dropped, and more of them taken away, is told of each record once', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const dir = temporarySpool({ files: disk.files, clock });
  const options = {
    segmentBytes: 3000,
    maxBytes: 1024 * 1024 + 12_000,
    shippers: [{ name: 's', whenFull: 'drop_oldest' as const }],
  };
  const spool = await clock.run(dir.open(options));
  const source = spool.intake.begin(dir.description('/a'));
  for (let block = 0, at = 0; block < 120; block++) {
    at += (await writeLines(spool, source, at, 8)).join('').length;
    await clock.advance(50);
  }
  const droppedOf = (shown: typeof spool) => shown.status().shippers.s!.collectors.c!.dropped.retention?.records ?? 0;
  assert.ok(droppedOf(spool) > 0);
  assert.equal(spool.outlet('s').cursor, undefined);
  await clock.run(spool.close());
  const oldest = disk.world
    .list('/data/spool')
    .map(({ name }) => name)
    .sort()[0]!;
  disk.world.unlink(`/data/spool/${oldest}`);
  const again = await clock.run(dir.open(options));
  const outlet = again.outlet('s');
  const lines = delivered(dir, outlet);
  const end = outlet.endingAt(outlet.durable)!;
  const cursor = { receiver: '', epoch: end.epoch.id, forked: false, position: outlet.durable, hash: end.hash };
  await clock.run(outlet.save(cursor, true));
  await clock.advance(100);
  conserved(again);
  assert.equal(lines.length + droppedOf(again), 960);
  await clock.run(again.close());
});
