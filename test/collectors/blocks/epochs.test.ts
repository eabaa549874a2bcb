/** What becomes of new epochs, restored agents and copies at the receiver. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySpool } from '../../wire/memory-spool.ts';
import { addBlocks, agentSpool, batchOf, Client, nextEpoch } from './client.ts';

const first = { firstContact: true };

test('a new epoch that continues its parent where that ended is taken without a word', async () => {
  const client = await Client.start();
  const agent = agentSpool(3);
  await client.send(...batchOf(agent, 0, 2, first));
  const later = new MemorySpool(agent.image(), 'agent 2', 1000);
  addBlocks(later, 2);
  const said = await client.send(...nextEpoch(later, 3, 4));
  assert.equal(said.answer?.answer, 'taken');
  assert.deepEqual(client.receiver.status().problems, []);
  assert.deepEqual(
    client.held(),
    later.blocks.map((block) => block.hash),
  );
});

test("a new epoch whose parent's rest is missing is refused, until the rest was sent or declared", async () => {
  const client = await Client.start();
  const agent = agentSpool(4);
  await client.send(...batchOf(agent, 0, 1, first));
  const later = new MemorySpool(agent.image(), 'agent 2');
  addBlocks(later, 1);
  const [batch, blocks] = nextEpoch(later, 4, 4);
  const said = await client.send(batch, blocks);
  assert.equal(said.answer?.answer, 'behind');
  assert.equal(said.answer?.row, undefined);
  assert.equal(said.answer?.rows[0]?.held, agent.blocks[1]!.end);
  await client.send(...batchOf(agent, 2, 3));
  assert.equal((await client.send(batch, blocks)).answer?.answer, 'taken');
  assert.equal(client.held().length, 5);
});

test('a late request of an old epoch is answered from the row of that epoch', async () => {
  const client = await Client.start();
  const agent = agentSpool(3);
  await client.send(...batchOf(agent, 0, 2, first));
  const later = new MemorySpool(agent.image(), 'agent 2');
  addBlocks(later, 2);
  await client.send(...nextEpoch(later, 3, 4));
  const late = await client.send(...batchOf(agent, 1, 2));
  assert.equal(late.answer?.answer, 'duplicate');
  assert.deepEqual(late.answer?.row, { epoch: agent.epoch.id, held: agent.end, hash: agent.blocks[2]!.hash });
  assert.equal(client.held().length, 5);
});

test('a restored agent: its new epoch branched off before what is held; taken and reported', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  const old = agent.image();
  addBlocks(agent, 3);
  await client.send(...batchOf(agent, 0, 4, first));
  const restored = new MemorySpool(old, 'agent 2');
  addBlocks(restored, 2);
  const said = await client.send(...nextEpoch(restored, 2, 3));
  assert.equal(said.answer?.answer, 'taken');
  const [problem] = client.receiver.status().problems;
  assert.equal(problem?.cause, 'restored_agent');
  assert.equal(problem?.red, false);
  assert.equal(client.receiver.status().gauges.restored_agents, 1);
  assert.equal(client.held().length, 7);
});

test('a copied data_dir: the second child of one parent is taken too, and reported', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  await client.send(...batchOf(agent, 0, 1, first));
  const copies = ['agent 2', 'agent 3'].map((seed) => new MemorySpool(agent.image(), seed));
  for (const copy of copies) {
    addBlocks(copy, 2);
    assert.equal((await client.send(...nextEpoch(copy, 2, 3))).answer?.answer, 'taken');
  }
  assert.deepEqual(
    client.receiver.status().problems.map((problem) => problem.cause),
    ['copied_data_dir'],
  );
  assert.equal(client.held().length, 6);
});

test('what a disk had lied about comes late, when its agent has gone on without it: taken, and reported once', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  const kept = agent.image();
  addBlocks(agent, 2);
  await client.send(...batchOf(agent, 0, 1, first));
  const later = new MemorySpool(kept, 'agent 2', 1000);
  addBlocks(later, 2);
  await client.send(...nextEpoch(later, 2, 3));
  assert.deepEqual(client.receiver.status().problems, []);
  for (const at of [2, 3]) assert.equal((await client.send(...batchOf(agent, at, at))).answer?.answer, 'taken');
  const { problems, gauges } = client.receiver.status();
  assert.deepEqual(
    problems.map((problem) => problem.cause),
    ['copied_data_dir'],
  );
  assert.equal(gauges.copied_data_dirs, 1);
  assert.equal(client.held().length, 6);
});

test('two machines cloned while running: the second history of one epoch is never taken for a duplicate', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  await client.send(...batchOf(agent, 0, 1, first));
  const clones = ['small', 'larger than that '.repeat(20)].map((text) => {
    const clone = new MemorySpool(agent.image(), 'agent 1');
    for (let i = 0; i < 2; i++) clone.add(`${text}\n`);
    clone.sync();
    return clone;
  });
  addBlocks(agent, 2);
  await client.send(...batchOf(agent, 2, 3));
  const row = { epoch: agent.epoch.id, held: agent.end, hash: agent.blocks[3]!.hash };
  // the blocks of this one end before what is held: whose they are, only the hash tells
  const small = await client.send(...batchOf(clones[0]!, 2, 3));
  assert.equal(small.answer?.answer, 'duplicate');
  assert.deepEqual(small.answer?.row, row);
  const larger = await client.send(...batchOf(clones[1]!, 2, 3));
  assert.equal(larger.status, 409);
  assert.equal(larger.answer?.answer, 'conflict');
  assert.deepEqual(larger.answer?.row, row);
  assert.deepEqual(
    client.held(),
    agent.blocks.map((block) => block.hash),
  );
});

test('a block that does not follow the one that is held is a conflict', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  const clone = new MemorySpool(agent.image(), 'agent 1');
  for (const [spool, text] of [
    [agent, 'aaaa'],
    [clone, 'bbbb'],
  ] as const) {
    for (let i = 0; i < 2; i++) spool.add(`${text}\n`);
    spool.sync();
  }
  assert.equal(agent.blocks[2]!.end, clone.blocks[2]!.end);
  await client.send(...batchOf(agent, 0, 2, first));
  const said = await client.send(...batchOf(clone, 3, 3));
  assert.equal(said.answer?.answer, 'conflict');
  const overlapping = await client.send(...batchOf(clone, 2, 3));
  assert.match(overlapping.answer?.message ?? '', /another block ends there/);
  assert.equal((await client.send(...batchOf(agent, 3, 3))).answer?.answer, 'taken');
});

test('100,000 epochs of one agent do not grow the table', async () => {
  const client = await Client.start();
  let agent = agentSpool(1);
  await client.send(...batchOf(agent, 0, 0, first));
  for (let n = 0; n < 500; n++) {
    agent = new MemorySpool({ ...agent.image(), blocks: agent.image().blocks.slice(-1) }, `restart ${n}`);
    addBlocks(agent, 1);
    assert.equal((await client.send(...nextEpoch(agent, 1, 1))).answer?.answer, 'taken');
  }
  const { streams = 0, streams_forgotten = 0 } = client.receiver.status().gauges;
  assert.ok(streams <= 66, `${streams} rows`);
  assert.ok(streams + streams_forgotten === 501);
  assert.equal(client.spool.sources.size, streams);
});

test('the row of a superseded epoch goes after seven days of running, the newest never', async () => {
  const client = await Client.start();
  const agent = agentSpool(1);
  await client.send(...batchOf(agent, 0, 0, first));
  const later = new MemorySpool(agent.image(), 'agent 2');
  addBlocks(later, 1);
  await client.send(...nextEpoch(later, 1, 1));
  await client.clock.runFor(6.9 * 24 * 3600 * 1000);
  assert.equal((await client.ask({ spool: agent.id, stream: '' })).answer?.rows.length, 2);
  await client.clock.runFor(30 * 24 * 3600 * 1000);
  assert.deepEqual(
    (await client.ask({ spool: agent.id, stream: '' })).answer?.rows.map((row) => row.epoch),
    [later.epoch.id],
  );
});
