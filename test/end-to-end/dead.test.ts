/** Dead letters by command, with the real program. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { imbalances } from '../../agent/status/conservation.ts';
import { Endpoint, type Received } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';
import { run, until } from './tailspool.ts';

const refusing =
  (...words: string[]) =>
  ({ lines }: Received) => {
    const word = words.find((one) => lines.some((line) => line.includes(one)));
    return word === undefined ? undefined : { status: 422, body: `no ${word} here` };
  };

test('dead letters are listed, shown, tried again and dropped, and every one is accounted for', async () => {
  await using endpoint = await Endpoint.start({ answer: refusing('tar', 'pitch') });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text']);
  agent.write('a.log', 'good\ntar 1\nbetter\npitch 2\ntar \xff 3\nbest\n');
  agent.start();
  await agent.untilDelivered(6);
  assert.deepEqual(endpoint.lines, ['good', 'better', 'best']);
  const dead = (...args: string[]) => run('dead', ...args, '--data-dir', agent.data);
  const inTheBooks = async () => {
    const status = (await agent.status())!;
    assert.deepEqual(imbalances(status), []);
    const { refused, held, delivered, dropped } = status.shippers[0]!.dead!;
    assert.equal(refused.records, status.shippers[0]!.totals.collectors.logs!.dropped.refused!.records);
    return [refused, held, delivered, dropped].map(({ records }) => records);
  };
  assert.deepEqual(await inTheBooks(), [3, 3, 0, 0]);

  const listed = await dead('ls');
  assert.match(listed.out, /^central: 3 dead letters, .*\n {2}2 × 422 no tar here\n {2}1 × 422 no pitch here\n$/);
  const shown = (await dead('cat')).out.trimEnd().split('\n');
  const bodies = shown.map((line) => JSON.parse(line).body);
  assert.deepEqual(bodies, ['tar 1', 'pitch 2', { bytes: Buffer.from('tar \xff 3', 'latin1').toString('base64') }]);

  const again = await dead('retry');
  assert.equal(again.out, 'central: 0 delivered, 3 refused again, 3 dead letters left\n');
  assert.equal(again.code, 1);
  assert.deepEqual(await inTheBooks(), [3, 3, 0, 0]);

  endpoint.options = { answer: refusing('pitch') };
  const partly = await dead('retry', '--shipper', 'central');
  assert.equal(partly.out, 'central: 2 delivered, 1 refused again, 1 dead letter left\n');
  assert.deepEqual(endpoint.lines.slice(3), ['tar 1', 'tar \xff 3']);
  assert.deepEqual(await inTheBooks(), [3, 1, 2, 0]);

  // It survives, and is the same behind a restart.
  await agent.process!.end('SIGKILL');
  assert.match((await dead('ls')).out, /^central: 1 dead letter,/);
  const fromDisk = await run('status', '--data-dir', agent.data);
  assert.match(fromDisk.out, /^dead letters of shipper central: 1 record; `tailspool dead ls` shows them$/m);
  const nobody = await dead('drop', '--shipper', 'central');
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /no agent runs in .*; start it/);
  agent.start();
  await until('the dead letters to be open', async () => (await agent.status())?.shippers[0]?.dead !== undefined);
  assert.deepEqual(await inTheBooks(), [3, 1, 2, 0]);
  assert.equal((await dead('drop', '--shipper', 'central')).out, 'central: 1 dead letter dropped\n');
  assert.deepEqual(await inTheBooks(), [3, 0, 2, 1]);
  assert.match((await dead('ls')).out, /^central: 0 dead letters/);
  const verified = await run('spool', 'verify', agent.data);
  assert.match(verified.out, /^sound: .*\ndead\/central: sound: .*\n$/);
  assert.equal(verified.code, 0);
});

test('a retry stops when the endpoint is in trouble, and keeps what was not delivered', async () => {
  await using endpoint = await Endpoint.start({ answer: refusing('tar') });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text', 'retry_max: 1s']);
  agent.write('a.log', 'good\ntar 1\ntar 2\ntar 3\nbest\n');
  agent.start();
  await agent.untilDelivered(5);
  let seen = 0;
  endpoint.options = { answer: () => (++seen > 1 ? { status: 503 } : undefined) };
  const ended = await run('dead', 'retry', '--data-dir', agent.data);
  assert.match(ended.out, /^central: 1 delivered, 0 refused again, 2 dead letters left; stopped: .*503/);
  endpoint.options = {};
  await run('dead', 'retry', '--data-dir', agent.data);
  assert.deepEqual(endpoint.lines, ['good', 'best', 'tar 1', 'tar 2', 'tar 3']);
});

test('at their cap the shipper waits, health is red, and dropping makes room', async () => {
  await using endpoint = await Endpoint.start({ answer: refusing('tar') });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text', 'dead_max_size: 4MiB', 'compression: none']);
  agent.start();
  await until('an agent', async () => (await agent.status()) !== undefined);
  // Hardly to be compressed: three of them and the tables fit, not all of them.
  const noise = () => randomBytes(90_000).toString('base64');
  const records = 60;
  for (let record = 0; record < records; record++) agent.write('a.log', `${record} tar ${noise()}\n${record} good\n`);
  const full = async () => (await agent.status())?.problems.find(({ cause }) => cause === 'dead_letters_full');
  await until(
    'no room for another',
    async () => (await full()) !== undefined,
    () => agent.describe(),
  );
  assert.ok((await full())!.red);
  while (endpoint.lines.length < records) {
    await run('dead', 'drop', '--shipper', 'central', '--data-dir', agent.data);
    const before = endpoint.lines.length;
    const goesOn = async () => endpoint.lines.length > Math.min(before, records - 1) || (await full()) !== undefined;
    await until('more', goesOn, () => agent.describe());
  }
  await agent.untilDelivered(2 * records);
  const status = (await agent.status())!;
  assert.deepEqual(imbalances(status), []);
  assert.equal(status.shippers[0]!.dead!.refused.records, records);
  assert.deepEqual(
    endpoint.lines,
    Array.from({ length: records }, (_, record) => `${record} good`),
  );
});
