import assert from 'node:assert/strict';
import { test } from 'node:test';
import { events, next, states } from '../../../shippers/http/native/states.ts';
import { backoffMs, grow, idleAskMs, pauseMs, retryAfterMs, shrink } from '../../../shippers/http/shared/retry.ts';

test('the delay doubles up to its limit, and chance takes away at most three fifths', () => {
  assert.deepEqual(
    [1, 2, 3, 8, 1000].map((attempt) => backoffMs(attempt, 250, 30_000, 1)),
    [250, 500, 1000, 30_000, 30_000],
  );
  assert.equal(backoffMs(3, 250, 30_000, 0), 400);
});

test('Retry-After is understood as seconds and as a date, and as nothing else', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs('7', now), 7000);
  assert.equal(retryAfterMs(' 0 ', now), 0);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 23:00:00 GMT', now), 0);
  assert.equal(retryAfterMs('999999999', now), 3600_000);
  for (const nonsense of [undefined, '', 'soon', '-5', '1.5', '9e9', 'Thuday'])
    assert.equal(retryAfterMs(nonsense, now), undefined);
});

test('agents that were told the same time do not come back in one moment, and none comes earlier', () => {
  const trouble = { cause: 'server_error', message: '' };
  const pause = (seconds: number, attempt: number, fraction: number) => {
    const failure = {
      kind: 'later' as const,
      outcome: 'status_503',
      trouble,
      retryAfter: String(seconds),
      smaller: false,
    };
    return pauseMs(failure, attempt, 30_000, 0, fraction);
  };
  assert.equal(pause(1, 1, 0), 1000);
  assert.equal(pause(1, 1, 1), 1500);
  assert.equal(pause(3600, 1, 1), 3605_000);
  // refused again and again: ever further apart
  assert.equal(pause(1, 20, 0), 1000);
  assert.equal(pause(1, 20, 1), 31_000);
  assert.equal(idleAskMs(0), 225_000);
  assert.equal(idleAskMs(1), 375_000);
});

test('batches double while they are filled, stay within their limit, and halve when they were too large', () => {
  assert.equal(grow(64, 60, 1000), 128);
  assert.equal(grow(64, 10, 1000), 64);
  assert.equal(grow(64, 600, 1000), 1000);
  assert.equal(grow(1000, 1000, 1000), 1000);
  assert.equal(shrink(1000, 600), 300);
  assert.equal(shrink(1, 1), 1);
});

test('from every state the shipper can be stopped, and every state but the last leads on', () => {
  for (const state of states) {
    assert.equal(next(state, 'stop'), 'stopped');
    const ways = events.filter((event) => event !== 'stop' && next(state, event));
    assert.equal(ways.length > 0, state !== 'stopped');
  }
});
