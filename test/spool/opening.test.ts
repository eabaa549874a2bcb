import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostClock } from '../../agent/host/clock.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { Clock, Files } from '../../spool/ports.ts';
import type { Spool } from '../../spool/spool.ts';
import { temporarySpool, textRun } from './temporary-spool.ts';

/** A power cut is not the matter here: thousands of blocks need not wait for the disk. */
const withoutSyncs: Files = {
  ...hostFiles,
  open: (path, mode) => Object.assign(hostFiles.open(path, mode), { datasync: async () => {} }),
};

/** Blocks with a line of each source. */
async function writeBlocks(spool: Spool, sources: readonly number[], from: number, count: number): Promise<void> {
  for (let block = from; block < from + count; block++) {
    for (const source of sources) {
      while (!spool.intake.reserve(10)) await spool.intake.room();
      spool.intake.reserve(10)!.set(Buffer.from('a lineful\n'));
      spool.intake.commit(textRun({ source, from: block * 10, bytes: 10, records: 1 }));
    }
    await spool.intake.flush();
  }
}

const program = join(import.meta.dirname, '../../build/measure-opening.ts');

test('a spool with half a million runs in its newest segment opens in a small heap, and no segment has many more', async (t) => {
  await using dir = temporarySpool();
  Object.assign(dir.ports, { files: withoutSyncs });
  const spool = await dir.open();
  const sources = Array.from({ length: 1000 }, (_, index) => spool.intake.begin(dir.description(`/log/${index}`)));
  await writeBlocks(spool, sources, 0, 480);
  assert.equal(spool.status().segments, 1);
  // As a kill would leave it.
  const copy = mkdtempSync(join(tmpdir(), 'tailspool-opening-'));
  t.after(() => rmSync(copy, { recursive: true }));
  cpSync(dir.path, copy, { recursive: true });
  const flags = ['--no-warnings', '--max-old-space-size=56', '--max-semi-space-size=1'];
  execFileSync(process.execPath, [...flags, program, 'open', copy], { stdio: 'ignore' });
  await writeBlocks(spool, sources, 480, 30);
  assert.equal(spool.status().segments, 2);
  await spool.close();

  const again = await dir.open();
  assert.equal(again.status().recordsTotal, 510_000);
  for (const source of sources) assert.equal(again.intake.sources.get(source)?.cursor.offset, 5_100);
  await again.close();
});

test('opening gives signals and time-outs their turn', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  await writeBlocks(spool, [spool.intake.begin(dir.description('/log'))], 0, 5);
  await spool.close();

  let turns = 0;
  let now = 0;
  const clock: Clock = {
    ...hostClock,
    monotonic: () => (now += 1000),
    soon(call) {
      turns++;
      hostClock.soon(call);
    },
  };
  Object.assign(dir.ports, { clock });
  const again = await dir.open();
  assert.ok(turns >= 5, `${turns} turns`);
  await again.close();
});
