import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sound } from './lines.ts';
import { addRound, noTotal, type RoundResult, sayRound, sayTotal, sayTrend } from './report.ts';
import { planOf } from './schedule.ts';

const round: RoundResult = {
  plan: planOf({ seed: 1, kills: 3, kind: 'plain' }),
  lines: 1000,
  done: new Map([['kill agent', 3]]),
  linesBetween: [5, 300, 200],
  trends: [],
  verdict: sound,
  skipped: [],
  wrong: [],
  ms: 4000,
};

test('the last line says how many kills and lines, and that nothing was lost or repeated', () => {
  const total = addRound(addRound(noTotal, round), round);
  const lines = sayTotal(total, 0.2);
  assert.equal(lines.at(-1), '6 kills, 2000 lines: 0 lost, 0 duplicated');
  assert.ok(lines.includes('done: kill agent 6'));
  assert.ok(lines.includes('lines written between two kills: median 200, least 5'));
});

test('a finding of any kind keeps that line from being said', () => {
  const last = sayTotal(addRound(noTotal, { ...round, wrong: ['agent is red'] }), 1).at(-1)!;
  assert.match(last, /1 FINDINGS$/);
  const lost = addRound(noTotal, { ...round, verdict: { ...sound, lost: 2 }, wrong: ['2 lost'] });
  assert.match(sayTotal(lost, 1).at(-1)!, /2 lost, 0 duplicated, 0 out of order, 0 invented; 1 FINDINGS$/);
});

test('without a line nothing was shown', () => {
  assert.match(sayTotal(noTotal, 1).at(-1)!, /FINDINGS$/);
});

test('each finding of a round is printed, and what could not be done here is said', () => {
  assert.equal(sayRound({ ...round, wrong: ['a thing'] })[0], 'WRONG: a thing');
  const total = addRound(noTotal, { ...round, skipped: ['clock jumps (libfaketime is not installed)'] });
  assert.ok(sayTotal(total, 1).includes('skipped: clock jumps (libfaketime is not installed)'));
});

test('a trend is printed with its levels, and marked when it is not flat', () => {
  const trend = { side: 'agent', figure: 'rss', samples: 30, first: 80, last: 81.25, flat: true } as const;
  assert.equal(sayTrend(trend), 'agent rss: first third 80.0 MiB, of the last 81.3 MiB (30 samples)');
  assert.match(sayTrend({ ...trend, flat: false }), /more than the bound$/);
});
