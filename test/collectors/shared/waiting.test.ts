import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Waiting } from '../../../collectors/shared/waiting.ts';
import { settle, VirtualClock } from '../../wire/virtual-clock.ts';

function calls() {
  const pending: PromiseWithResolvers<void>[] = [];
  const call = () => {
    const one = Promise.withResolvers<void>();
    pending.push(one);
    return one.promise;
  };
  return { pending, call };
}

test('who comes while a flush is under way is helped by the next one only', async () => {
  const { pending, call } = calls();
  const waiting = new Waiting(new VirtualClock(), 'next', call);
  const ended: string[] = [];
  void waiting.wait(1000).then(() => ended.push('first'));
  await settle();
  void waiting.wait(1000).then(() => ended.push('second'));
  pending[0]!.resolve();
  await settle();
  assert.deepEqual(ended, ['first']);
  pending[1]!.resolve();
  await settle();
  assert.deepEqual(ended, ['first', 'second']);
  assert.equal(waiting.size, 0);
});

test('who comes while room is waited for is helped by the same call', async () => {
  const { pending, call } = calls();
  const waiting = new Waiting(new VirtualClock(), 'running', call);
  const both = Promise.all([waiting.wait(1000), settle().then(() => waiting.wait(1000))]);
  await settle();
  await settle();
  pending[0]!.resolve();
  assert.deepEqual(await both, [true, true]);
  assert.equal(pending.length, 1);
});

test('a spool that hangs is asked once, however many wait and give up', async () => {
  const { pending, call } = calls();
  const clock = new VirtualClock();
  const waiting = new Waiting(clock, 'next', call);
  for (let round = 0; round < 100; round++) {
    const some = [waiting.wait(1000), waiting.wait(1000)];
    await clock.runFor(2000);
    assert.deepEqual(await Promise.all(some), [false, false]);
    assert.equal(waiting.size, 0);
  }
  assert.equal(pending.length, 1);
  pending[0]!.reject(new Error('closed'));
  const last = waiting.wait(1000);
  await settle();
  pending[1]!.reject(new Error('closed'));
  assert.equal(await last, false);
});
