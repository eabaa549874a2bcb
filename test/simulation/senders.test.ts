import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSenders, type SendersResult } from './senders.ts';

const first = Number(process.env.SEED ?? 1);
const seeds = Number(process.env.PEER_SEEDS ?? 3);

test(`what others send arrives at most once, and for certain where it must, whatever crashes (seeds ${first} to ${first + seeds - 1})`, async (t) => {
  const results: SendersResult[] = [];
  for (let seed = first; seed < first + seeds; seed++) results.push(await runSenders(seed));
  const sum = (of: (result: SendersResult) => number) => results.reduce((total, result) => total + of(result), 0);
  t.diagnostic(
    `${sum(({ sent }) => sent)} sent, ${sum(({ certain }) => certain)} had to arrive, ${sum(({ arrived }) => arrived)} did; ${sum(({ acknowledged }) => acknowledged)} acknowledged, ${sum(({ repeated }) => repeated)} came twice; ${sum(({ crashes }) => crashes)} crashes, ${sum(({ stops }) => stops)} stops; held back ${sum(({ heldBack }) => heldBack)} times`,
  );
  assert.ok(sum(({ crashes }) => crashes) >= seeds, 'too few crashes');
  assert.ok(sum(({ certain }) => certain) > (sum(({ sent }) => sent) * 2) / 5, 'too little is certain');
  assert.ok(
    seeds < 3 || sum(({ arrived, sent }) => sent - arrived) > 0,
    'crashes have to cost something, else nothing is tested',
  );
});
