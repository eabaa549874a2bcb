/** Clients that are broken or mean, over real connections to a receiver on a real spool. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { request } from 'undici';
import type { Spool } from '../../../spool/spool.ts';
import { encodeBatch, wireLimits } from '../../../spool/wire.ts';
import { temporarySpool } from '../../spool/temporary-spool.ts';
import { type RealReceiver, startReceiver, stopAll, until } from '../../wire/real.ts';
import { addBlocks, agentSpool, batchOf } from './client.ts';

const center = temporarySpool();
let spool: Spool;
let receiver: RealReceiver;
const memoryBytesMax = 4 * 1024 * 1024;
const token = 'a-good-token';

before(async () => {
  const tokenFile = `${center.path}/tokens`;
  writeFileSync(tokenFile, `${token}\nanother\n`);
  spool = await center.open();
  receiver = await startReceiver(spool, { memoryBytesMax, connectionsMax: 50, idleTimeoutMs: 300, tokenFile });
});

after(async () => {
  await stopAll();
  await spool.close();
  await center[Symbol.asyncDispose]();
});

const agent = agentSpool(6);
const [batch, blocks] = batchOf(agent, 0, 5, { firstContact: true });
const authorization = `Bearer ${token}`;

interface Said {
  readonly status: number;
  readonly answer: string | undefined;
  readonly text: string;
}

async function post(
  headers: Record<string, string>,
  body: Buffer,
  more: { method?: 'POST' | 'GET' | 'PUT' | 'DELETE'; path?: string; authorization?: string | undefined } = {},
): Promise<Said> {
  const url = new URL(more.path ?? '/v1/blocks', receiver.url);
  const shown = 'authorization' in more ? more.authorization : authorization;
  const all = shown === undefined ? headers : { ...headers, authorization: shown };
  const method = more.method ?? 'POST';
  const got = await request(url, { method, headers: all, body: method === 'GET' ? null : body, reset: true });
  const text = await got.body.text();
  return { status: got.statusCode, answer: /"answer":"(\w+)"/.exec(text)?.[1], text };
}

/** Nothing of what was sent is in the spool or its table. */
function assertNothingStored(): void {
  assert.equal(spool.status().recordsTotal, 0);
  assert.equal(spool.intake.sources.size, 0);
  assert.equal(receiver.collector.status().gauges.streams, 0);
}

const headers = encodeBatch(batch);
const changed = (at: number, bit = 1) => {
  const copy = Buffer.from(blocks);
  copy[at] = copy[at]! ^ bit;
  return copy;
};
const put32 = (at: number, value: number) => {
  const copy = Buffer.from(blocks);
  copy.writeUInt32LE(value, at);
  return copy;
};
const describing = (descriptions: Uint8Array) =>
  encodeBatch({ ...batch, descriptionsBytes: descriptions.length, descriptionsCrc: crc32(descriptions) });
const headerBytes = agent.blocks[0]!.header.length;
const stranger = agentSpool(6, 'stranger');

type Case = [name: string, status: number, answer: string, send: () => Promise<Said>];
const cases: Case[] = [
  ['no token', 401, 'unauthorized', () => post(headers, blocks, { authorization: undefined })],
  ['a wrong token', 401, 'unauthorized', () => post(headers, blocks, { authorization: 'Bearer guess' })],
  ['a token of another kind', 401, 'unauthorized', () => post(headers, blocks, { authorization: `Basic ${token}` })],
  [
    'a token that begins right',
    401,
    'unauthorized',
    () => post(headers, blocks, { authorization: `${authorization}x` }),
  ],
  ['another path', 404, 'not_found', () => post(headers, blocks, { path: '/v1/blocks/../../etc/passwd' })],
  ['a path with escapes', 404, 'not_found', () => post(headers, blocks, { path: '/v1/%62locks' })],
  ['another method', 405, 'method_not_allowed', () => post(headers, blocks, { method: 'PUT' })],
  ['no words of the protocol', 400, 'bad_request', () => post({}, blocks)],
  ['a path as spool id', 400, 'bad_request', () => post({ ...headers, 'tailspool-spool': '../../../x' }, blocks)],
  ['a path as stream', 400, 'bad_request', () => post({ ...headers, 'tailspool-stream': '../../../x' }, blocks)],
  ['another protocol version', 426, 'unknown_version', () => post({ ...headers, 'tailspool-protocol': '9' }, blocks)],
  ['garbage as body', 400, 'bad_request', () => post(headers, Buffer.alloc(blocks.length, 'x'))],
  ['zeroes as body', 400, 'bad_request', () => post(headers, Buffer.alloc(blocks.length))],
  ['a body that is shorter than the range', 400, 'bad_request', () => post(headers, blocks.subarray(0, -1))],
  [
    'a body that is longer than the range',
    400,
    'bad_request',
    () => post(headers, Buffer.concat([blocks, Buffer.alloc(9)])),
  ],
  ['no body', 400, 'bad_request', () => post(headers, Buffer.alloc(0))],
  [
    'a range that ends within a block',
    400,
    'bad_request',
    () => post({ ...headers, 'tailspool-upto': String(batch.upto - 5) }, blocks.subarray(0, -5)),
  ],
  [
    'a range that begins elsewhere',
    400,
    'bad_request',
    () => post({ ...headers, 'tailspool-after': '7', 'tailspool-upto': String(batch.upto + 7) }, blocks),
  ],
  [
    'blocks of another spool',
    400,
    'bad_request',
    () => post(headers, batchOf(stranger, 0, 5)[1].subarray(0, blocks.length)),
  ],
  ['a flipped bit in a header', 400, 'bad_request', () => post(headers, changed(40))],
  ['a flipped bit in a frame', 400, 'bad_request', () => post(headers, changed(headerBytes + 3))],
  ['a forged header length', 400, 'bad_request', () => post(headers, put32(4, 3))],
  ['a forged huge header length', 400, 'bad_request', () => post(headers, put32(4, 0xffff_fff0))],
  ['a forged header length of 12 MiB', 413, 'too_large', () => post(headers, put32(4, 12 * 1024 * 1024))],
  ['a forged frame length', 400, 'bad_request', () => post(headers, put32(20, 0xffff_ffff))],
  [
    'descriptions that are none',
    400,
    'bad_request',
    () => post(describing(Buffer.from('hello')), Buffer.concat([Buffer.from('hello'), blocks])),
  ],
  [
    'a flipped bit in the descriptions',
    400,
    'bad_request',
    () => {
      const descriptions = Buffer.from(agent.outlet('s').describe());
      const said = describing(descriptions);
      const at = descriptions.indexOf('file'); // still descriptions, of another source
      descriptions[at] = descriptions[at]! ^ 1;
      return post(said, Buffer.concat([descriptions, blocks]));
    },
  ],
  [
    'descriptions beyond the limit',
    400,
    'bad_request',
    () => post({ ...headers, 'tailspool-descriptions': String(wireLimits.descriptionsBytesMax + 1) }, blocks),
  ],
  [
    'a batch beyond the limit',
    413,
    'too_large',
    () => post({ ...headers, 'tailspool-upto': String(2 ** 40) }, Buffer.alloc(wireLimits.batchBytesMax + 1)),
  ],
];

for (const [name, status, answer, send] of cases) {
  test(`${name}: ${status} ${answer}, and nothing is stored`, async () => {
    const said = await send();
    assert.deepEqual([said.status, said.answer], [status, answer], said.text);
    assert.doesNotMatch(said.text, new RegExp(token));
    if (status === 401) assert.doesNotMatch(said.text, new RegExp(spool.id));
    await spool.intake.flush();
    assertNothingStored();
  });
}

test('a block of a newer version gets 426 with the versions that are taken', async () => {
  const copy = Buffer.from(agent.blocks[0]!.header);
  copy.writeUInt16LE(7, 12);
  reseal(copy);
  const body = Buffer.concat([copy, blocks.subarray(copy.length)]);
  const said = await post(headers, body);
  assert.equal(said.status, 426);
  assert.deepEqual(JSON.parse(said.text).versions, [1]);
  assertNothingStored();
});

test('a body without a length is refused with 411', async () => {
  const lines = Object.entries({ ...headers, authorization }).map(([name, value]) => `${name}: ${value}`);
  const text = await raw(
    `POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${lines.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  );
  assert.match(text, /^HTTP\/1\.1 411 /);
});

for (const [name, start] of [
  ['says nothing', ''],
  ['stops in its headers', 'POST /v1/blocks HTTP/1.1\r\nhost: x\r\n'],
  ['stops in its body', undefined],
] as const) {
  test(`a client that ${name} is cut off`, async () => {
    const lines = Object.entries({ ...headers, authorization, 'content-length': blocks.length });
    const head = `POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${lines.map(([key, value]) => `${key}: ${value}`).join('\r\n')}\r\n\r\n`;
    const text = await raw(start ?? head + blocks.subarray(0, 10).toString('latin1'));
    assert.match(text, /^$|^HTTP\/1\.1 408 /);
    assertNothingStored();
  });
}

test('garbage instead of HTTP gets 400 at most and costs nothing', async () => {
  assert.match(await raw('\u0016\u0003\u0001 what is this\r\n\r\n'), /^$|^HTTP\/1\.1 400 /);
  assert.match(await raw(`GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('beyond the memory budget clients are sent away with 503, memory stays within it, and a patient one gets through', async () => {
  const large = agentSpool(1, 'large');
  for (let i = 0; i < 3; i++) large.add(`${'z'.repeat(900_000)}\n`);
  large.sync();
  const [wide, body] = batchOf(large, 0, 3, { firstContact: true });
  const head = Object.entries({ ...encodeBatch(wide), authorization, 'content-length': body.length });
  const text = `POST /v1/blocks HTTP/1.1\r\nhost: x\r\n${head.map(([key, value]) => `${key}: ${value}`).join('\r\n')}\r\n\r\n`;
  // each of them has sent most of a block, and waits
  const first = large.blocks[1]!.end - 1000;
  const waiting = Array.from({ length: 9 }, () => raw(Buffer.concat([Buffer.from(text), body.subarray(0, first)])));
  const answers = await Promise.all(waiting);
  assert.ok(
    answers.some((answer) => /^HTTP\/1\.1 503 /.test(answer) && /retry-after: 1/i.test(answer)),
    answers.join('\n'),
  );
  const { gauges } = receiver.collector.status();
  assert.ok(gauges.memory_bytes_peak! <= memoryBytesMax && gauges.memory_bytes_peak! > memoryBytesMax / 2);
  await until('the memory is given back', () => receiver.collector.status().gauges.memory_bytes === 0);
  assert.equal((await post(encodeBatch(wide), body)).status, 200);
});

test('after all of this the receiver takes an honest batch, and its status tells what it refused', async () => {
  assert.equal((await post(headers, blocks)).status, 200);
  addBlocks(agent, 1);
  assert.equal((await post(encodeBatch(batchOf(agent, 6, 6)[0]), batchOf(agent, 6, 6)[1])).status, 200);
  const { gauges } = receiver.collector.status();
  for (const word of ['bad_request', 'unauthorized', 'not_found', 'too_large', 'unknown_version', 'busy', 'taken'])
    assert.ok((gauges[`answers_${word}`] ?? 0) > 0, word);
});

/** Sends bytes as they are and reads until the other side closes. */
function raw(bytes: string | Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  const socket = connect(receiver.port, '127.0.0.1', () =>
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
  );
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => resolve(text));
  socket.on('close', () => resolve(text));
  return promise;
}

/** Makes the checksum of a header right again. */
function reseal(header: Buffer): void {
  header.writeUInt32LE(crc32(header.subarray(20), crc32(header.subarray(0, 16))), 16);
}
