import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporarySpool, writeLine } from './temporary-spool.ts';

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
