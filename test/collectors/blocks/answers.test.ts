/** The answers of a receiver to batches of one stream, and to questions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zeroHash } from '../../../spool/nouns.ts';
import { MemorySpool } from '../../wire/memory-spool.ts';
import { addBlocks, agentSpool, batchOf, Client, nextEpoch, type Said } from './client.ts';

const first = { firstContact: true };

test('a first contact is taken, from wherever it begins', async () => {
  const client = await Client.start();
  const agent = agentSpool(5);
  const said = await client.send(...batchOf(agent, 2, 4, first));
  assert.equal(said.status, 200);
  assert.equal(said.answer?.answer, 'taken');
  assert.equal(said.answer?.receiver, client.spool.id);
  assert.deepEqual(said.answer?.row, { epoch: agent.epoch.id, held: agent.end, hash: agent.blocks[4]!.hash });
  assert.equal(said.headers['tailspool-held'], String(agent.end));
  assert.deepEqual(
    client.held(),
    agent.blocks.slice(2).map((block) => block.hash),
  );
});

test('a stream never met, without first contact and without a parent that is held, is refused', async () => {
  const client = await Client.start();
  const agent = agentSpool(3);
  const parent = { epoch: 'a'.repeat(32), end: 0, hash: zeroHash };
  for (const over of [{}, { parent }]) {
    const said = await client.send(...batchOf(agent, 1, 2, { ...over, after: agent.blocks[1]!.position }));
    assert.equal(said.status, 409);
    assert.equal(said.answer?.answer, 'unknown');
  }
  assert.deepEqual(client.held(), []);
});

test('a duplicate is acknowledged again and not stored again', async () => {
  const client = await Client.start();
  const agent = agentSpool(4);
  const [batch, blocks] = batchOf(agent, 0, 3, first);
  const once = await client.send(batch, blocks);
  const twice = await client.send(batch, blocks);
  assert.equal(twice.status, 200);
  assert.equal(twice.answer?.answer, 'duplicate');
  assert.deepEqual(twice.answer?.row, once.answer?.row);
  assert.equal(client.held().length, 4);
});

test('of an overlap only what is new is taken', async () => {
  const client = await Client.start();
  const agent = agentSpool(6);
  await client.send(...batchOf(agent, 0, 3, first));
  const said = await client.send(...batchOf(agent, 2, 5));
  assert.equal(said.answer?.answer, 'taken');
  assert.deepEqual(
    client.held(),
    agent.blocks.map((block) => block.hash),
  );
});

test('an undeclared gap is refused with what is held', async () => {
  const client = await Client.start();
  const agent = agentSpool(6);
  await client.send(...batchOf(agent, 0, 1, first));
  const said = await client.send(...batchOf(agent, 3, 5));
  assert.equal(said.status, 409);
  assert.equal(said.answer?.answer, 'behind');
  assert.deepEqual(said.answer?.row, {
    epoch: agent.epoch.id,
    held: agent.blocks[1]!.end,
    hash: agent.blocks[1]!.hash,
  });
  assert.deepEqual(said.answer?.rows, [said.answer?.row]);
  assert.equal(client.held().length, 2);
});

test('a declared gap is taken, counted once as dropped upstream, and survives a repetition and a restart', async () => {
  const client = await Client.start();
  const agent = agentSpool(6);
  await client.send(...batchOf(agent, 0, 1, first));
  const gap = {
    from: agent.blocks[2]!.position,
    upto: agent.blocks[3]!.end,
    reason: 'retention' as const,
    records: 7,
    bytes: 70,
  };
  const [batch, blocks] = batchOf(agent, 4, 5, { after: gap.from, gaps: [gap] });
  assert.equal((await client.send(batch, blocks)).answer?.answer, 'taken');
  await client.restart();
  assert.equal((await client.send(batch, blocks)).answer?.answer, 'duplicate');
  const drops = client.spool.blocks.flatMap((block) => block.runs).filter((run) => run.dropped);
  assert.deepEqual(
    drops.map((run) => [run.from, run.to, run.dropped]),
    [[gap.from, gap.upto, { reason: 'upstream', records: 7, bytes: 70 }]],
  );
  assert.deepEqual(
    client.held(),
    [0, 1, 4, 5].map((n) => agent.blocks[n]!.hash),
  );
});

test('a batch of gaps alone moves the row, and what follows it is taken, after a restart too', async () => {
  const client = await Client.start();
  const agent = agentSpool(3);
  await client.send(...batchOf(agent, 0, 0, first));
  const { end, hash } = agent.blocks[0]!;
  const gap = { from: end, upto: agent.end, reason: 'retention' as const, records: 2, bytes: 0 };
  const said = await client.send(
    { ...batchOf(agent, 0, 0)[0], after: end, upto: agent.end, gaps: [gap] },
    Buffer.alloc(0),
  );
  assert.equal(said.status, 200);
  assert.deepEqual(said.answer?.row, { epoch: agent.epoch.id, held: agent.end, hash });
  await client.restart();
  addBlocks(agent, 1);
  assert.equal((await client.send(...batchOf(agent, 3, 3))).answer?.answer, 'taken');
});

test('two requests at once with the same blocks store them once', async () => {
  const client = await Client.start();
  const agent = agentSpool(9);
  const sends = [
    client.send(...batchOf(agent, 0, 8, first)),
    client.send(...batchOf(agent, 0, 8, first)),
    client.send(...batchOf(agent, 0, 4, first)),
    client.send(...batchOf(agent, 0, 6, first)),
  ];
  for (const said of await Promise.all(sends)) assert.equal(said.status, 200);
  assert.deepEqual(
    client.held(),
    agent.blocks.map((block) => block.hash),
  );
});

test('a body that comes too slowly for too long is cut off, and nothing of it is stored; one that is merely slow is taken', async () => {
  const client = await Client.start();
  const agent = agentSpool(30);
  const [batch, blocks] = batchOf(agent, 0, 29, first);
  const sent = async (chunkBytes: number) => {
    let said: Said | undefined;
    void client.send(batch, blocks, { chunkBytes, chunkMs: 1000 }).then((answer) => {
      said = answer;
    });
    await client.clock.runUntil(() => said !== undefined);
    return said!;
  };
  const tooSlow = await sent(20);
  assert.deepEqual([tooSlow.status, tooSlow.answer?.answer], [408, 'too_slow']);
  assert.deepEqual(client.held(), []);
  assert.equal(client.receiver.status().gauges.memory_bytes, 0);
  assert.equal((await sent(Math.ceil(blocks.length / 25))).answer?.answer, 'taken');
});

test('two receivers on one spool agree about what is held', async () => {
  const client = await Client.start();
  const other = await Client.start({ spool: client.spool });
  const agent = agentSpool(4);
  await client.send(...batchOf(agent, 0, 1, first));
  assert.equal((await other.send(...batchOf(agent, 0, 3, first))).answer?.answer, 'taken');
  assert.equal((await client.send(...batchOf(agent, 0, 3))).answer?.answer, 'duplicate');
  assert.deepEqual(
    client.held(),
    agent.blocks.map((block) => block.hash),
  );
});

test('a token file that cannot be read lets nobody in, and is a red problem until it can', async () => {
  let tokens = (): readonly string[] => {
    throw new Error('EACCES: /etc/tokens');
  };
  const client = await Client.start({ tokens: () => tokens() });
  const [batch, blocks] = batchOf(agentSpool(1), 0, 0, first);
  const authorization = { headers: { authorization: 'Bearer good' } };
  assert.equal((await client.send(batch, blocks, authorization)).status, 503);
  assert.deepEqual(
    client.receiver.status().problems.map(({ cause, red }) => [cause, red]),
    [['no_tokens', true]],
  );
  tokens = () => ['other', 'good'];
  assert.equal((await client.send(batch, blocks, authorization)).status, 200);
  assert.deepEqual(client.receiver.status().problems, []);
});

test('a batch for another receiver is refused, and tells whose address this is', async () => {
  const client = await Client.start();
  const said = await client.send(...batchOf(agentSpool(1), 0, 0, { ...first, receiver: 'b'.repeat(32) }));
  assert.equal(said.status, 409);
  assert.equal(said.answer?.answer, 'other_receiver');
  assert.equal(said.answer?.receiver, client.spool.id);
});

test('a question is answered with all rows of the spool, newest first, and does not change anything', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  const nothing = await client.ask({ spool: agent.id, stream: '' });
  assert.equal(nothing.status, 200);
  assert.deepEqual(nothing.answer?.rows, []);
  await client.send(...batchOf(agent, 0, 1, first));
  const later = new MemorySpool(agent.image(), 'agent 2');
  addBlocks(later, 1);
  await client.send(...nextEpoch(later, 2, 2));
  const { answer } = await client.ask({ spool: agent.id, stream: '' });
  assert.deepEqual(
    answer?.rows.map((row) => row.epoch),
    [later.epoch.id, agent.epoch.id],
  );
  assert.deepEqual((await client.ask({ spool: agent.id, stream: 'other' })).answer?.rows, []);
});
