import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import type { Clock, Files } from '../../spool/ports.ts';
import type { Spool, SpoolOptions } from '../../spool/spool.ts';
import { openSpool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec, linesOf, writeLine } from './temporary-spool.ts';

const mebibyte = 1024 * 1024;
const rounds = 5;
/** A max_size that is far above what there is, and no min_free: only ENOSPC stops it. */
const options: SpoolOptions = {
  dataDir: '/data',
  syncIntervalMs: 10,
  segmentBytes: 64 * mebibyte,
  maxBytes: 1024 * mebibyte,
  minFreeBytes: 0,
  damagedBytesMax: mebibyte,
  retainAckedBytes: 0,
  shippers: [{ name: 's', whenFull: 'block' }],
};

test('a file system of 3 MiB that is filled again and again frees what is acknowledged, goes on, and loses nothing', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock, capacityBytes: 3 * mebibyte });
  await goesRound(disk.files, clock, options);
});

test('a disk that others have left little of is not filled with one segment that cannot go', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock, capacityBytes: 3 * mebibyte });
  const { files } = disk;
  const space = () => ({ totalBytes: 4096 * mebibyte, availableBytes: disk.files.space('/').availableBytes });
  await goesRound({ ...files, space }, clock, options);
});

const canMount = process.getuid?.() === 0 && process.platform === 'linux';
test('the same on a real tmpfs of 3 MiB', { skip: !canMount && 'needs root to mount a tmpfs' }, async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/tailspool-small-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    t.skip('no tmpfs can be mounted here');
    return;
  }
  try {
    await goesRound(hostFiles, new SimulatedClock(), { ...options, dataDir: `${folder}/data` });
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});

/** Fills it until it is full, acknowledges everything, and so on: several times what fits comes through. */
async function goesRound(files: Files, clock: Clock & SimulatedClock, wanted: SpoolOptions): Promise<void> {
  const random = new SeededRandom(3);
  const log = { write() {} };
  const spool: Spool = await clock.run(openSpool(wanted, { files, clock, random, codec, log }));
  const outlet = spool.outlet('s');
  const source = spool.intake.begin({ collector: 'c', type: 'file', resource: {}, attributes: {} });
  const written: string[] = [];
  const got: string[] = [];
  let offset = 0;
  let full = 0;
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 800; n++) {
      const line = `${randomBytes(6000).toString('base64')}\n`;
      if (!writeLine(spool, source, offset, line)) {
        if (spool.intake.hold === 'disk_full') break;
        n--;
      } else {
        offset += line.length;
        written.push(line);
      }
      await clock.advance(2);
    }
    if (spool.intake.hold === 'disk_full') full++;
    for (let from = outlet.cursor?.position ?? outlet.oldest; ; ) {
      const read = outlet.read(from, mebibyte);
      if (read.kind === 'end' || read.kind === 'unreadable') break;
      from = read.upto;
      if (read.kind !== 'blocks') continue;
      got.push(...linesOf(read, codec));
      const { end, hash } = read.blocks.at(-1)!;
      const cursor = { receiver: '', epoch: read.epoch.id, forked: false, position: end, hash };
      await clock.run(outlet.save(cursor, true));
    }
    await clock.advance(5000);
    assert.equal(spool.intake.hold, undefined, `round ${round}: it goes on within 5 s`);
  }
  assert.ok(full >= rounds - 1, `it was full ${full} times`);
  await clock.run(spool.close());
  assert.equal(got.length > 0.9 * written.length, true, `${got.length} of ${written.length} lines`);
  assert.deepEqual(got, written.slice(0, got.length));
}
