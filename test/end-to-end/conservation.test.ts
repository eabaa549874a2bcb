import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Load } from './load.ts';
import { Pair } from './pair.ts';
import { askAdmin, sleep, until, untilAnswers } from './tailspool.ts';

/** The numbers of one scrape: by name and labels. */
type Scrape = ReadonlyMap<string, number>;

async function scrape(dataDir: string): Promise<Scrape | undefined> {
  const text = await askAdmin(dataDir, '/metrics');
  if (text === undefined) return undefined;
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

/** read = acknowledged + waiting + dropped, in records and in bytes, as somebody with a dashboard would add them up. */
function assertBalance(metrics: Scrape, collector: string, shipper: string, when: string): void {
  for (const unit of ['records', 'bytes']) {
    const value = (name: string, labels: string) => metrics.get(`tailspool_${name}{${labels}}`) ?? 0;
    const both = `collector="${collector}",shipper="${shipper}"`;
    const read = value(`read_${unit}_total`, `collector="${collector}"`);
    const acknowledged = value(`acknowledged_${unit}_total`, both);
    const waiting = value(`waiting_${unit}`, both);
    const mine = new RegExp(`^tailspool_dropped_${unit}_total\\{collector="${collector}",shipper="(${shipper})?",`);
    const dropped = [...metrics].filter(([name]) => mine.test(name)).reduce((sum, [, number]) => sum + number, 0);
    const parts = `${when}: ${unit}: read ${read}, acknowledged ${acknowledged}, waiting ${waiting}, dropped ${dropped}`;
    assert.equal(read, acknowledged + waiting + dropped, parts);
  }
}

const read = (metrics: Scrape | undefined, collector: string) =>
  metrics?.get(`tailspool_read_records_total{collector="${collector}"}`) ?? 0;

test('read = acknowledged + waiting + dropped at every scrape, under load, through kills, and right after reopening', async () => {
  await using pair = await Pair.make();
  const load = new Load({ folder: pair.logs, files: ['a.log', 'b.log'], linesPerSecond: 20_000 });
  pair.startAgent();
  load.begin();
  // A hole is passed over: read, and dropped with its reason.
  fs.writeFileSync(join(pair.logs, 'hole.log'), Buffer.concat([Buffer.alloc(20_000), Buffer.from('a line\n')]));
  let scrapes = 0;
  const check = async (when: string) => {
    const [agent, receiver] = await Promise.all([scrape(pair.agentData), scrape(pair.receiverData)]);
    if (agent) assertBalance(agent, 'logs', 'central', `agent, ${when}`);
    if (receiver) assertBalance(receiver, 'edge', 'mirror', `receiver, ${when}`);
    scrapes += Number(agent !== undefined) + Number(receiver !== undefined);
    return { agent, receiver };
  };
  const checkFor = async (ms: number, when: string) => {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) await check(when);
  };

  await untilAnswers(pair.agentData);
  await checkFor(400, 'without a receiver');
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  await checkFor(400, 'while it drains');
  const before = await check('before the kill');
  await pair.agent!.end('SIGKILL');
  pair.startAgent();
  await untilAnswers(pair.agentData);
  const after = await check('right after reopening');
  assert.ok(read(after.agent, 'logs') > 0.5 * read(before.agent, 'logs'), 'the totals survive the kill');
  await checkFor(400, 'after a kill of the agent');
  await pair.receiver!.end('SIGKILL');
  await checkFor(300, 'with the receiver gone');
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  await checkFor(400, 'after a kill of the receiver');
  await load.stop();

  const lines = [...load.written.values()].reduce((sum, written) => sum + written, 1);
  const arrived = async () => {
    const { agent, receiver } = await check('at the end');
    return read(agent, 'logs') === lines && read(receiver, 'edge') === lines;
  };
  await until(`${lines} records in the counters of both`, arrived, () => pair.describe());
  const holes = (await scrape(pair.agentData))?.get(
    'tailspool_dropped_bytes_total{collector="logs",shipper="",reason="hole"}',
  );
  assert.equal(holes, 20_000);
  assert.ok(scrapes > 50, `${scrapes} scrapes`);
});
