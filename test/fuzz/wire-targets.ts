/** Decoders of what comes over the network: headers, answers, whole requests to the receiver and to admin. */
import assert from 'node:assert/strict';
import { adminRoutes } from '../../agent/admin/routes.ts';
import type { AgentStatus } from '../../agent/status/status.ts';
import { isAuthorized } from '../../collectors/blocks/token.ts';
import type { Outgoing } from '../../shippers/http/native/batch.ts';
import { decide, decideTold } from '../../shippers/http/native/decide.ts';
import { retryAfterMs } from '../../shippers/http/shared/retry.ts';
import { type Batch, decodeBatch, decodeKey, encodeBatch } from '../../spool/wire.ts';
import { decodeAnswer, encodeAnswer } from '../../spool/wire-answer.ts';
import { picture } from '../agent/pictures.ts';
import { agentSpool, batchOf, Client } from '../collectors/blocks/client.ts';
import type { Target } from './target.ts';

const id = 'ab'.repeat(16);
const batch: Batch = {
  ...{ spool: id, stream: 'audit', epoch: 'cd'.repeat(16), receiver: 'ef'.repeat(16), after: 100, upto: 900 },
  gaps: [
    { from: 200, upto: 300, reason: 'damaged', records: 3, bytes: 100 },
    { from: 300, upto: 400, reason: 'hole_in_positions', records: -1, bytes: -1 },
  ],
  parent: { epoch: '12'.repeat(16), end: 100, hash: '34'.repeat(16) },
  ...{ firstContact: true, descriptionsBytes: 12, descriptionsCrc: 0x1234abcd },
};
const held = { epoch: 'cd'.repeat(16), held: 900, hash: '34'.repeat(16) };
const answer = Buffer.from(
  encodeAnswer({
    ...{ answer: 'taken', receiver: id, row: held, rows: [held], describe: true, versions: [1], message: 'Taken.' },
  }),
);
const place = { receiver: id, epoch: held.epoch, forked: false, position: 100, hash: held.hash, fork: false };
/** The hash where it ends is another than the valid answer tells. */
const sent: Outgoing = {
  ...{ batch, blocks: new Uint8Array(), blocksCount: 2, records: 5, forked: false },
  boundaries: [{ position: 900, hash: '56'.repeat(16) }],
};
const small = agentSpool(2);
const [goodBatch, goodBody] = batchOf(small, 0, 1, { firstContact: true });
let client: Client | undefined;

export const wireTargets: readonly Target[] = [
  {
    name: 'request headers',
    from: 'wire',
    valid: [textOf(encodeBatch(batch)), textOf(encodeBatch({ ...batch, gaps: [], parent: undefined }))],
    run(input) {
      const headers = headersOf(input);
      decodeKey(headers);
      const words = decodeBatch(headers);
      if (words.kind !== 'ok') return;
      assert.ok(words.value.after < words.value.upto);
      assert.deepEqual(decodeBatch(encodeBatch(words.value)), words);
    },
  },
  {
    name: 'answer',
    from: 'wire',
    valid: [answer],
    run(input) {
      const decoded = decodeAnswer(input);
      if (decoded) assert.deepEqual(decodeAnswer(Buffer.from(encodeAnswer(decoded))), decoded);
      for (const status of [200, 302, 401, 409, 413, 426, 503]) {
        const got = { status, headers: headersOf(input), body: input };
        const { kind } = decide(got, sent, place, { oldest: 0, endingAt: () => undefined });
        assert.ok(kind !== 'advanced', 'nothing but the hash of an own block moves the cursor');
        decideTold(got);
      }
    },
  },
  {
    name: 'Retry-After and authorization',
    from: 'wire',
    valid: [Buffer.from('120'), Buffer.from('Wed, 21 Oct 2026 07:28:00 GMT'), Buffer.from('Bearer s3cret')],
    run(input) {
      const ms = retryAfterMs(input.toString('latin1'), 1_780_000_000_000);
      assert.ok(ms === undefined || (ms >= 0 && ms <= 3_600_000));
      const text = input.toString('latin1');
      if (isAuthorized(text, ['s3cret'])) assert.match(text, /^bearer +s3cret *$/i);
    },
  },
  {
    name: 'batch to the receiver',
    from: 'wire',
    valid: [goodBody],
    async run(input) {
      if (input.equals(goodBody)) return;
      client ??= await Client.start();
      const said = await client.send(goodBatch, input, { chunkBytes: 97 });
      assert.ok([400, 413, 426].includes(said.status), `${said.status} ${said.answer?.message}`);
      assert.equal(client.spool.blocks.length, 0, 'nothing was stored');
      assert.equal(client.receiver.status().gauges.memory_bytes, 0, 'memory was given back');
    },
  },
  {
    name: 'request to the receiver',
    from: 'wire',
    valid: [Buffer.concat([Buffer.from('POST /v1/blocks\n'), textOf(encodeBatch(goodBatch))])],
    async run(input) {
      const receiver = await Client.start();
      const cut = Math.max(0, input.indexOf(0x0a));
      const [method = '', target = ''] = input.toString('latin1', 0, cut).split(' ');
      const headers = { 'content-length': String(goodBody.length), ...headersOf(input.subarray(cut + 1)) };
      const said = await receiver.request(method, headers, goodBody, { target });
      assert.ok(said.status >= 200 && said.status < 600 && said.status !== 500, `${said.status}`);
      if (said.status !== 200) assert.equal(receiver.spool.blocks.length, 0, 'nothing was stored');
    },
  },
  {
    name: 'request to admin',
    from: 'wire',
    valid: ['GET /metrics', 'HEAD /status.json', 'GET /metrics?per=source', 'GET /healthz'].map((text) =>
      Buffer.from(text),
    ),
    async run(input) {
      const [method = '', target = ''] = input.toString('latin1').split(' ');
      const handler = adminRoutes({ status: () => shown });
      const { status } = await handler({
        ...{ method, target, headers: {}, peer: 'p', signal: new AbortController().signal },
        body: { read: async () => undefined } as never,
      });
      assert.ok([200, 404, 405, 414].includes(status), `${status}`);
    },
  },
];

const shown: AgentStatus = { ...picture(), running: true, red: false, problems: [] };

function textOf(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
    'latin1',
  );
}

/** Names in lower case, as Node gives them; a later one of a name wins. */
function headersOf(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of bytes.toString('latin1').split('\n')) {
    const cut = line.indexOf(':');
    if (cut > 0) headers[line.slice(0, cut).toLowerCase()] = line.slice(cut + 1).trim();
  }
  return headers;
}
