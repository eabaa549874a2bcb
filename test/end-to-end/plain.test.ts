/** Real agents and endpoints that are none of ours. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { imbalances } from '../../agent/status/conservation.ts';
import { Endpoint, type Received } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';
import { until } from './tailspool.ts';

const lines = Array.from({ length: 5000 }, (_, number) => `line ${number} of an ordinary log, with "quotes" and \\`);

const bodies = [
  ['text', 'zstd'],
  ['ndjson', 'zstd'],
  ['text', 'gzip'],
  ['ndjson', 'none'],
] as const;

for (const [encoding, compression] of bodies)
  test(`${encoding} with ${compression} arrives at a Node server as it was written`, async () => {
    await using endpoint = await Endpoint.start();
    await using agent = new PlainAgent(endpoint.url, [`encoding: ${encoding}`, `compression: ${compression}`]);
    agent.write('a.log', `${lines.join('\n')}\n`);
    agent.start();
    await agent.untilDelivered(lines.length);
    assert.deepEqual(encoding === 'text' ? endpoint.lines : endpoint.bodies, lines);
    const [request] = endpoint.requests;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.path, '/in');
    assert.equal(request?.headers['content-encoding'], compression === 'none' ? undefined : compression);
    assert.equal(request?.headers['content-type'], encoding === 'text' ? 'text/plain' : 'application/x-ndjson');
    assert.match(String(request?.headers['idempotency-key']), /^[0-9a-f]{32}:[0-9a-f]{32}:\d+$/);
  });

test('one bad record among 10,000: 9,999 arrive, one is a dead letter with its reason, at most 30 requests', async () => {
  const bad = 'line 7777';
  const answer = ({ lines: got }: Received) =>
    got.some((line) => line.includes(`"${bad}"`)) ? { status: 422, body: 'the field is poisonous' } : undefined;
  await using endpoint = await Endpoint.start({ answer });
  // Short enough that one block holds all of them.
  await using agent = new PlainAgent(endpoint.url, ['batch_max: 8MiB']);
  const all = Array.from({ length: 10_000 }, (_, number) => `line ${number}`);
  agent.write('a.log', `${all.join('\n')}\n`);
  agent.start();
  await agent.untilDelivered(all.length);
  assert.deepEqual((endpoint.bodies as string[]).toSorted(), all.filter((line) => line !== bad).toSorted());
  assert.ok(endpoint.requests.length <= 30, `${endpoint.requests.length} requests`);
  const text = execFileSync('sh', ['-c', `zstdcat ${agent.data}/dead/central/spool/*.zst`]).toString();
  const letters = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(letters.length, 1);
  const { refusedAt, collectedAt, origin, ...rest } = letters[0];
  assert.deepEqual(rest, {
    ...{ shipper: 'central', status: 422, reason: 'the field is poisonous', collector: 'logs', format: 'text' },
    resource: { 'host.name': 'edge-7' },
    attributes: { 'log.file.path': `${agent.logs}/a.log`, 'log.file.name': 'a.log' },
    body: bad,
  });
  assert.ok(Math.abs(Date.parse(refusedAt) - Date.now()) < 60_000 && Date.parse(collectedAt) <= Date.parse(refusedAt));
  assert.equal(origin.record, 7777);
  assert.match(origin.spool + origin.epoch, /^[0-9a-f]{64}$/);
  const status = (await agent.status())!;
  const [shipper] = status.shippers;
  assert.equal(shipper?.totals.collectors.logs?.dropped.refused?.records, 1);
  assert.equal(shipper?.dead?.held.records, 1);
  assert.deepEqual(imbalances(status), []);
});

test('a body limit is found by halving, and then kept to', async () => {
  const answer = ({ wireBytes }: Received) => (wireBytes > 20_000 ? { status: 413 } : undefined);
  await using endpoint = await Endpoint.start({ answer });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text', 'compression: none']);
  agent.write('a.log', `${lines.join('\n')}\n`);
  agent.start();
  await agent.untilDelivered(lines.length);
  assert.deepEqual(endpoint.lines, lines);
  const refused = endpoint.requests.filter(({ wireBytes }) => wireBytes > 20_000).length;
  assert.ok(refused >= 1 && refused <= 8, `${refused} requests were too large`);
});

test('while nothing is accepted nothing becomes a dead letter, and the endpoint is left alone', async () => {
  await using endpoint = await Endpoint.start({ answer: () => ({ status: 400, body: 'not today' }) });
  await using agent = new PlainAgent(endpoint.url, ['retry_max: 1s']);
  agent.write('a.log', 'one\ntwo\nthree\n');
  agent.start();
  const refused = async () => (await agent.status())?.problems.find(({ cause }) => cause === 'refused');
  await until('the refusals to show', async () => (await refused()) !== undefined);
  const problem = (await refused())!;
  assert.ok(problem.red);
  assert.match(problem.message, /\(400\).* It says: not today/);
  assert.equal((await agent.status())?.shippers[0]?.dead, undefined);
  endpoint.options = {};
  await agent.untilDelivered(3);
  assert.deepEqual(endpoint.bodies, ['one', 'two', 'three']);
  await until('no problem left', async () => (await agent.status())?.problems.length === 0);
});

test('a record that stands alone in its block is to blame once the next block was accepted', async () => {
  const answer = ({ lines: got }: Received) =>
    got.some((line) => line.includes('poison')) ? { status: 422 } : undefined;
  await using endpoint = await Endpoint.start({ answer });
  await using agent = new PlainAgent(endpoint.url);
  agent.write('a.log', 'poison\n');
  agent.start();
  await until('the refusal to show', async () => (await agent.status())?.shippers[0]?.state === 'holding');
  agent.write('a.log', 'wholesome\n');
  await agent.untilDelivered(2);
  assert.deepEqual(endpoint.bodies, ['wholesome']);
  const status = (await agent.status())!;
  assert.equal(status.shippers[0]?.dead?.held.records, 1);
  assert.deepEqual(status.problems, []);
});

test('a block of nothing but bad records, more than are looked at without proof, is worked off behind the next one', async () => {
  const answer = ({ lines: got }: Received) =>
    got.some((line) => line.includes('poison')) ? { status: 422 } : undefined;
  await using endpoint = await Endpoint.start({ answer });
  await using agent = new PlainAgent(endpoint.url);
  agent.write('a.log', 'poison\n'.repeat(100));
  agent.start();
  await until('the refusal to show', async () => (await agent.status())?.shippers[0]?.state === 'holding');
  agent.write('a.log', 'wholesome\n');
  await agent.untilDelivered(101);
  assert.deepEqual(endpoint.bodies, ['wholesome']);
  assert.equal((await agent.status())!.shippers[0]?.dead?.held.records, 100);
});

test('an endpoint in trouble makes no dead letters: everything waits, and then arrives once and in order', async () => {
  await using endpoint = await Endpoint.start();
  await using agent = new PlainAgent(endpoint.url, ['retry_max: 200ms', 'encoding: text']);
  agent.start();
  await until('an agent', async () => (await agent.status()) !== undefined);
  const statuses = [401, 403, 404, 301, 409, 500, 503, 429, 408];
  for (const status of statuses) {
    endpoint.options = { answer: () => ({ status, headers: { 'retry-after': '0' } }) };
    const before = endpoint.requests.length;
    agent.write('a.log', `during ${status}\n`);
    const tried = () => endpoint.requests.length >= before + 2;
    await until(`two refusals with ${status}`, tried, () => agent.describe(), 20_000);
    // What is shown may be a moment old.
    const inTrouble = async () => {
      const shipper = (await agent.status())?.shippers[0];
      return (shipper?.state === 'holding' || shipper?.state === 'retrying') && shipper.circuit !== 'closed';
    };
    await until(`an open circuit with ${status}`, inTrouble, () => agent.describe(), 20_000);
  }
  endpoint.options = {};
  await agent.untilDelivered(statuses.length);
  assert.deepEqual(
    endpoint.lines,
    statuses.map((status) => `during ${status}`),
  );
  assert.equal((await agent.status())?.shippers[0]?.dead, undefined);
});

test('method, path, headers and their files are as configured; a changed file counts with the next request', async () => {
  await using endpoint = await Endpoint.start();
  await using agent = new PlainAgent(`${endpoint.url}?tenant=7`, [
    ...['method: PUT', 'encoding: text', 'headers: { X-Scope: edge, Content-Type: text/x-log }'],
    'header_files: { X-Api-Key: KEYFILE }',
  ]);
  const keyFile = join(agent.folder, 'key');
  writeFileSync(agent.config, readFileSync(agent.config, 'utf8').replace('KEYFILE', keyFile));
  writeFileSync(keyFile, 'first\n');
  agent.write('a.log', 'one\n');
  agent.start();
  await agent.untilDelivered(1);
  writeFileSync(keyFile, 'second key\n');
  agent.write('a.log', 'two\n');
  await agent.untilDelivered(2);
  const seen = endpoint.requests.map(({ method, path, headers }) => [
    ...[method, path, headers['x-scope'], headers['content-type'], headers['x-api-key']],
  ]);
  assert.deepEqual(seen, [
    ['PUT', '/in?tenant=7', 'edge', 'text/x-log', 'first'],
    ['PUT', '/in?tenant=7', 'edge', 'text/x-log', 'second key'],
  ]);
});

test('kill -9 in the middle: an endpoint that honours the key has every line once, in order', async () => {
  await using endpoint = await Endpoint.start({ honoursKeys: true });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text']);
  const all: string[] = [];
  for (let round = 0; round < 3; round++) {
    const more = Array.from({ length: 20_000 }, (_, number) => `round ${round} line ${number} and some text behind it`);
    all.push(...more);
    agent.write('a.log', `${more.join('\n')}\n`);
    agent.start();
    const before = endpoint.requests.length;
    const some = () => endpoint.requests.length > before + 1 || endpoint.lines.length === all.length;
    await until('requests', some, () => agent.describe(), 30_000);
    if (round < 2) await agent.process!.end('SIGKILL');
  }
  await agent.untilDelivered(all.length);
  assert.deepEqual(endpoint.lines, all);
});

test('a stop while a block is sent in parts lets it finish: an endpoint that knows no keys has nothing twice', async () => {
  const answer = ({ wireBytes }: Received) => (wireBytes > 20_000 ? { status: 413 } : undefined);
  await using endpoint = await Endpoint.start({ answer });
  await using agent = new PlainAgent(endpoint.url, ['encoding: text', 'compression: none']);
  const all = Array.from({ length: 20_000 }, (_, number) => `line ${number} and some text behind it`);
  agent.write('a.log', `${all.join('\n')}\n`);
  for (let stop = 1; stop <= 2; stop++) {
    const before = endpoint.lines.length;
    agent.start();
    const some = () => endpoint.lines.length > before;
    await until('a part', some, () => agent.describe(), 30_000);
    const { code, err } = await agent.process!.end('SIGTERM');
    assert.equal(code, 0, err);
    assert.ok(endpoint.lines.length < all.length, 'stopped too late');
  }
  agent.start();
  await agent.untilDelivered(all.length);
  assert.deepEqual(endpoint.lines, all);
});

test('with drop_oldest a spool that fills up goes on; what was given up is counted, the rest arrives once and in order', async () => {
  await using endpoint = await Endpoint.start({ answer: () => ({ status: 503 }) });
  const shipper = ['encoding: text', 'when_full: drop_oldest', 'outstanding: 3', 'retry_max: 300ms'];
  await using agent = new PlainAgent(endpoint.url, shipper, ['max_size: 4MiB', 'segment_size: 512KiB']);
  agent.start();
  await until('an agent', async () => (await agent.status()) !== undefined);
  const all: string[] = [];
  const givenUp = async () =>
    (await agent.status())?.shippers[0]?.totals.collectors.logs?.dropped.retention?.records ?? 0;
  while ((await givenUp()) === 0) {
    // Hardly to be compressed.
    const more = Array.from({ length: 20 }, () => `${all.length} ${randomBytes(9000).toString('base64')}`);
    all.push(...more.map((line, index) => line.replace(/^\d+/, String(all.length + index))));
    agent.write('a.log', `${all.slice(-20).join('\n')}\n`);
  }
  endpoint.options = {};
  await until('nothing to wait', async () => (await agent.status())?.shippers[0]?.waiting.records === 0);
  const read = async () => (await agent.status())?.collectors[0]?.readTotal.records === all.length;
  await until('everything read', read);
  await until('nothing to wait', async () => (await agent.status())?.shippers[0]?.waiting.records === 0);
  const status = (await agent.status())!;
  assert.deepEqual(imbalances(status), []);
  const dropped = await givenUp();
  assert.deepEqual([...new Set(endpoint.lines)].length, endpoint.lines.length, 'lines came twice');
  assert.equal(endpoint.lines.length, all.length - dropped);
  assert.deepEqual(endpoint.lines.toSorted(byNumber), all.slice(dropped));
});

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}
