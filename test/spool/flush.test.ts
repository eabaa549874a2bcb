import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../spool/nouns.ts';
import type { Spool } from '../../spool/spool.ts';
import { openSpool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { slow } from '../simulation/faults.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec, temporarySpool, textRun, writeLine } from './temporary-spool.ts';
import { options } from './world.ts';

test('whoever waits for a flush does not wait for the next regular sync', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open({ syncIntervalMs: 60_000 });
  const source = spool.intake.begin(dir.description('/a'));
  for (let n = 0; n < 5; n++) {
    assert.ok(writeLine(spool, source, n * 5, 'line\n'));
    await spool.intake.flush(); // with the regular distance this would take a minute
  }
  assert.equal(spool.status().syncs, 5);
  assert.equal(spool.status().durable, spool.status().end);
  await spool.close();
});

test('many who wait for a flush share syncs', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open({ syncIntervalMs: 60_000 });
  const source = spool.intake.begin(dir.description('/a'));
  const flushes: Promise<void>[] = [];
  for (let n = 0; n < 100; n++) {
    assert.ok(writeLine(spool, source, n * 5, 'line\n'));
    flushes.push(spool.intake.flush());
  }
  await Promise.all(flushes);
  assert.ok(spool.status().syncs < 20, `${spool.status().syncs} syncs`);
  await spool.close();
});

test('what fills half the memory for unsynced blocks is synced before the interval is over: reading never waits for it', async () => {
  const { spool, clock, add } = await noisySpool();
  const begun = clock.monotonic();
  while (spool.status().syncs < 4) {
    if (!add()) assert.fail('there is no room');
    await clock.advance(10);
  }
  assert.ok(clock.monotonic() - begun < 1000, 'the interval is a minute');
  await clock.run(spool.close());
});

test('a mebibyte that somebody waits for is synced at once, less is put off by the length of four syncs', async () => {
  const { spool, clock, add } = await noisySpool();
  await clock.run(spool.intake.flush());
  const took: number[] = [];
  for (const blocks of [1, 1, 5, 5]) {
    const begun = clock.monotonic();
    for (let n = 0; n < blocks; n++) assert.ok(add());
    await clock.run(spool.intake.flush());
    took.push(clock.monotonic() - begun);
  }
  assert.ok(took[1]! >= 3 * syncMs, `a block: ${took[1]} ms`);
  assert.ok(took[3]! < 2 * syncMs, `five blocks: ${took[3]} ms`);
  await clock.run(spool.close());
});

const syncMs = 50;

/** A spool whose disk takes 50 ms for a sync, and blocks that do not compress. */
async function noisySpool(): Promise<{ spool: Spool; clock: SimulatedClock; add: () => boolean }> {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ faults: [slow(syncMs, { kinds: ['datasync'] })], clock });
  const random = new SeededRandom(1);
  const log = { write: () => {} };
  const distances = { syncIntervalMs: 60_000, segmentBytes: 64 * 1024 * 1024 };
  const ports = { files: disk.files, clock, random, codec, log };
  const spool = await clock.run(openSpool({ ...options, ...distances }, ports));
  const resource = { 'host.name': 'h' };
  const source = spool.intake.begin({ collector: 'c', type: 'file', resource, attributes: { 'log.file.path': '/a' } });
  const bytes = limits.blockBytesTarget;
  let at = 0;
  const add = () => {
    const view = spool.intake.reserve(bytes);
    if (view === undefined) return false;
    for (let i = 0; i < bytes; i += 8192) view.set(random.bytes(Math.min(8192, bytes - i)), i);
    view[bytes - 1] = 10;
    spool.intake.commit(textRun({ source, from: at, to: at + bytes, bytes, records: 1 }));
    at += bytes;
    return true;
  };
  return { spool, clock, add };
}
