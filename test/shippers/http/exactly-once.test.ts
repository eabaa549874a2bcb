import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from '../../wire/pair.ts';

test('blocks arrive once and in order, and new ones follow while it runs', async () => {
  const pair = new Pair();
  for (let i = 0; i < 20; i++) pair.agent.add(`line ${i}\n`);
  await pair.start();
  await pair.drain();
  pair.assertExactlyOnce();
  pair.agent.add('one more\n');
  await pair.drain();
  pair.assertExactlyOnce();
  assert.equal(pair.received().length, 21);
  assert.deepEqual(pair.events(), []);
  await pair.stop();
});

test('an agent that restarts goes on under a new epoch without losing or repeating anything', async () => {
  const pair = new Pair();
  await pair.start();
  for (let epoch = 0; epoch < 5; epoch++) {
    for (let i = 0; i < 7; i++) pair.agent.add(`epoch ${epoch} line ${i}\n`);
    if (epoch % 2 === 0) await pair.drain();
    await pair.restartAgent(pair.agent.image('all'), epoch * 100);
  }
  pair.agent.add('last\n');
  await pair.drain();
  pair.assertExactlyOnce();
  assert.deepEqual(pair.events(), []);
  await pair.stop();
});

test('a receiver that is killed and started again takes only what it does not hold', async () => {
  const pair = new Pair();
  await pair.start();
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) pair.agent.add(`round ${round} line ${i}\n`);
    pair.center.autoSync = round % 2 === 0;
    await pair.clock.runFor(2);
    await pair.restartReceiver();
  }
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});
