/** OTLP logs in both encodings: the same events, with every digit; malformed ones leave nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostInflater } from '../../../agent/host/inflater.ts';
import { hostListener } from '../../../agent/host/listener.ts';
import { OtlpCollector } from '../../../collectors/otlp/collector.ts';
import { eventsOfJson } from '../../../collectors/otlp/json.ts';
import { eventsOfProtobuf } from '../../../collectors/otlp/protobuf.ts';
import { SeverityNumber, sdk } from '../../end-to-end/otel-sdk.ts';
import { delivered, temporarySpool } from '../../spool/temporary-spool.ts';
import { httpDefaults } from '../http/world.ts';
import { fullJson, fullProtobuf, message } from './requests.ts';

const full =
  '{"timestamp":"2026-11-23T15:30:00.123456789Z","observedTimestamp":"2026-11-23T15:30:01.000000001Z","severityNumber":17,' +
  '"severityText":"ERROR","eventName":"checkout.failed","traceId":"000102030405060708090a0b0c0d0e0f","spanId":"0001020304050607",' +
  '"traceFlags":1,"resource":{"service.name":"shop","otel.schema_url":"https://r"},' +
  '"scope":{"name":"cart","version":"1.2","attributes":{"a":true}},' +
  '"attributes":{"int":-9223372036854775808,"big":9007199254740993,"double":0.5,"nan":"NaN","yes":true,"no":false,' +
  '"bytes":{"bytes":"AP8="},"list":["x",1,null],"map":{"k":{"deep":"v"}},"none":null,' +
  '"otel.scope.schema_url":"https://s","otel.dropped_attributes_count":2},"body":"caf\u00e9 \\"quoted\\"\\n"}';

test('every field comes over, the same from protobuf and JSON', () => {
  assert.deepEqual([...eventsOfProtobuf(fullProtobuf)], [full]);
  assert.deepEqual([...eventsOfJson(Buffer.from(fullJson))], [full]);
  assert.equal(JSON.parse(full).attributes.nan, 'NaN');
});

test('a record without anything is one; resource and scope may stand behind their records', () => {
  const resource = message([
    [
      1,
      message([
        [1, Buffer.from('k')],
        [2, message([[1, Buffer.from('v')]])],
      ]),
    ],
  ]);
  const scopeLogs = message([
    [2, Buffer.alloc(0)],
    [1, message([[1, Buffer.from('late')]])],
  ]);
  const request = message([
    [
      1,
      message([
        [2, scopeLogs],
        [1, resource],
      ]),
    ],
  ]);
  assert.deepEqual([...eventsOfProtobuf(request)], ['{"resource":{"k":"v"},"scope":{"name":"late"}}']);
  const bare = message([[1, message([[2, message([[2, Buffer.alloc(0)]])]])]]);
  assert.deepEqual([...eventsOfProtobuf(bare)], ['{"body":null}']);
});

async function started(limits: Partial<typeof httpDefaults> = {}) {
  const folder = temporarySpool();
  const spool = await folder.open();
  const log = folder.ports.log;
  const collector = new OtlpCollector(
    { ...httpDefaults, name: 'otel', path: '/v1/logs', ...limits },
    {
      intake: spool.intake,
      clock: hostClock,
      inflater: hostInflater,
      log,
      listener: hostListener(log),
      credentials: {},
    },
  );
  await collector.start();
  const url = `http://127.0.0.1:${collector.address!.port}/v1/logs`;
  return {
    url,
    collector,
    records: () => delivered(folder, spool.outlet('s')),
    async post(body: Uint8Array | string, headers: Record<string, string>) {
      const response = await fetch(url, { method: 'POST', body: Buffer.from(body), headers });
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        body: Buffer.from(await response.arrayBuffer()),
      };
    },
    async [Symbol.asyncDispose]() {
      await collector.stop();
      await spool.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json' };

test('a request is answered in its encoding; a malformed one with a status, and leaves nothing', async () => {
  await using world = await started();
  const good = await world.post(gzipSync(fullProtobuf), { ...protobuf, 'content-encoding': 'gzip' });
  assert.deepEqual(good, { status: 200, type: 'application/x-protobuf', body: Buffer.alloc(0) });
  const alsoGood = await world.post(fullJson, json);
  assert.deepEqual([alsoGood.status, alsoGood.type, alsoGood.body.toString()], [200, 'application/json', '{}']);
  const bad = await world.post(Buffer.concat([fullProtobuf, Buffer.from([0x0a, 0x05])]), protobuf);
  assert.equal(bad.status, 400);
  assert.equal(bad.body.subarray(0, 3).toString('hex'), '080312', 'a google.rpc.Status with INVALID_ARGUMENT');
  const badJson = await world.post('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"x"}]}]}]}', json);
  assert.deepEqual(JSON.parse(badJson.body.toString()), {
    code: 3,
    message: 'This is no ExportLogsServiceRequest: timeUnixNano is no integer.',
  });
  assert.equal((await world.post('x', { 'content-type': 'text/plain' })).status, 415);
  assert.deepEqual(world.records(), [`${full}\n`, `${full}\n`]);
});

test('a record that is too long is rejected, the others are taken, and the client is told', async () => {
  await using world = await started({ bodyBytesMax: 12 << 20, memoryBytesMax: 200 << 20 });
  const record = (body: string | Buffer) => message([[5, message([[1, Buffer.from(body)]])]]);
  const scopeLogs = message([
    [2, record('one')],
    [2, record(Buffer.alloc(3 << 20, 1))],
    [2, record('three')],
  ]);
  const { status, body } = await world.post(message([[1, message([[2, scopeLogs]])]]), protobuf);
  assert.equal(status, 200);
  assert.equal(body.subarray(2, 4).toString('hex'), '0801', 'one rejected record in a partial success');
  assert.deepEqual(world.records(), ['{"body":"one"}\n', '{"body":"three"}\n']);
  assert.equal(world.collector.status().gauges.rejected_records, 1);
});

test('JSON that would take too much memory when it is parsed is refused before', async () => {
  await using world = await started();
  const { status } = await world.post(`{"x":[${'[],'.repeat(300_000)}[]]}`, json);
  assert.equal(status, 400);
});

for (const encoding of ['protobuf', 'json'] as const)
  test(`the OpenTelemetry SDK for Node (${encoding}): what it emits is in the spool, once and in order`, async () => {
    await using world = await started();
    const { provider, logger } = sdk(world.url, encoding);
    const emitted = 3000;
    for (let number = 0; number < emitted; number++)
      logger.emit({
        severityNumber: SeverityNumber.WARN,
        severityText: 'WARN',
        body: number === 7 ? { nested: ['x', { deep: true }] } : `record ${number}`,
        attributes: { number, ratio: 0.25, tags: ['a', 'b'], 'http.route': '/cart' },
        timestamp: [1_790_000_000 + number, 123_456_789],
      });
    await provider.forceFlush();
    await provider.shutdown();
    const events = world.records().map((line) => JSON.parse(line));
    assert.equal(events.length, emitted);
    assert.deepEqual(
      events.map(({ attributes }) => attributes.number),
      Array.from({ length: emitted }, (_, number) => number),
    );
    const [first] = events;
    assert.equal(first.timestamp, '2026-09-21T14:13:20.123456789Z');
    assert.match(first.observedTimestamp, /^20\d\d-.*\d{9}Z$/);
    assert.deepEqual(
      { ...first, timestamp: undefined, observedTimestamp: undefined },
      {
        ...{ timestamp: undefined, observedTimestamp: undefined, severityNumber: 13, severityText: 'WARN' },
        resource: { 'service.name': 'shop', 'service.instances': 3 },
        scope: { name: 'cart', version: '1.2.3' },
        attributes: { number: 0, ratio: 0.25, tags: ['a', 'b'], 'http.route': '/cart' },
        body: 'record 0',
      },
    );
    assert.deepEqual(events[7].body, { nested: ['x', { deep: true }] });
  });
