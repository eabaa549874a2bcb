/** GELF messages as events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { expandMessage, gelfEvent } from '../../../collectors/gelf/gelf-event.ts';

/** The example of the specification. */
const example = Buffer.from(
  JSON.stringify({
    version: '1.1',
    host: 'example.org',
    short_message: 'A short message that helps you identify what is going on',
    full_message: 'Backtrace here\n\nmore stuff',
    timestamp: 1385053862.3072,
    level: 1,
    _user_id: 9001,
    _some_info: 'foo',
    _some_env_var: 'bar',
  }),
);

test('the example of the specification', () => {
  assert.deepEqual(gelfEvent(example, { 'network.peer.address': '192.0.2.1' }), {
    timestamp: '2013-11-21T17:11:02.307200Z',
    severityNumber: 19,
    severityText: 'alert',
    resource: { 'host.name': 'example.org' },
    attributes: {
      ...{ 'network.peer.address': '192.0.2.1', 'gelf.full_message': 'Backtrace here\n\nmore stuff' },
      ...{ user_id: 9001, some_info: 'foo', some_env_var: 'bar' },
    },
    body: 'A short message that helps you identify what is going on',
  });
});

test('compressed or not, the same; what becomes too large is none', () => {
  for (const bytes of [example, gzipSync(example), deflateSync(example), deflateSync(example, { level: 9 })])
    assert.deepEqual(expandMessage(bytes, 10_000), example);
  assert.equal(expandMessage(gzipSync(Buffer.alloc(20_000)), 10_000), undefined);
  assert.equal(expandMessage(gzipSync(example).subarray(0, 50), 10_000), undefined);
});

test('odd fields keep their values under names of their own, long integers their digits', () => {
  const odd =
    '{"short_message":"x","level":9,"timestamp":"now","file":"a.c","line":7,"_":1,"_a":12345678901234567890,"network":2,"_peer":3}';
  assert.deepEqual(gelfEvent(Buffer.from(odd), { peer: 'p' })?.attributes, {
    ...{ peer: 'p', 'code.file.path': 'a.c', 'code.line.number': 7, 'gelf._': 1, a: '12345678901234567890' },
    ...{ 'gelf.network': 2, 'gelf._peer': 3 },
  });
  for (const none of ['', '[]', '"x"', '{}', '{"short_message":1', '\xff'])
    assert.equal(gelfEvent(Buffer.from(none, 'latin1'), {}), undefined);
});
