/** The real OpenTelemetry SDK for Node before a real agent that is killed; `otlp.check.ts` has more of it. */
import { test } from 'node:test';
import { sdkThroughKills } from './http-kills.ts';

test('the OpenTelemetry SDK for Node through kill -9: every record, none invented', () =>
  sdkThroughKills(6000, 1, 'protobuf'));
