/** No answer of the receiver tells more than its disk has, nor waits for ever for a disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { Said } from './client.ts';
import { agentSpool, batchOf, Client } from './client.ts';

const first = { firstContact: true };

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

test('where no more places can be remembered, streams that are known go on and new ones get 503', async () => {
  const client = await Client.start();
  const [known, fresh] = [agentSpool(3), agentSpool(2, 'another')];
  await client.send(...batchOf(known, 0, 1, first));
  client.spool.sourcesFull = true;
  const refused = await client.send(...batchOf(fresh, 0, 1, first));
  assert.equal(refused.status, 503);
  assert.match(refused.answer?.message ?? '', /remembers as many streams and files as it can/);
  assert.equal((await client.send(...batchOf(known, 2, 2))).answer?.answer, 'taken');
  assert.equal(client.held().length, 3);
  client.spool.sourcesFull = false;
  assert.equal((await client.send(...batchOf(fresh, 0, 1, first))).answer?.answer, 'taken');
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
