import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBatch } from '../../spool/wire.ts';
import { Pair } from './pair.ts';
import { askStatus, until, untilAnswers } from './tailspool.ts';

/** Starts the agent, waits until `ready`, and ends it. */
async function endsWell(pair: Pair, ready: () => Promise<void>): Promise<void> {
  const agent = pair.startAgent();
  await ready();
  const start = performance.now();
  const { code, err } = await agent.end('SIGTERM');
  assert.equal(code, 0, err);
  assert.ok(performance.now() - start < 5_000, 'it took more than 5 s');
}

/** A TCP server that takes connections and bytes and says `answer`, or nothing for ever. */
async function server(answer: string | undefined): Promise<{ port: number; close(): void; readonly bytes: number }> {
  let bytes = 0;
  const listening = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      bytes += data.length;
      if (answer !== undefined) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return {
    port,
    close: () => listening.close(),
    get bytes() {
      return bytes;
    },
  };
}

async function pairTo(port: number): Promise<Pair> {
  const pair = await Pair.make({ url: `http://127.0.0.1:${port}/v1/blocks` });
  fs.writeFileSync(join(pair.logs, 'a.log'), 'a line that has to go somewhere\n'.repeat(10_000));
  return pair;
}

test('SIGTERM as soon as it runs ends it', async () => {
  await using pair = await pairTo(1);
  await endsWell(pair, () => untilAnswers(pair.agentData));
});

test('SIGTERM while nothing answers at the receiver’s address ends it', async () => {
  await using pair = await pairTo(1);
  const failing = async () => ((await askStatus(pair.agentData))?.shippers[0]?.attempts ?? 0) > 0;
  await endsWell(pair, () => until('an attempt', failing, () => pair.describe()));
});

test('SIGTERM while a request hangs ends it', async () => {
  const hung = await server(undefined);
  await using pair = await pairTo(hung.port);
  await endsWell(pair, () =>
    until(
      'a request',
      () => hung.bytes > 0,
      () => pair.describe(),
    ),
  );
  hung.close();
});

test('SIGTERM between two attempts ends it', async () => {
  const busy = await server('HTTP/1.1 503 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  await using pair = await pairTo(busy.port);
  const retrying = async () => (await askStatus(pair.agentData))?.shippers[0]?.state === 'retrying';
  await endsWell(pair, () => until('a pause between attempts', retrying, () => pair.describe()));
  busy.close();
});

test('SIGTERM while a client holds a half-sent request open ends the receiver', async () => {
  await using pair = await Pair.make();
  const receiver = pair.startReceiver();
  await untilAnswers(pair.receiverData);
  const client = connect(pair.port, '127.0.0.1');
  client.on('error', () => {});
  const words = encodeBatch({
    ...{ spool: '1'.repeat(32), stream: '', epoch: '2'.repeat(32), receiver: undefined, firstContact: true },
    ...{ after: 0, upto: 1_000_000, gaps: [], parent: undefined, descriptionsBytes: 0, descriptionsCrc: 0 },
  });
  const head = Object.entries({ host: 'x', 'content-length': 1_000_000, ...words }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  client.write(`POST /v1/blocks HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\nhalf a body`);
  const holds = async () =>
    (await askStatus(pair.receiverData))?.collectors[0]?.gauges.memory_bytes === 'half a body'.length;
  await until('the receiver to wait for the rest', holds, () => pair.describe());
  const start = performance.now();
  const { code, err } = await receiver.end('SIGTERM');
  client.destroy();
  assert.equal(code, 0, err);
  assert.ok(performance.now() - start < 5_000, 'it took more than 5 s');
});
