/** The long form of `otlp.test.ts`, for `npm run check:full`. */
import { test } from 'node:test';
import { sdkThroughKills } from './http-kills.ts';

for (const encoding of ['protobuf', 'json'] as const)
  test(`100,000 records by the OpenTelemetry SDK for Node (${encoding}) through kill -9: none lost`, () =>
    sdkThroughKills(100_000, 8, encoding));
