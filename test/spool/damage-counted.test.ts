/** Whatever is cut off a segment, and wherever a shipper stands: what it cannot have any more is counted, to the record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outlet, Position } from '../../spool/nouns.ts';
import type { Spool } from '../../spool/spool.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { delivered, temporarySpool, writeLines } from './temporary-spool.ts';

const blocks = 20;
const linesEach = 3;
const segmentBytes = 1500;

test('what a cut segment held is dropped, and nothing else, wherever the cursor stands', async () => {
  const whole = await filled();
  const segments = segmentsOf(whole);
  assert.ok(segments.length >= 4, `${segments.length} segments`);
  for (let passed = 0; passed < blocks; passed += 1) {
    const standing = whole.afterPowerCut(0);
    await shipped(standing, passed);
    for (const path of segmentsOf(standing).slice(0, -1))
      for (const length of [0, 1, 300, 900]) {
        const bytes = standing.readFile(path);
        if (length >= bytes.length) continue;
        const cut = standing.afterPowerCut(0);
        cut.writeFile(path, bytes.subarray(0, length));
        await accounted(cut, passed * linesEach, `${passed} blocks passed, ${path} cut to ${length}`);
      }
  }
});

async function filled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await using dir = temporarySpool({ files: disk.files });
  const spool = await dir.open({ segmentBytes });
  const source = spool.intake.begin(dir.description('/a.log'));
  for (let block = 0, at = 0; block < blocks; block++) {
    at += (await writeLines(spool, source, at, linesEach)).join('').length;
    await spool.intake.flush();
  }
  await spool.close();
  disk.makeSafe();
  return disk;
}

/** The shipper passes so many blocks; nothing is deleted, so that there is something to be cut. */
async function shipped(disk: SimulatedDisk, count: number): Promise<void> {
  await using dir = temporarySpool({ files: disk.files });
  const spool = await dir.open({ segmentBytes, retainAckedBytes: 1024 * 1024 });
  const outlet = spool.outlet('s');
  for (let at = outlet.oldest, left = count; left > 0; ) {
    const read = outlet.read(at, 1);
    if (read.kind !== 'blocks') throw new Error(`${read.kind} at ${at}`);
    const [block] = read.blocks;
    if (block!.records > 0) left--;
    at = read.upto;
    const { hash } = block!;
    await outlet.save({ receiver: '', epoch: read.epoch.id, forked: false, position: at, hash }, left === 0);
  }
  await spool.close();
  disk.makeSafe();
}

async function accounted(disk: SimulatedDisk, acknowledgedBefore: number, what: string): Promise<void> {
  await using dir = temporarySpool({ files: disk.files });
  const spool = await dir.open({ segmentBytes, retainAckedBytes: 1024 * 1024 });
  const outlet = spool.outlet('s');
  const start = outlet.cursor?.position ?? outlet.oldest;
  const before = flowOf(spool);
  assert.equal(before.acknowledged, acknowledgedBefore, `${what}: acknowledged after opening`);
  assert.equal(before.waiting, blocks * linesEach - acknowledgedBefore, `${what}: waiting after opening`);
  const lines = delivered(dir, outlet, start);
  const end = passAll(outlet, start);
  await end;
  await spool.intake.flush();
  const { acknowledged, waiting, dropped } = flowOf(spool);
  const reasons = Object.keys(spool.status().shippers.s!.collectors.c!.dropped);
  assert.ok(
    reasons.every((reason) => reason === 'damaged'),
    `${what}: ${reasons}`,
  );
  assert.equal(acknowledged - acknowledgedBefore, lines.length, `${what}: acknowledged`);
  assert.equal(dropped, blocks * linesEach - acknowledgedBefore - lines.length, `${what}: dropped`);
  assert.equal(waiting, 0, `${what}: waiting`);
  await spool.close();
}

async function passAll(outlet: Outlet, from: Position): Promise<void> {
  for (let at = from; ; ) {
    const read = outlet.read(at, 1024);
    if (read.kind === 'end') return;
    if (read.kind === 'unreadable') throw new Error(`unreadable at ${read.from}`);
    at = read.upto;
    const epoch = read.kind === 'blocks' ? read.epoch.id : '0'.repeat(32);
    const hash = read.kind === 'blocks' ? read.blocks.at(-1)!.hash : '0'.repeat(32);
    await outlet.save({ receiver: '', epoch, forked: false, position: at, hash });
  }
}

function flowOf(spool: Spool): { acknowledged: number; waiting: number; dropped: number } {
  const flow = spool.status().shippers.s!.collectors.c!;
  const dropped = Object.values(flow.dropped).reduce((sum, tally) => sum + tally.records, 0);
  return { acknowledged: flow.acknowledged.records, waiting: flow.waiting.records, dropped };
}

function segmentsOf(disk: SimulatedDisk): string[] {
  return disk.world
    .list('/data/spool')
    .map(({ name }) => `/data/spool/${name}`)
    .sort();
}
