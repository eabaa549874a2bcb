import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import { diskText, lookAtDisk } from '../../agent/status/disk.ts';
import { temporarySpool, writeLines } from '../spool/temporary-spool.ts';

/** A spool with 30 records of which the shipper has acknowledged 10, closed. */
async function closedSpool(dir: ReturnType<typeof temporarySpool>): Promise<void> {
  const spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a.log'));
  const first = (await writeLines(spool, source, 0, 10)).join('').length;
  await spool.intake.flush();
  const outlet = spool.outlet('s');
  const read = outlet.read(outlet.oldest, 1024 * 1024);
  assert.equal(read.kind, 'blocks');
  if (read.kind !== 'blocks') return;
  const { hash } = read.blocks.at(-1)!;
  await outlet.save({ receiver: '', epoch: read.epoch.id, forked: false, position: read.upto, hash }, true);
  await writeLines(spool, source, first, 20);
  await spool.intake.flush();
  await spool.close();
}

test('while nothing runs the disk tells what waits for each shipper', async () => {
  await using dir = temporarySpool();
  await closedSpool(dir);
  const status = lookAtDisk(hostFiles, dir.path, Date.now());
  assert.equal(status.red, false);
  assert.equal(status.spool?.held.records, 30);
  assert.deepEqual(
    status.shippers.map(({ name, waiting }) => [name, waiting.records]),
    [['s', 20]],
  );
  assert.match(diskText(status), /^shipper s: 20 records, .* wait \(oldest/m);
});

test('damage is red, and what can be read beside it is still told', async () => {
  await using dir = temporarySpool();
  await closedSpool(dir);
  const segment = join(dir.path, 'spool', fs.readdirSync(join(dir.path, 'spool')).sort()[0]!);
  const bytes = fs.readFileSync(segment);
  // The header of the block in the middle.
  bytes.fill(0xaa, bytes.indexOf('TSPB', bytes.length / 2), bytes.indexOf('TSPB', bytes.length / 2) + 40);
  fs.writeFileSync(segment, bytes);
  const status = lookAtDisk(hostFiles, dir.path, Date.now());
  assert.equal(status.red, true);
  assert.ok(status.spool!.damagedBytes > 0);
  assert.match(diskText(status), /RED damaged: /);
});

test('looking changes nothing on disk, and a folder where nothing ever ran is told as such', async () => {
  await using dir = temporarySpool();
  assert.match(diskText(lookAtDisk(hostFiles, dir.path, 1)), /nothing yet/);
  assert.deepEqual(fs.readdirSync(dir.path), []);
});

test('damage among dead letters is told as such, beside a folder with a name that we would not give', async () => {
  await using dir = temporarySpool();
  await closedSpool(dir);
  const folder = join(dir.path, 'dead/central');
  for (const each of [folder, join(dir.path, 'dead/%zz')])
    fs.cpSync(join(dir.path, 'spool'), join(each, 'spool'), { recursive: true });
  assert.deepEqual(
    lookAtDisk(hostFiles, dir.path, 1).dead.map(({ shipper, held }) => [shipper, held.records]),
    [
      ['%zz', 30],
      ['central', 30],
    ],
  );
  const segment = join(folder, 'spool', fs.readdirSync(join(folder, 'spool')).sort()[0]!);
  const bytes = fs.readFileSync(segment);
  bytes.fill(0xaa, bytes.indexOf('TSPB', bytes.length / 2), bytes.indexOf('TSPB', bytes.length / 2) + 40);
  fs.writeFileSync(segment, bytes);
  const status = lookAtDisk(hostFiles, dir.path, 1);
  assert.ok(status.red);
  assert.match(diskText(status), /RED damaged: .* of the dead letters of shipper central cannot be read/);
});
