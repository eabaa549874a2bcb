/** 100,000 records through many kills. */
import { test } from 'node:test';
import { curlThroughKills, plainThroughKills } from './http-kills.ts';

test('100,000 records by curl through kill -9: every one once', () => curlThroughKills(100_000, 250, 12));

for (const encoding of ['text', 'ndjson'] as const)
  test(`100,000 lines by our own plain shipper (${encoding}) through kill -9 of both sides: every line once`, () =>
    plainThroughKills(100_000, 20, encoding));
