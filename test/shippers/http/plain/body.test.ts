import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeOne } from '../../../../shippers/http/plain/body.ts';
import type { DeadLetter } from '../../../../shippers/ports.ts';

const collectedAt = Date.parse('2026-11-23T15:30:00.123Z');

function lineOf(body: string, format: 'text' | 'json' = 'json'): string {
  const description = { resource: { 'host.name': 'edge-7' }, attributes: { 'log.file.path': '/a', kept: 'source' } };
  const letter = { ...description, collectedAt, format, body: Buffer.from(body) } as unknown as DeadLetter;
  return Buffer.from(encodeOne('ndjson', letter)).toString();
}

test('an event goes out with what its source has for all, and its own attributes win', () => {
  const event = {
    timestamp: '2026-11-23T15:29:59.000000001Z',
    severityNumber: 9,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    resource: { 'service.name': 'shop' },
    attributes: { kept: 'event', 'network.peer.address': '192.0.2.7' },
    body: { user: 7 },
  };
  assert.deepEqual(JSON.parse(lineOf(JSON.stringify(event))), {
    ...event,
    observedTimestamp: '2026-11-23T15:30:00.123Z',
    resource: { 'host.name': 'edge-7', 'service.name': 'shop' },
    attributes: { 'log.file.path': '/a', kept: 'event', 'network.peer.address': '192.0.2.7' },
  });
});

test('an object with other keys, another value and text are the body', () => {
  for (const value of [{ body: 'x', user: 7 }, [1, 2], 'text', 7, null, { attributes: [1] }])
    assert.deepEqual(JSON.parse(lineOf(JSON.stringify(value))).body, value);
  assert.equal(JSON.parse(lineOf('{"not": json')).body, '{"not": json');
  assert.equal(JSON.parse(lineOf('{"body":1}', 'text')).body, '{"body":1}');
});

test('numbers keep every digit', () => {
  for (const number of ['12345678901234567890', '0.12345678901234567890', '-9007199254740993'])
    for (const line of [`{"body":${number}}`, `{"id":${number}}`, number])
      assert.ok(lineOf(line).includes(number), line);
});

test('an event that says when it was observed keeps that', () => {
  const line = lineOf('{"observedTimestamp":"2020-01-01T00:00:00Z"}');
  assert.equal(JSON.parse(line).observedTimestamp, '2020-01-01T00:00:00Z');
  assert.equal(JSON.parse(line).body, null);
});
