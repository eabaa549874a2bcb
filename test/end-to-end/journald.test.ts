/** A real systemd-journald and the real agent: every entry once, over kills, rotation and vacuum. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cannotHaveJournal, Journal } from './journal.ts';
import { numbered, pairFor, untilArrived } from './journald.ts';
import type { Pair } from './pair.ts';
import { askStatus } from './tailspool.ts';

const skip = cannotHaveJournal();

async function collectorOf(pair: Pair) {
  return (await askStatus(pair.agentData))?.collectors.find(({ name }) => name === 'journal');
}

test('every entry arrives once and in order, over kill -9, a killed journalctl and rotation', { skip }, async () => {
  await using journal = await Journal.start();
  await using pair = await pairFor(journal);
  journal.lines('load', numbered(0, 500));
  pair.startAgent();
  for (let round = 1; round <= 4; round++) {
    await untilArrived(pair, 'load', 500 * round - 400);
    journal.lines('load', numbered(500 * round, 500));
    if (round % 2 === 0) journal.run('journalctl', ['--rotate']);
    await pair.agent?.end('SIGKILL');
    pair.startAgent();
  }
  const events = await untilArrived(pair, 'load', 2500);
  assert.deepEqual(
    events.map(({ body }) => body),
    numbered(0, 2500),
  );
  const collector = await collectorOf(pair);
  assert.equal(collector?.gauges.gaps, 0, await pair.describe());
});

test('fields become attributes, binary and repeated ones too', { skip }, async () => {
  await using journal = await Journal.start();
  await using pair = await pairFor(journal);
  pair.startAgent();
  const fields = 'MESSAGE=two words\nPRIORITY=3\nSYSLOG_IDENTIFIER=fields\nMINE=a\nMINE=b\nCODE_LINE=7\n';
  journal.run('logger', ['--journald'], fields);
  const [event] = await untilArrived(pair, 'fields', 1);
  assert.equal(event?.body, 'two words');
  assert.deepEqual([event.severityNumber, event.severityText], [17, 'err']);
  assert.match(event.timestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(event.attributes?.['journald.MINE'], ['a', 'b']);
  assert.equal(event.attributes?.['code.line.number'], 7);
  assert.equal(typeof event.attributes?.['process.pid'], 'number');
  assert.match(String(event.resource?.['host.id']), /^[0-9a-f]{32}$/);
});

test('entries that were vacuumed before they were read are said and counted; what is left comes whole', {
  skip,
}, async () => {
  await using journal = await Journal.start();
  await using pair = await pairFor(journal);
  journal.lines('load', numbered(0, 10));
  pair.startAgent();
  await untilArrived(pair, 'load', 10);
  await pair.agent?.end('SIGTERM');
  journal.lines('load', numbered(10, 100));
  const first = numbers(journal)[0]!;
  journal.vacuum();
  journal.lines('load', numbered(110, 5));
  const left = numbers(journal);
  pair.startAgent();
  const events = await untilArrived(pair, 'load', 15);
  assert.deepEqual(
    events.map(({ body }) => body),
    [...numbered(0, 10), ...numbered(110, 5)],
  );
  const collector = await collectorOf(pair);
  assert.ok(collector);
  assert.ok(collector.problems.some(({ cause }) => cause === 'journal_gap'));
  const read = pair.arrived('journal').split('\n').length - 1;
  const vanished = collector.totals.dropped.vanished?.records ?? 0;
  assert.ok(vanished >= 100);
  assert.equal(read + vanished, left.at(-1)! - first + 1, 'each entry is read or counted');
});

/** The numbers that the journal gave its entries. */
function numbers(journal: Journal): number[] {
  const cursors = journal.run('journalctl', ['-o', 'export']).matchAll(/^__CURSOR=s=[0-9a-f]+;i=([0-9a-f]+);/gm);
  return [...cursors].map(([, number]) => Number.parseInt(number!, 16));
}
