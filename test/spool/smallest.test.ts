import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsFor } from '../../spool/pressure.ts';
import { temporarySpool, textRun } from './temporary-spool.ts';

const MiB = 1024 * 1024;

test('the smallest spool that can be configured takes what is delivered meanwhile, without end', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open(limitsFor({ maxBytes: 4 * MiB, minFreeBytes: 0, segmentBytes: 64 * MiB }, 1024 ** 4));
  const outlet = spool.outlet('s');
  const source = spool.intake.begin(dir.description('/a'));
  const lines = Buffer.from(Array.from({ length: 1000 }, () => `${Math.random().toString(36).repeat(10)}\n`).join(''));
  for (let at = 0; at < 12 * MiB; ) {
    const view = spool.intake.reserve(lines.length);
    if (view === undefined) {
      for (let read = outlet.read(outlet.cursor?.position ?? outlet.oldest, MiB); read.kind === 'blocks'; ) {
        const [epoch, hash] = [read.epoch.id, read.blocks.at(-1)!.hash];
        await outlet.save({ receiver: '', epoch, forked: false, position: read.upto, hash }, true);
        read = outlet.read(read.upto, MiB);
      }
      await spool.intake.room();
      continue;
    }
    view.set(lines);
    spool.intake.commit(textRun({ source, from: at, bytes: lines.length, records: 1000 }));
    at += lines.length;
  }
  await spool.intake.flush();
  assert.ok(spool.status().bytes <= 4 * MiB);
  await spool.close();
});
