import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledging } from '../../../collectors/shared/acknowledging.ts';

test('every answer is sent, in order, after a flush that began behind it; whenever it is added', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
  let state = seed || 1;
  const random = (below: number) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
  const sent: number[] = [];
  let [added, flushed] = [0, 0];
  const flush = async () => {
    const upto = added;
    for (let turns = random(4); turns > 0; turns--) await undefined;
    flushed = upto;
  };
  const acknowledging = new Acknowledging<number>(flush, (answers) => {
    assert.ok(
      answers.every((answer) => answer < flushed),
      `SEED=${seed}`,
    );
    return sent.push(...answers) > 0;
  });
  for (let round = 0; round < 2000; round++) {
    const answers = Array.from({ length: random(3) }, () => added++);
    acknowledging.add(answers);
    for (let turns = random(8); turns > 0; turns--) await undefined;
  }
  await acknowledging.settled();
  assert.deepEqual(
    sent,
    Array.from({ length: added }, (_, n) => n),
    `SEED=${seed}`,
  );
  assert.equal(acknowledging.waiting, 0);
});

test('where nobody hears it, or the spool closes, it ends', async () => {
  const deaf = new Acknowledging<number>(
    async () => {},
    () => false,
  );
  deaf.add([1]);
  await deaf.settled();
  assert.equal(deaf.waiting, 1);
  const closing = new Acknowledging<number>(
    () => Promise.reject(new Error('closed')),
    () => assert.fail(),
  );
  closing.add([1]);
  await closing.settled();
  assert.equal(closing.waiting, 1);
});
