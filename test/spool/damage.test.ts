import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { findSpool, inspect } from '../../spool/inspect.ts';
import { NewerVersion } from '../../spool/spool.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { firstSeed } from '../simulation/random.ts';
import { temporarySpool, textRun, writeLines } from './temporary-spool.ts';
import type { Receiver } from './world.ts';
import { live, World } from './world.ts';

const seed = firstSeed(1);
const linesEach = 80;

test('any flipped bit of any file: starts, loses at most one block and says so, delivers everything else', async () => {
  const { disk, receiver } = await backlog();
  for (const path of filesOf(disk))
    for (let bit = 3; bit < disk.readFile(path).length * 8; bit += 307) {
      const damaged = disk.afterPowerCut(0);
      damaged.flipBit(path, bit);
      await drains(damaged, receiver.clone(), `${path}, bit ${bit}`, 12);
    }
});

test('any file cut at any length: starts, and loses at most what was cut', async () => {
  const { disk, receiver } = await backlog();
  for (const path of filesOf(disk)) {
    const bytes = disk.readFile(path);
    for (let length = 0; length < bytes.length; length += 307) {
      const damaged = disk.afterPowerCut(0);
      damaged.writeFile(path, bytes.subarray(0, length));
      await drains(damaged, receiver.clone(), `${path}, cut to ${length} bytes`);
    }
  }
});

test('any file missing: starts, and says what is lost', async () => {
  const { disk, receiver } = await backlog();
  for (const path of filesOf(disk)) {
    const damaged = disk.afterPowerCut(0);
    damaged.world.unlink(path);
    await drains(damaged, receiver.clone(), `${path}, removed`);
  }
});

test('without its spool folder it starts, reads again, and never takes new blocks for acknowledged ones', async () => {
  const { disk, receiver } = await backlog();
  for (const folders of [['spool'], ['spool', 'cursors']]) {
    const damaged = disk.afterPowerCut(0);
    for (const path of filesOf(damaged)) if (folders.includes(path.split('/')[2]!)) damaged.world.unlink(path);
    const { lines } = await drains(damaged, receiver.clone(), `without ${folders}`);
    for (const line of everyLine()) assert.ok((lines.get(line) ?? 0) >= 1, line);
  }
});

test('the block that introduced a source may be lost: the next one says again who it is', async () => {
  const disk = new SimulatedDisk();
  await using dir = temporarySpool({ files: disk.files });
  const spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a.log'));
  for (let block = 0, from = 0; block < 3; block++, from += 5) {
    const view = spool.intake.reserve(5)!;
    view.set(Buffer.from('line\n'));
    const state = block === 0 ? Buffer.from('who it is') : undefined;
    spool.intake.commit({ ...textRun({ source, from, bytes: 5, records: 1 }), state });
    await spool.intake.flush();
  }
  await spool.close();
  const blocks = [...inspect(disk.world, findSpool(disk.world, '/data')!)].filter((found) => found.kind === 'block');
  assert.ok(blocks.length >= 4);
  for (const { block } of blocks) {
    const { position } = block;
    const damaged = disk.afterPowerCut(0);
    damaged.flipBit('/data/spool/00000000000000000000.zst', (position + 140) * 8);
    await using again = temporarySpool({ files: damaged.files });
    const reopened = await again.open();
    const known = reopened.intake.sources.get(source);
    assert.deepEqual(known?.description, dir.description('/a.log'), `${position}`);
    assert.equal(Buffer.from(known.state).toString(), 'who it is');
    await reopened.close();
  }
});

test('what was acknowledged and set aside with a damaged end is named', async () => {
  const disk = new SimulatedDisk();
  await using dir = temporarySpool({ files: disk.files });
  const spool = await dir.open();
  const source = spool.intake.begin({ ...dir.description('/x', 'net'), type: 'syslog' });
  const ends: number[] = [];
  for (let block = 0, from = 0; block < 3; block++) {
    from += (await writeLines(spool, source, from, 2 + block)).join('').length;
    await spool.intake.flush();
    ends.push(spool.status().end);
  }
  disk.crashNow();
  const reopened = async (at: number) => {
    const damaged = disk.reopenAfterKill().afterPowerCut(0);
    damaged.makeSafe();
    damaged.flipBit('/data/spool/00000000000000000000.zst', at * 8);
    await using again = temporarySpool({ files: damaged.files });
    const opened = await again.open();
    const { recovered } = opened.status();
    await opened.close();
    return recovered.join('\n');
  };
  // The last byte of the third block's frame, then its header. Nothing vouched for it yet.
  assert.match(await reopened(ends[2]! - 1), /set aside with the unsynced end: 4 of net \(syslog\)\./);
  assert.match(await reopened(ends[1]! + 50), /set aside with the unsynced end: an unknown number in what cannot/);
});

for (const [what, folder, renumber] of [
  ['segment', '/spool/', newerBlock],
  ['cursor', '/cursors/', newerCursor],
] as const) {
  test(`a ${what} of a newer version is no damage: refuses to start and changes nothing`, async () => {
    const { disk } = await backlog();
    const path = filesOf(disk).find((name) => name.includes(folder))!;
    const newer = disk.afterPowerCut(0);
    const bytes = newer.readFile(path);
    renumber(bytes);
    newer.writeFile(path, bytes);
    await assert.rejects(live(new World(3, 1), { disk: newer, seed, steps: 1 }), NewerVersion);
    assert.deepEqual(newer.readFile(path), bytes);
    assert.deepEqual(filesOf(newer), filesOf(disk));
  });
}

/** Of version 9, with a checksum that is right. */
function newerBlock(bytes: Buffer): void {
  bytes.writeUInt16LE(9, 12);
  const length = bytes.readUInt32LE(4) + 8;
  bytes.writeUInt32LE(crc32(bytes.subarray(20, length), crc32(bytes.subarray(0, 16))), 16);
}

function newerCursor(bytes: Buffer): void {
  const slot = bytes.subarray(bytes.readUInt32LE(0) === 0 ? 4096 : 0); // the first is empty before the second was written
  slot.writeUInt16LE(9, 4);
  const length = slot.readUInt16LE(6);
  slot.writeUInt32LE(crc32(slot.subarray(12, 12 + length), crc32(slot.subarray(0, 8))), 8);
}

/** Several segments, of which the first are acknowledged, and a cursor. */
async function backlog(): Promise<{ disk: SimulatedDisk; receiver: Receiver }> {
  const world = new World(3, linesEach);
  const disk = new SimulatedDisk();
  assert.ok(await live(world, { disk, seed, steps: 70, leaveBacklog: true }));
  disk.makeSafe();
  const segments = filesOf(disk).filter((path) => path.includes('/spool/')).length;
  assert.ok(segments >= 2, `${segments} segments`);
  return { disk, receiver: world.receiver };
}

async function drains(
  disk: SimulatedDisk,
  receiver: Receiver,
  what: string,
  linesLostMax = linesEach * 3,
): Promise<Receiver> {
  const world = new World(3, linesEach);
  receiver.lenient = true;
  world.receiver = receiver;
  try {
    assert.ok(await live(world, { disk, seed: seed + 1, steps: 3 }));
    const missing = [...everyLine()].filter((line) => !receiver.lines.has(line));
    assert.ok(
      missing.length <= receiver.damagedRecords,
      `${missing.length} lines are missing, ${receiver.damagedRecords} were said to be`,
    );
    const known = new Set(everyLine());
    for (const line of receiver.lines.keys()) assert.ok(known.has(line), `invented: ${line}`);
    assert.ok(missing.length <= linesLostMax, `${missing.length} lines are missing: more than a block`);
  } catch (error) {
    throw new Error(`SEED=${seed}, ${what}: ${(error as Error).message}`, { cause: error });
  }
  return receiver;
}

function* everyLine(): Generator<string> {
  for (const content of new World(3, linesEach).contents) yield* content.match(/.*\n/g)!;
}

function filesOf(disk: SimulatedDisk): string[] {
  return ['spool', 'cursors'].flatMap((folder) =>
    disk.world
      .list(`/data/${folder}`)
      .map((entry) => `/data/${folder}/${entry.name}`)
      .sort(),
  );
}
