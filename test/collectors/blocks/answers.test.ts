import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { zeroHash } from '../../../spool/nouns.ts';
import { MemorySpool } from '../../wire/memory-spool.ts';
import { addBlocks, agentSpool, batchOf, Client, type Said } from './client.ts';

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

test('a gap that became durable without the blocks behind it is not declared a second time', async () => {
  const client = await Client.start();
  const agent = agentSpool(5);
  await client.send(...batchOf(agent, 0, 0, first));
  const gap = {
    from: agent.blocks[1]!.position,
    upto: agent.blocks[2]!.end,
    reason: 'retention' as const,
    records: 2,
    bytes: 0,
  };
  const [batch, blocks] = batchOf(agent, 3, 4, { after: gap.from, gaps: [gap] });
  await client.send(batch, blocks);
  await client.restart((image) => image.slice(0, 2)); // the power went between the gap and the blocks
  const state = await client.ask(batch);
  assert.deepEqual(state.answer?.rows, [{ epoch: agent.epoch.id, held: gap.upto, hash: agent.blocks[0]!.hash }]);
  assert.equal((await client.send(batch, blocks)).answer?.answer, 'taken');
  assert.equal(client.spool.blocks.flatMap((block) => block.runs).filter((run) => run.dropped).length, 1);
  assert.deepEqual(
    client.held(),
    [0, 3, 4].map((n) => agent.blocks[n]!.hash),
  );
});

test('a batch of gaps alone moves the row', async () => {
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

test('no answer leaves before what it tells is durable, not even to a duplicate', async () => {
  const client = await Client.start();
  client.spool.autoSync = false;
  const agent = agentSpool(2);
  const answers: string[] = [];
  const note = (what: string) => () => answers.push(what);
  void client.send(...batchOf(agent, 0, 1, first)).then(note('taken'));
  void client.send(...batchOf(agent, 0, 1, first)).then(note('duplicate'));
  await client.clock.runFor(10);
  void client.ask({ spool: agent.id, stream: '' }).then(note('state'));
  void client
    .send(...batchOf(agent, 0, 0, { ...first, epoch: 'e'.repeat(32), after: 0, firstContact: false }))
    .then(note('unknown'));
  await client.clock.runFor(1000);
  assert.deepEqual(answers, []);
  client.spool.sync();
  await client.clock.runFor(1000);
  assert.deepEqual(answers.sort(), ['duplicate', 'state', 'taken', 'unknown']);
});

test('what is appended while an answer waits for the disk is not told in it', async () => {
  const client = await Client.start();
  const agent = agentSpool(3);
  await client.send(...batchOf(agent, 0, 0, first));
  client.spool.autoSync = false;
  const answers: Promise<Said>[] = [client.send(...batchOf(agent, 1, 1))];
  await client.clock.runFor(10);
  answers.push(
    client.ask({ spool: agent.id, stream: '' }),
    client.send(...batchOf(agent, 0, 0, { receiver: 'b'.repeat(32) })),
  );
  await client.clock.runFor(10);
  void client.send(...batchOf(agent, 2, 2));
  await client.clock.runFor(10);
  client.spool.sync(client.spool.blocks.length - 1);
  await client.clock.runFor(10);
  client.spool.sync();
  for (const { answer } of await Promise.all(answers)) assert.equal(answer?.row?.held, agent.blocks[1]!.end);
});

test('a disk that confirms nothing gets the client sent away with 503, and nothing is told as held', async () => {
  const client = await Client.start();
  client.spool.autoSync = false;
  let said: Awaited<ReturnType<Client['send']>> | undefined;
  void client.send(...batchOf(agentSpool(1), 0, 0, first)).then((answer) => {
    said = answer;
  });
  await client.clock.runUntil(() => said !== undefined);
  assert.equal(said?.status, 503);
  assert.equal(said?.answer?.answer, 'full');
  assert.equal(said?.answer?.row, undefined);
  assert.ok(Number(said?.headers['retry-after']) > 0);
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

test('a full spool gets 503 with the reason and Retry-After; a passing shortage is waited for', async () => {
  const client = await Client.start();
  const agent = agentSpool(2);
  client.spool.hold = 'disk_full';
  const full = await client.send(...batchOf(agent, 0, 1, first));
  assert.equal(full.status, 503);
  assert.match(full.answer?.message ?? '', /disk_full/);
  client.spool.hold = 'rolling';
  client.clock.after(500, () => client.spool.release());
  let passing: typeof full | undefined;
  void client.send(...batchOf(agent, 0, 1, first)).then((said) => {
    passing = said;
  });
  await client.clock.runUntil(() => passing !== undefined);
  assert.equal(passing?.status, 200);
});

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
  assert.equal((await client.send(...batchOf(agent, 3, 3))).answer?.answer, 'taken');
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

test('rows are as durable as the blocks: a receiver that crashed knows exactly what it kept', async () => {
  const client = await Client.start();
  const agent = agentSpool(4);
  await client.send(...batchOf(agent, 0, 1, first));
  client.spool.autoSync = false;
  void client.send(...batchOf(agent, 2, 3));
  await client.clock.runFor(1);
  await client.restart();
  const { answer } = await client.ask({ spool: agent.id, stream: '' });
  assert.deepEqual(answer?.rows, [{ epoch: agent.epoch.id, held: agent.blocks[1]!.end, hash: agent.blocks[1]!.hash }]);
});

test('after a restart descriptions are asked for, and kept with the first block that comes', async () => {
  const client = await Client.start();
  const agent = agentSpool(4);
  await client.send(...batchOf(agent, 0, 1, first));
  await client.restart();
  assert.equal((await client.ask({ spool: agent.id, stream: '' })).answer?.describe, true);
  const descriptions = agent.outlet('s').describe();
  const [batch, blocks] = batchOf(agent, 1, 3, {
    descriptionsBytes: descriptions.length,
    descriptionsCrc: crc32(descriptions),
  });
  const said = await client.send(batch, Buffer.concat([descriptions, blocks]));
  assert.equal(said.answer?.describe, false);
  assert.deepEqual(
    client.spool.blocks.filter((block) => block.origin).map((block) => block.described),
    [false, false, true, false],
  );
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

/** The blocks of a spool's newest opening, naming the epoch before as parent. */
function nextEpoch(spool: MemorySpool, from: number, to: number) {
  const parent = spool.epoch.parent!;
  const start = spool.blocks[from]!.position;
  const hole = { from: parent.end, upto: start, reason: 'hole_in_positions' as const, records: 0, bytes: 0 };
  return batchOf(spool, from, to, {
    after: parent.end,
    gaps: start > parent.end ? [hole] : [],
    parent: { epoch: parent.id, end: parent.end, hash: parent.hash },
  });
}
