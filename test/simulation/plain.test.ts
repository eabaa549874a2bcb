import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runPlain } from './plain.ts';

const first = Number(process.env.SEED ?? 1);
const seeds = Number(process.env.PLAIN_SEEDS ?? 5);

test(`an endpoint that honours the key has every line once, whatever crashes (seeds ${first} to ${first + seeds - 1})`, async () => {
  let crashes = 0;
  let letters = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const result = await runPlain(seed, true);
    crashes += result.crashes;
    letters += result.deadLetters;
  }
  assert.ok(crashes >= seeds && (letters > 0 || seeds < 5), `${crashes} crashes, ${letters} dead letters`);
});

test('one that does not has lines twice only around a crash, at most the outstanding blocks', async () => {
  let repeated = 0;
  for (let seed = first; seed < first + seeds; seed++) repeated += (await runPlain(seed, false)).repeatedBlocks;
  assert.ok(repeated > 0 || seeds < 5, 'a crash has to make a repeat now and then, else nothing is tested');
});

test('seed 1081, where a refused block took the place in which the next proof was to go: nothing hangs', async () => {
  const { deadLetters, poison } = await runPlain(1081, false);
  assert.equal(deadLetters, poison);
});
