/** What may be sent by HTTP, what becomes of it, and what is refused. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type MadeCertificate, makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { HttpWorldUnderTest, json, lines, ndjson } from './world.ts';

test('lines, NDJSON and JSON come with a real curl, each record as it was sent', async () => {
  await using world = await HttpWorldUnderTest.start();
  const curl = (type: string | undefined, body: string, more: string[] = []) => {
    const header = type === undefined ? [] : ['-H', `content-type: ${type}`];
    return run('curl', ['-sS', '--data-binary', '@-', ...header, ...more, world.url], body);
  };
  assert.equal(await curl(undefined, 'one\n\ntwo\r\nthree'), '{"records":4}\n');
  assert.equal(
    await curl('application/x-ndjson', '{"a": 12345678901234567890}\n\n  {"b":"\\u00e9"} \r\n"text"'),
    '{"records":3}\n',
  );
  assert.equal(await curl('application/json; charset=utf-8', ' [{"a":[1,\n2]}, null,\t3.50 ]\n'), '{"records":3}\n');
  assert.equal(await curl('application/json', '{\r\n "pretty": true\n}\n{"b":1}'), '{"records":2}\n');
  assert.equal(await curl('application/json', '[]'), '{"records":0}\n');
  assert.equal(await curl(undefined, 'put\n', ['-X', 'PUT']), '{"records":1}\n');
  assert.deepEqual(world.records, [
    ...['one\n', '\n', 'two\r\n', 'three\n'],
    ...['{"a": 12345678901234567890}\n', '{"b":"\\u00e9"}\n', '"text"\n'],
    ...['{"a":[1, 2]}\n', 'null\n', '3.50\n', '{   "pretty": true }\n', '{"b":1}\n', 'put\n'],
  ]);
  assert.deepEqual(world.collector.status().read.records, 13);
});

test('bytes that are no UTF-8 stay as they are in lines, and are refused in JSON', async () => {
  await using world = await HttpWorldUnderTest.start();
  assert.equal((await world.post(Buffer.from('caf\xe9\0\n', 'latin1'), lines)).status, 200);
  const { status, told } = await world.post(Buffer.from('"caf\xe9"\n', 'latin1'), ndjson);
  assert.deepEqual([status, told.error], [400, 'The body is JSON and not UTF-8.']);
  assert.equal(world.records.length, 1);
});

test('gzip, zstd and deflate are expanded; what does not decode, or is another, is refused', async () => {
  await using world = await HttpWorldUnderTest.start();
  const text = 'a line\n'.repeat(3000);
  for (const [encoding, body] of [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['zstd', Buffer.concat([zstdCompressSync('a line\n'), zstdCompressSync(text.slice(7))])],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['identity', Buffer.from(text)],
  ] as const)
    assert.deepEqual((await world.post(body, { 'content-encoding': encoding })).told, { records: 3000 }, encoding);
  const refusals = [
    ['gzip', 'no gzip', 400],
    ['gzip', gzipSync(text).subarray(0, -4), 400],
    ['zstd', Buffer.concat([zstdCompressSync(text), Buffer.from('behind')]), 400],
    ['br', 'x', 415],
    ['gzip, gzip', gzipSync(gzipSync(text)), 415],
  ] as const;
  for (const [encoding, body, status] of refusals)
    assert.equal((await world.post(body, { 'content-encoding': encoding })).status, status, encoding);
  assert.equal(world.records.length, 7 * 3000);
  assert.equal(world.collector.status().gauges.answers_bad_request, 3);
});

test('one bad value refuses the whole request, says where, and is counted', async () => {
  await using world = await HttpWorldUnderTest.start();
  const cases = [
    [ndjson, '{"a":1}\n{"b":2,}\n', 'Record 2, at byte 15 of the body: expected a name in quotes.'],
    [ndjson, '{"a":1} {"b":2}\n', 'Record 2, at byte 8 of the body: more than one value in a line.'],
    [ndjson, '{"a":\n1}\n', 'Record 1, at byte 5 of the body: it ends too early.'],
    [json, '[{"a":1} {"b":2}]', 'Record 2, at byte 9 of the body: expected , or ].'],
    [json, '[1,2', 'Record 3, at byte 4 of the body: it ends too early.'],
    [json, '[1,,2]', 'Record 2, at byte 3 of the body: expected a value.'],
    [
      json,
      `${'['.repeat(300)}${']'.repeat(300)}`,
      'Record 1, at byte 129 of the body: more than 128 arrays and objects within each other.',
    ],
  ] as const;
  for (const [headers, body, error] of cases) {
    const { status, told } = await world.post(body, headers);
    assert.deepEqual([status, told.error], [400, error]);
  }
  assert.deepEqual(world.records, []);
  assert.equal(world.collector.status().gauges.answers_bad_request, cases.length);
});

test('records: body makes everything the body of an event', async () => {
  await using world = await HttpWorldUnderTest.start({ meaning: 'body' });
  assert.deepEqual((await world.post('{"body":1}\n"x"', ndjson)).told, { records: 2 });
  assert.deepEqual(world.records, ['{"body":{"body":1}}\n', '{"body":"x"}\n']);
});

test('a body is refused that is too long, as sent or as expanded, before it is in memory', async () => {
  await using world = await HttpWorldUnderTest.start({ bodyBytesMax: 100_000, memoryBytesMax: 400_000 });
  const bomb = gzipSync(Buffer.alloc(50 << 20));
  const zbomb = zstdCompressSync(Buffer.alloc(50 << 20));
  for (const [body, encoding] of [
    [bomb, 'gzip'],
    [zbomb, 'zstd'],
    [Buffer.alloc(100_001), 'identity'],
  ] as const)
    assert.equal((await world.post(body, { 'content-encoding': encoding })).status, 413);
  const chunked = new ReadableStream({
    pull: (controller) => controller.enqueue(Buffer.alloc(30_000)),
  });
  const options = { method: 'POST', body: chunked, duplex: 'half' } as RequestInit;
  assert.equal((await fetch(world.url, options)).status, 413);
  assert.ok(world.collector.status().gauges.memory_bytes_peak! <= 400_000);
  assert.equal(world.collector.status().gauges.memory_bytes, 0);
  assert.equal((await world.post(Buffer.alloc(100_000))).status, 200);
});

test('bodies together take no more memory than allowed: who comes too much is asked to come back', async () => {
  await using world = await HttpWorldUnderTest.start({ bodyBytesMax: 100_000, memoryBytesMax: 250_000 });
  const slow = Array.from({ length: 3 }, () => {
    const sent = request(world.url, { method: 'POST', headers: { 'content-length': '90000' } });
    sent.on('error', () => {});
    sent.write(Buffer.alloc(70_000));
    return sent;
  });
  const refused = await Promise.race(
    slow.map((one) => new Promise<number>((resolve) => one.on('response', (answer) => resolve(answer.statusCode!)))),
  );
  assert.equal(refused, 503);
  for (const one of slow) one.destroy();
  for (let tries = 0; world.collector.status().gauges.memory_bytes! > 0 && tries < 500; tries++) await pause(10);
  assert.equal((await world.post('one\n')).status, 200);
});

test('one address gets half of the memory and so many connections; others are served', async () => {
  const limits = { bodyBytesMax: 100_000, memoryBytesMax: 400_000, connectionsPerPeerMax: 3 };
  await using world = await HttpWorldUnderTest.start(limits);
  const send = (localAddress: string, whole: boolean) =>
    new Promise<number | string>((resolve) => {
      const options = { method: 'POST', localAddress, agent: false, headers: { 'content-length': '90000' } };
      const sent = request(world.url, options, (answer) => resolve(answer.statusCode!));
      sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
      sent.write(Buffer.alloc(70_000));
      if (whole) sent.end(Buffer.alloc(20_000));
      held.push(sent);
    });
  const held: ReturnType<typeof request>[] = [];
  const greedy = [send('127.0.0.2', false), send('127.0.0.2', false), send('127.0.0.2', false)];
  assert.equal(await Promise.race(greedy), 503);
  assert.equal(await send('127.0.0.3', true), 200);
  // Connections of one address: the fourth is closed at once.
  for (let number = 0; number < 3; number++) void send('127.0.0.4', false);
  await until(() => world.collector.status().gauges.connections! >= 5);
  assert.equal(await send('127.0.0.4', true), 'ECONNRESET');
  assert.equal(await send('127.0.0.3', true), 200);
  for (const one of held) one.destroy();
});

test('HTTPS: without a certificate of the right authority nobody gets in', { skip: opensslMissing }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tailspool-certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [ours, theirs] = [makeAuthority(folder, 'ours'), makeAuthority(folder, 'theirs')];
  const server = makeCertificate(folder, 'server', ours);
  await using world = await HttpWorldUnderTest.start({ tls: { ...server, clientCaFile: ours.certFile } });
  const curl = (client: string | undefined, authority: MadeCertificate) => {
    const made = client === undefined ? undefined : makeCertificate(folder, client, authority);
    const shown = made === undefined ? [] : ['--cert', made.certFile, '--key', made.keyFile];
    const url = world.url.replace('http://127.0.0.1', 'https://localhost');
    const trust = ['--cacert', ours.certFile, '-o', '/dev/null', '-w', '%{http_code}'];
    return run('curl', ['-sS', ...trust, ...shown, '--data-binary', '@-', url], 'x\n');
  };
  assert.equal(await curl('client', ours), '200');
  assert.equal(await curl('stranger', theirs), '403');
  assert.equal(await curl(undefined, ours), '403');
  assert.deepEqual(world.records, ['x\n']);
});

test('without the right token, or user and password, nobody gets in', async () => {
  const credentials = { tokens: () => ['good'], logins: () => ['ann:secret'] };
  await using world = await HttpWorldUnderTest.start({}, credentials);
  const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`;
  for (const authorization of ['', 'Bearer bad', basic('ann:wrong'), basic(''), basic('good'), 'Bearer ann:secret']) {
    const { status, headers } = await world.post('x\n', { authorization });
    assert.equal(status, 401, authorization);
    assert.equal(headers.get('www-authenticate'), 'Bearer realm="tailspool", Basic realm="tailspool"');
  }
  for (const authorization of ['Bearer good', basic('ann:secret')])
    assert.equal((await world.post('x\n', { authorization })).status, 200);
  world.credentials = {};
  assert.equal(world.records.length, 2);
});

test('another path, method or content type is told so', async () => {
  await using world = await HttpWorldUnderTest.start({ path: '/logs' });
  assert.equal((await fetch(`${world.url}other`, { method: 'POST', body: 'x' })).status, 404);
  const get = await fetch(`${world.url}logs`);
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST, PUT']);
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  assert.equal((await fetch(`${world.url}logs`, { method: 'POST', body: 'x', headers })).status, 415);
  assert.equal((await fetch(`${world.url}logs?a=b`, { method: 'POST', body: 'x' })).status, 200);
});

test('who sends faster than allowed is asked to come back, and others are not', async () => {
  await using world = await HttpWorldUnderTest.start({ rateBytesPerSecondMax: 10_000 });
  assert.equal((await world.post(Buffer.alloc(40_000))).status, 200);
  const { status, headers } = await world.post('x');
  assert.equal(status, 429);
  assert.ok(Number(headers.get('retry-after')) >= 1);
});

test('a full spool answers 503 and takes nothing', async () => {
  await using world = await HttpWorldUnderTest.start();
  const { intake } = world.spool;
  const { reserve, room } = intake;
  Object.assign(intake, { reserve: () => undefined, room: () => Promise.reject(new Error('not now')) });
  const { status, headers } = await world.post('one\n', {}, 'a key');
  assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
  Object.assign(intake, { reserve, room });
  assert.equal((await world.post('two\n')).status, 200);
  assert.deepEqual(world.records, ['two\n']);
});

test('a port that is taken is a red problem, and is bound when it is free', async () => {
  await using first = await HttpWorldUnderTest.start();
  const { port } = first.collector.address!;
  await using second = await HttpWorldUnderTest.start({ port });
  const [problem] = second.collector.status().problems;
  assert.deepEqual([problem?.cause, problem?.red], ['cannot_listen', true]);
  await first.collector.stop();
  for (let tries = 0; !second.collector.address && tries < 500; tries++) await pause(10);
  assert.deepEqual(second.collector.status().problems, []);
  assert.equal((await second.post('x\n')).status, 200);
});

async function run(command: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  return Buffer.concat(await child.stdout.toArray()).toString();
}

async function until(check: () => boolean): Promise<void> {
  for (let tries = 0; !check(); tries++) {
    assert.ok(tries < 1000, 'waited for ten seconds');
    await pause(10);
  }
}
