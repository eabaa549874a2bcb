import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deposit, recordBytesMax } from '../../../collectors/shared/deposit.ts';
import { encodeEvent } from '../../../collectors/shared/event.ts';
import type { Spool } from '../../../spool/spool.ts';
import { delivered, temporarySpool } from '../../spool/temporary-spool.ts';

const bare = { type: 'tcp', resource: { 'host.name': 'h' }, attributes: {} };

function depositIn(spool: Spool, clock: ConstructorParameters<typeof Deposit>[1]['clock'], collector = 'in') {
  return new Deposit({ ...bare, collector, format: 'json' }, { intake: spool.intake, clock });
}

test('what was put and flushed is in the spool, in order, whatever its size', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const deposit = depositIn(spool, dir.ports.clock);
  const records = Array.from({ length: 5000 }, (_, n) =>
    n % 7 === 0 ? encodeEvent({ body: `ü${n} ${'x'.repeat((n * 31) % 900)}` }) : Buffer.from(`"${n}"`),
  );
  records.push(`"${'y'.repeat(recordBytesMax - 2)}"`);
  for (let at = 0; at < records.length; ) {
    at += deposit.put(records, at);
    if (at < records.length) await deposit.room();
  }
  await deposit.flush();
  const got = delivered(dir, spool.outlet('s'));
  assert.equal(got.length, records.length);
  for (const [at, line] of got.entries()) assert.equal(line, `${records[at]}\n`);
  assert.equal(deposit.read.records, records.length);
  assert.deepEqual(spool.status().collectors.in?.spooled, deposit.read);
  await spool.close();
});

test('after a restart the source, its count of bytes and its mark go on', async () => {
  await using dir = temporarySpool();
  const marks = ['a', 'b', 'c'].map((text) => Buffer.from(text));
  const markAt = (index: number) => marks[index] as Buffer;
  const first = await dir.open();
  const before = depositIn(first, dir.ports.clock);
  assert.equal(before.put(['1', '2'], 0, markAt), 2);
  await first.close();
  const second = await dir.open();
  const after = depositIn(second, dir.ports.clock);
  assert.equal(Buffer.from(after.mark).toString(), 'b');
  after.put(['1', '2', '3'], 2, markAt);
  await after.flush();
  assert.equal(Buffer.from(after.mark).toString(), 'c');
  assert.deepEqual(delivered(dir, second.outlet('s')), ['1\n', '2\n', '3\n']);
  assert.equal(second.status().sources, 1);
  await second.close();
});

test('while nothing is taken it says so, and what is given up meanwhile is counted for good', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open({ maxBytes: 1024 * 1024, segmentBytes: 256 * 1024 });
  const deposit = depositIn(spool, dir.ports.clock);
  const record = JSON.stringify(Array.from({ length: 2000 }, () => Math.random()));
  let taken = 0;
  while (spool.intake.hold !== 'spool_full') {
    if (deposit.put([record]) === 1) taken++;
    else await deposit.room();
  }
  assert.equal(deposit.put([record]), 0);
  deposit.drop('overflow', 3, 100);
  deposit.drop('overflow', 1, 11);
  assert.deepEqual(deposit.uncounted, { records: 4, bytes: 111 });
  deposit.close();
  assert.equal(deposit.read.records, taken + 4);
  const { spooled, dropped } = spool.status().collectors.in ?? {};
  assert.equal(spooled?.records, taken);
  assert.deepEqual(dropped, { overflow: { records: 4, bytes: 111 } });
  await spool.close();
  const again = await dir.open({ maxBytes: 4 * 1024 * 1024 });
  assert.deepEqual(again.status().collectors.in?.dropped, { overflow: { records: 4, bytes: 111 } });
  await again.close();
});
