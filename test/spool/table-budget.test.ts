import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { SourceNumber } from '../../spool/nouns.ts';
import type { Spool } from '../../spool/spool.ts';
import { TableBudget, tableBudget } from '../../spool/table-budget.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { fails } from '../simulation/faults.ts';
import { SeededRandom } from '../simulation/random.ts';
import { delivered, temporarySpool, textRun, writeLine } from './temporary-spool.ts';

const stateBytes = 60_000;

test('sources are taken until their table comes near what a segment can begin with; forgetting some makes room again', async () => {
  await using run = await start();
  const { spool, clock } = run;
  const { begun } = run;
  while (!spool.intake.sourcesFull && begun.length < 300) await run.begin();
  const bytes = begun.length * stateBytes;
  assert.ok(bytes > 0.9 * tableBudget.compressedBytesMax && bytes < 1.1 * tableBudget.compressedBytesMax, `${bytes}`);
  const { problems } = spool.status();
  assert.deepEqual(
    problems.map(({ cause, red }) => [cause, red]),
    [['too_many_sources', true]],
  );
  assert.equal(spool.intake.hold, undefined);
  assert.ok(writeLine(spool, begun[0]!, 1, 'others go on\n'));
  for (const source of begun.slice(0, 20)) spool.intake.forget(source);
  await clock.advance(tableBudget.measureEveryMs);
  assert.equal(spool.intake.sourcesFull, false);
  assert.deepEqual(spool.status().problems, []);
  assert.equal(spool.intake.sources.size, begun.length - 20);
});

test('a table that is too large all the same holds reading, says why, loses nothing, and lets go when some are forgotten', async () => {
  await using run = await start();
  const { clock } = run;
  for (let n = 0; n < 300; n++) await run.begin();
  await clock.run(run.spool.intake.flush());
  assert.ok(writeLine(run.spool, run.begun[0]!, 1, 'before\n'));
  await clock.advance(100);
  // The first block after opening begins a segment.
  await run.reopen();
  assert.ok(writeLine(run.spool, run.begun[0]!, 8, 'while it is too large\n'));
  await clock.advance(20_000);
  assert.equal(run.spool.intake.hold, 'too_many_sources');
  assert.match(run.spool.status().problems[0]!.message, /table of 300 sources takes \d+ bytes/);
  for (const source of run.begun.slice(50)) run.spool.intake.forget(source);
  await clock.advance(20_000);
  assert.equal(run.spool.intake.hold, undefined);
  await run.reopen();
  assert.deepEqual(run.delivered(), ['before\n', 'while it is too large\n']);
  assert.equal(run.spool.intake.sources.size, 50);
});

test('cursors that move all at once are said in as many blocks as it takes, each within what a reader accepts', async () => {
  await using run = await start();
  const { spool, clock } = run;
  // While the disk takes nothing they all wait in the open block.
  writeLine(spool, spool.intake.begin({ collector: 'c', type: 'file', resource: {}, attributes: {} }), 0, 'before\n');
  run.disk.faults = [fails('EIO', { kinds: ['write', 'datasync', 'create'] })];
  await clock.advance(1000);
  const sources = 66_000;
  for (let n = 0; n < sources; n++) {
    const source = spool.intake.begin({ collector: 'c', type: 'file', resource: {}, attributes: {} });
    spool.intake.commit(textRun({ source, from: 0, to: 7, bytes: 0, records: 0 }));
  }
  run.disk.faults = [];
  await clock.advance(5000);
  await clock.run(spool.intake.flush());
  await run.reopen();
  const found = [...run.spool.intake.sources.values()];
  assert.equal(found.length, sources + 1);
  assert.ok(found.every(({ cursor }) => cursor.offset === 7));
  assert.deepEqual(run.spool.status().recovered, []);
});

/** A budget whose table takes what the test says. */
function budget() {
  const clock = new SimulatedClock();
  const now = { compressedBytes: 0, expandedBytes: 0, sources: 1, pendingBytes: 0, measured: 0 };
  const measure = () => {
    now.measured++;
    return now;
  };
  const made = new TableBudget(
    clock,
    () => now.sources,
    measure,
    () => now.pendingBytes,
  );
  return { clock, now, budget: made };
}

test('a table is full by its compressed length, by its length, and by the number of its sources', () => {
  const { compressedBytesMax, expandedBytesMax, sourcesMax, measureBytesMin } = tableBudget;
  const cases = [
    { compressedBytes: compressedBytesMax + 1 },
    { expandedBytes: expandedBytesMax + 1 },
    { sources: sourcesMax + 1 },
  ];
  for (const one of cases) {
    const { now, budget: made } = budget();
    assert.equal(made.full, false);
    Object.assign(now, one);
    // What is reckoned is not measured before it comes near: then it is.
    made.changed(Math.max(expandedBytesMax, compressedBytesMax) + measureBytesMin, 0);
    assert.equal(made.full, true, JSON.stringify(one));
    assert.equal(now.measured, 1);
  }
});

test('what was not appended when the table was measured counts beside it', () => {
  const { now, budget: made } = budget();
  const { compressedBytesMax } = tableBudget;
  made.changed(compressedBytesMax + 1, 0);
  Object.assign(now, { compressedBytes: compressedBytesMax - 10, pendingBytes: 20 });
  assert.equal(made.full, true);
});

async function start() {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const dir = temporarySpool({ files: disk.files, clock, random: new SeededRandom(1) });
  const begun: SourceNumber[] = [];
  let spool: Spool = await clock.run(dir.open());
  return {
    disk,
    clock,
    begun,
    get spool() {
      return spool;
    },
    delivered: () => delivered(dir, spool.outlet('s')),
    /** One more source, whose state does not compress. */
    async begin() {
      const source = spool.intake.begin(dir.description(`/${begun.length}`));
      begun.push(source);
      while (!spool.intake.reserve(1)) await clock.advance(10);
      const state = randomBytes(stateBytes);
      spool.intake.commit(textRun({ source, from: 0, to: 1, bytes: 0, records: 0, state }));
      if (begun.length % 20 === 0) await clock.advance(10);
    },
    async reopen() {
      await clock.run(spool.close());
      spool = await clock.run(dir.open());
    },
    async [Symbol.asyncDispose]() {
      await clock.run(spool.close());
    },
  };
}
