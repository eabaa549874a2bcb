import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outlet, Position, ReadResult } from '../../spool/nouns.ts';
import type { Spool } from '../../spool/spool.ts';
import { temporarySpool, writeLines } from './temporary-spool.ts';

/** Reads one block. */
function readBlock(outlet: Outlet, from: Position): Extract<ReadResult, { kind: 'blocks' }> {
  const read = outlet.read(from, 1);
  if (read.kind !== 'blocks') throw new Error(`${read.kind} at ${from}`);
  return read;
}

/** Moves the cursor to the end of what was read. */
function save(outlet: Outlet, read: Extract<ReadResult, { kind: 'blocks' }>): Promise<void> {
  const { hash } = read.blocks.at(-1)!;
  return outlet.save({ receiver: '', epoch: read.epoch.id, forked: false, position: read.upto, hash });
}

function flowOf(spool: Spool): { acknowledged: number; waiting: number } {
  const flow = spool.status().shippers.s!.collectors.c!;
  return { acknowledged: flow.acknowledged.records, waiting: flow.waiting.records };
}

/** Four blocks of ten records each, behind a table without any. */
async function fourBlocks(dir: ReturnType<typeof temporarySpool>): Promise<Spool> {
  const spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a.log'));
  for (let block = 0, at = 0; block < 4; block++) {
    at += (await writeLines(spool, source, at, 10)).join('').length;
    await spool.intake.flush();
  }
  return spool;
}

// As the mirror does after a crash: its own journal is further than the cursor that was saved.
test('a shipper that goes on behind its cursor’s place has acknowledged what lies between when it says so', async () => {
  await using dir = temporarySpool();
  const spool = await fourBlocks(dir);
  const outlet = spool.outlet('s');
  const second = readBlock(outlet, readBlock(outlet, outlet.oldest).upto);
  const { upto } = second;
  await spool.close();

  const again = await dir.open();
  const restarted = again.outlet('s');
  const third = readBlock(restarted, upto);
  await save(restarted, third);
  assert.deepEqual(flowOf(again), { acknowledged: 20, waiting: 20 });
  await save(restarted, readBlock(restarted, third.upto));
  assert.deepEqual(flowOf(again), { acknowledged: 30, waiting: 10 });
  await again.close();
});

test('what is read again after it was acknowledged is not acknowledged twice', async () => {
  await using dir = temporarySpool();
  const spool = await fourBlocks(dir);
  const outlet = spool.outlet('s');
  const first = readBlock(outlet, outlet.oldest);
  const second = readBlock(outlet, first.upto);
  await save(outlet, second);
  readBlock(outlet, first.from);
  readBlock(outlet, first.upto);
  await save(outlet, readBlock(outlet, second.upto));
  assert.deepEqual(flowOf(spool), { acknowledged: 20, waiting: 20 });
  await spool.close();
});
