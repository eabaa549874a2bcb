import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flap } from './flapping.ts';

test('an endpoint that comes and goes each second gets every line once, in order', async () => {
  const { downs } = await flap(6);
  assert.ok(downs >= 2);
});
