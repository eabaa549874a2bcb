import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockHeader } from '../../spool/format.ts';
import { Ledger } from '../../spool/ledger.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { temporarySpool, textRun, writeLines } from './temporary-spool.ts';
import { conserved } from './world.ts';

test('of sources that were forgotten nothing is kept once the segments with their records are gone', () => {
  const ledger = new Ledger();
  for (let number = 1; number <= 1000; number++) {
    ledger.apply(header(number), 100);
    ledger.forget(number, number * 100);
    if (number > 50) ledger.letGo((number - 50) * 100);
    assert.ok(ledger.collectorsKnown <= 52, `${ledger.collectorsKnown} at ${number}`);
  }
  assert.equal(ledger.sources.size, 0);
  assert.equal(ledger.collectorOf(990), 'c', 'its records may still wait');
  ledger.letGo(1e9);
  assert.equal(ledger.collectorsKnown, 0);
});

test('what an older table tells of sources that were forgotten goes with its segment too', () => {
  const ledger = new Ledger();
  for (let number = 1; number <= 100; number++) ledger.learnCollector(number, 'c', 5000);
  assert.equal(ledger.collectorOf(7), 'c');
  ledger.letGo(5000);
  assert.equal(ledger.collectorsKnown, 0);
});

test('a source that is forgotten before its block is durable does not come back into the tables', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const dir = temporarySpool({ files: disk.files, clock });
  const options = { segmentBytes: 3000 };
  const spool = await clock.run(dir.open(options));
  const gone = spool.intake.begin(dir.description('/gone'));
  await writeLines(spool, gone, 0, 3);
  spool.intake.forget(gone);
  const stays = spool.intake.begin(dir.description('/stays'));
  for (let block = 0, at = 0; block < 20; block++) {
    at += (await writeLines(spool, stays, at, 5)).join('').length;
    await clock.advance(20);
  }
  assert.ok(spool.status().segments > 1);
  conserved(spool);
  await clock.run(spool.close());
  const again = await clock.run(dir.open(options));
  assert.deepEqual([...again.intake.sources.keys()], [stays]);
  conserved(again);
  await clock.run(again.close());
});

/** A block with a line of a source that it introduces. */
function header(source: number): BlockHeader {
  const description = { collector: 'c', type: 'file', resource: {}, attributes: {} };
  return {
    ...{ frameBytes: 9, frameCrc: 0, rawBytes: 9, position: source * 100 - 100, spool: '', epoch: '', previous: '' },
    ...{ previousEnd: 0, vouched: 0, time: 0, recordsBefore: source - 1, sourceBytesBefore: 0, records: 1 },
    runs: [textRun({ source, from: 0, bytes: 9, records: 1 })],
    descriptions: [{ number: source, description }],
    drops: [],
  };
}
