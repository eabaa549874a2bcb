/**
 * A log store that is none of ours takes NDJSON by HTTP: ClickHouse, `INSERT … FORMAT JSONEachRow`, an insert all or nothing. It does
 * not honour `Idempotency-Key`. For `npm run check:full`, since its packages have to be fetched (16 MB).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imbalances } from '../../agent/status/conservation.ts';
import { Clickhouse, type ClickhouseProgram, findClickhouse } from './clickhouse.ts';
import { PlainAgent } from './plain-agent.ts';
import { run, until } from './tailspool.ts';

const found = findClickhouse();
const skip = typeof found === 'string' && `ClickHouse: ${found}`;

const count = 20_000;
/** As latin1: not UTF-8. */
const foreign = [17, 4_000, 4_001, 12_345, 19_999];
const lines = Array.from({ length: count }, (_, number) =>
  foreign.includes(number)
    ? `line ${number} caf\xe9`
    : Buffer.from(`line ${number} Grüße 日本 "quoted" \\ / \t ${'abc'.repeat(number % 30)}`).toString('latin1'),
);

test(`${count} lines arrive once; what is not UTF-8, which a String column refuses, is a dead letter`, {
  skip,
}, async (t) => {
  await using tried = await trial();
  const { agent, clickhouse } = tried;
  agent.write('a.log', `${lines.join('\n')}\n`);
  agent.start();
  await agent.untilDelivered(count);
  const rows = await bodies(clickhouse);
  assert.equal(rows.length, count - foreign.length);
  const expected = lines.filter((_, number) => !foreign.includes(number)).map((line) => utf8(line));
  assert.deepEqual(rows.toSorted(), expected.toSorted());
  const letters = (await run('dead', 'cat', '--data-dir', agent.data)).out.trimEnd().split('\n');
  const kept = letters.map((line) => JSON.parse(line));
  assert.deepEqual(
    kept.map(({ status, body }) => [status, Buffer.from(body.bytes, 'base64').toString('latin1')]),
    foreign.map((number) => [400, lines[number]]),
  );
  assert.match(kept[0].reason, /Cannot parse JSON string/);
  const status = (await agent.status())!;
  assert.deepEqual(imbalances(status), []);
  t.diagnostic(`${rows.length} rows, ${kept.length} dead letters, ${await inserts(clickhouse)} inserts accepted`);
});

test('kill -9 in the middle: nothing is missing, and at most one block came twice', { skip }, async (t) => {
  await using tried = await trial();
  const { agent, clickhouse } = tried;
  const sound = [1, 2, 3, 4].flatMap((round) =>
    lines.filter((_, number) => !foreign.includes(number)).map((line) => `${round} ${line}`),
  );
  agent.write('a.log', `${sound.join('\n')}\n`);
  agent.start();
  await until('some rows', async () => (await bodies(clickhouse)).length > 0);
  await agent.process!.end('SIGKILL');
  const before = (await bodies(clickhouse)).length;
  assert.ok(before < sound.length, 'killed too late');
  agent.start();
  await agent.untilDelivered(sound.length);
  const rows = await bodies(clickhouse);
  assert.deepEqual([...new Set(rows)].toSorted(), sound.map((line) => utf8(line)).toSorted());
  const [{ largest }] = (await clickhouse.ask<{ largest: number }>(
    `SELECT toUInt32(max(rows)) AS largest FROM system.parts WHERE table = 'logs' FORMAT JSONEachRow`,
  )) as [{ largest: number }];
  const again = rows.length - sound.length;
  assert.ok(again <= largest, `${again} rows came twice, the largest insert had ${largest}`);
  t.diagnostic(`killed at ${before} rows; ${again} came twice, the largest insert had ${largest}`);
});

interface Trial extends AsyncDisposable {
  readonly agent: PlainAgent;
  readonly clickhouse: Clickhouse;
}

async function trial(shipper: readonly string[] = []): Promise<Trial> {
  await using stack = new AsyncDisposableStack();
  const clickhouse = stack.use(await Clickhouse.start(found as ClickhouseProgram));
  await clickhouse.ask('CREATE TABLE logs (observedTimestamp String, body String) ENGINE = MergeTree ORDER BY tuple()');
  // Each insert stays a part that can be counted.
  await clickhouse.ask('SYSTEM STOP MERGES');
  const url = clickhouse.url('INSERT INTO logs FORMAT JSONEachRow', { input_format_skip_unknown_fields: '1' });
  const agent = stack.use(new PlainAgent(url, ['encoding: ndjson', 'compression: gzip', ...shipper]));
  const held = stack.move();
  return { agent, clickhouse, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function bodies(clickhouse: Clickhouse): Promise<string[]> {
  const rows = await clickhouse.ask<{ body: string }>('SELECT body FROM logs FORMAT JSONEachRow');
  return rows.map(({ body }) => body);
}

async function inserts(clickhouse: Clickhouse): Promise<number> {
  const parts = await clickhouse.ask(`SELECT name FROM system.parts WHERE table = 'logs' FORMAT JSONEachRow`);
  return parts.length;
}

function utf8(line: string): string {
  return Buffer.from(line, 'latin1').toString();
}
