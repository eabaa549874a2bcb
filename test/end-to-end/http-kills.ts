/** Records brought by real clients while the agent that takes them is killed again and again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HttpAgent } from './http-agent.ts';
import { type SdkEncoding, sdk } from './otel-sdk.ts';
import { PlainAgent } from './plain-agent.ts';
import { sleep, until } from './tailspool.ts';

const run = promisify(execFile);

/** Each request by a curl of its own, under its key, until it was answered. Prints what became of the records. */
export async function curlThroughKills(records: number, perRequest: number, kills: number): Promise<void> {
  await using taker = await HttpAgent.start();
  const requests = Math.ceil(records / perRequest);
  let next = 0;
  const send = async () => {
    for (let number = next++; number < requests; number = next++) await bring(taker, number, perRequest);
  };
  const sending = Promise.all(Array.from({ length: 4 }, send));
  for (let kill = 0; kill < kills; kill++) {
    await until('requests to be sent', () => next >= ((kill + 1) * requests) / (kills + 1));
    await taker.kill();
    await sleep(50);
    await taker.start();
  }
  await sending;
  const got = await taker.mirrored('ndjson');
  const counts = new Map<string, number>();
  for (const line of got) counts.set(line, (counts.get(line) ?? 0) + 1);
  const lost = linesOf(0, requests * perRequest).filter((line) => !counts.has(line)).length;
  console.log(`${requests * perRequest} records, ${kills} kills: ${lost} lost, ${got.length - counts.size} duplicated`);
  assert.deepEqual([lost, got.length], [0, requests * perRequest]);
}

async function bring(taker: HttpAgent, number: number, perRequest: number): Promise<void> {
  const file = join(taker.folder, `body-${number}`);
  writeFileSync(file, `${linesOf(number * perRequest, perRequest).join('\n')}\n`);
  const retry = ['--retry', '60', '--retry-all-errors', '--retry-delay', '1', '--fail'];
  const headers = ['-H', 'content-type: application/x-ndjson', '-H', `idempotency-key: request ${number}`];
  await run('curl', ['-sS', ...retry, ...headers, '--data-binary', `@${file}`, taker.url]);
}

function linesOf(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `{"number":${from + index},"text":"some words of a record"}`);
}

/** Our own agent and its plain shipper in front of one that takes requests; both are killed by turns. */
export async function plainThroughKills(records: number, kills: number, encoding: 'text' | 'ndjson'): Promise<void> {
  await using taker = await HttpAgent.start();
  await using agent = new PlainAgent(taker.url, [`encoding: ${encoding}`, 'retry_max: 200ms']);
  const each = Math.ceil(records / (kills + 1));
  const all = Array.from({ length: each * (kills + 1) }, (_, number) => `line ${number} with "words" behind it`);
  for (let round = 0; round <= kills; round++) {
    agent.write('a.log', `${all.slice(round * each, (round + 1) * each).join('\n')}\n`);
    if (!agent.process?.running) agent.start();
    if (!taker.process?.running) await taker.start();
    if (round === kills) break;
    await sleep(100 + 97 * (round % 5));
    await (round % 2 === 0 ? taker.kill() : agent.process!.end('SIGKILL'));
    if (round % 3 === 2) await taker.kill();
  }
  await agent.untilDelivered(all.length);
  const got = await taker.mirrored(encoding === 'text' ? 'log' : 'ndjson');
  const lines = encoding === 'text' ? got : got.map((line) => (JSON.parse(line) as { body: string }).body);
  console.log(
    `${all.length} lines, ${kills} kills: ${all.length - new Set(lines).size} lost, ${lines.length - new Set(lines).size} duplicated`,
  );
  assert.deepEqual(lines, all);
  if (encoding === 'ndjson') assert.equal(JSON.parse(got[0]!).attributes['log.file.name'], 'a.log');
}

/** OTLP has no keys: a batch whose answer was lost may come again, and nothing else. */
export async function sdkThroughKills(records: number, kills: number, encoding: SdkEncoding): Promise<void> {
  await using taker = await HttpAgent.start('otlp');
  const { provider, logger, exporter } = sdk(`${taker.url}v1/logs`, encoding);
  const each = Math.ceil(records / (kills + 1));
  for (let round = 0; round <= kills; round++) {
    for (let number = round * each; number < (round + 1) * each; number++) logger.emit({ body: `record ${number}` });
    if (round === kills) break;
    await sleep(150);
    await taker.kill();
    await sleep(50);
    await taker.start();
    await provider.forceFlush();
  }
  await provider.forceFlush();
  await provider.shutdown();
  const bodies = (await taker.mirrored('ndjson')).map((line) => (JSON.parse(line) as { body: string }).body);
  const all = Array.from({ length: each * (kills + 1) }, (_, number) => `record ${number}`);
  const got = new Set(bodies);
  const duplicated = bodies.length - got.size;
  const gaveUp = exporter.givenUp === 0 ? '' : `; the SDK gave up ${exporter.givenUp} times (${exporter.lastError})`;
  const lost = all.filter((body) => !got.has(body)).length;
  console.log(`${all.length} records, ${kills} kills: ${lost} lost, ${duplicated} duplicated${gaveUp}`);
  assert.deepEqual([lost, got.size], [0, all.length]);
  assert.ok(duplicated <= kills * batchRecordsMax, `at most the batch of each kill: ${duplicated}`);
}

/** What the SDK sends at one time. */
const batchRecordsMax = 512;
