/** Real agents that take requests, killed while real clients bring records; `http.check.ts` has more of it. */
import { test } from 'node:test';
import { curlThroughKills, plainThroughKills } from './http-kills.ts';

test('curl under Idempotency-Key through kill -9: every record once', () => curlThroughKills(2000, 100, 1));

test('our own plain shipper through kill -9 of both sides: every line once, in order', () =>
  plainThroughKills(10_000, 2, 'ndjson'));
