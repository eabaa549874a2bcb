/**
 * A receiver and nothing else that is measured: agents that have their blocks ready send them as fast as they are taken, one
 * agent or a thousand at once. They are real shippers on spools in this process's memory.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { chooseCodec } from '../../../agent/host/codec.ts';
import { blankImage, MemorySpool } from '../../../test/wire/memory-spool.ts';
import { startShipper } from '../../../test/wire/real.ts';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import type { Measured, Part } from '../figures.ts';
import { cpuFigures } from '../measure.ts';
import { mib, sizeText } from '../numbers.ts';
import type { Options } from '../options.ts';
import { freePort, type Running, sleep, startReceiver } from '../program.ts';
import { type Made, makeText } from '../texts/text.ts';
import { beginWindow } from '../window.ts';

const manyAgents = 1000;
const blockBytes = 256 * 1024;
/** With a thousand agents there should be something for each. */
const manyBlockBytes = 32 * 1024;
const batchBytesMax = 2 * mib;
const limitMs = 1_800_000;

export function receiverAlone(folder: string, options: Options): Part {
  const log = makeText(join(folder, 'text.log'), 'nginx', options.bytes, options.seed);
  return {
    name: 'receiver',
    title: `${sizeText(log.bytes)} of log, compressed already, from one agent and from ${manyAgents} agents at once`,
    notes: [
      'CPU of the receiver from the first request on, without its start-up; figures are per byte of raw log',
      'bodies MiB: the most that bodies of all clients took at once; the budget for them is 128 MiB',
      `blocks of ${sizeText(blockBytes)}; with ${manyAgents} agents of ${sizeText(manyBlockBytes)}, all begin at the same moment`,
    ],
    async round(round) {
      const place = (name: string) => join(folder, `${name}-${round}`);
      return [
        await deliver(place('one'), log, 1, blockBytes, 'from 1 agent'),
        await deliver(place('many'), log, manyAgents, manyBlockBytes, 'from 1,000 agents'),
      ];
    },
  };
}

async function deliver(folder: string, log: Made, agents: number, rawBytes: number, label: string): Promise<Measured> {
  fs.mkdirSync(folder);
  const spools = fillSpools(log, agents, rawBytes);
  const wireMib = spools.reduce((sum, spool) => sum + spool.durable, 0) / mib;
  const port = await freePort();
  await using receiver = await startReceiver(folder, { port });
  const before = (await receiver.status()).spool.syncs;
  const window = await beginWindow(receiver);
  const start = performance.now();
  const url = `http://127.0.0.1:${port}/v1/blocks`;
  const shippers = await Promise.all(spools.map((spool) => startShipper(spool.outlet('s'), url, { batchBytesMax })));
  await untilDelivered(spools, receiver);
  const seconds = (performance.now() - start) / 1000;
  const { cpuPercent = 0, fsyncsPerSecond: _, ...cost } = await window.end();
  const { spool, collectors } = await receiver.status();
  const fsyncs = spool.syncs - before;
  // What its budget (`memory_max`, 128 MiB) bounds.
  const bodiesMib = (collectors[0]?.gauges.memory_bytes_peak ?? Number.NaN) / mib;
  await Promise.all(shippers.map((shipper) => shipper.stop()));
  await receiver.stop();
  const arrived = await countArrived([bytesOf(log.path)], recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  const speed = { megabytesPerSecond: log.bytes / 1e6 / seconds };
  const cpu = cpuFigures((cpuPercent / 100) * seconds, log);
  return {
    way: `tailspool receiver, ${label}`,
    figures: { ...speed, ...cpu, ...cost, cpuPercent, bodiesMib, wireMib, fsyncs },
    ...arrived,
  };
}

/** Block after block to one agent after the other. */
function fillSpools(log: Made, agents: number, rawBytes: number): MemorySpool[] {
  const spools = Array.from({ length: agents }, (_, n) => new MemorySpool(blankImage(`agent ${n}`), `agent ${n}`));
  const { codec } = chooseCodec();
  const [raw, frame] = [Buffer.alloc(rawBytes), Buffer.alloc(codec.frameBytesMax(rawBytes))];
  const descriptor = fs.openSync(log.path, 'r');
  for (let at = 0, number = 0; at < log.bytes; number++) {
    const read = fs.readSync(descriptor, raw, 0, rawBytes, at);
    const lines = raw.subarray(0, raw.subarray(0, read).lastIndexOf(10) + 1);
    const compressed = Uint8Array.from(frame.subarray(0, codec.compress(lines, frame)));
    spools[number % agents]!.addFrame(compressed, countLines(lines), lines.length);
    at += lines.length;
  }
  fs.closeSync(descriptor);
  for (const spool of spools) spool.sync();
  return spools;
}

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) count++;
  return count;
}

async function untilDelivered(spools: readonly MemorySpool[], receiver: Running): Promise<void> {
  const end = performance.now() + limitMs;
  while (spools.some((spool) => (spool.outlet('s').cursor?.position ?? 0) < spool.durable)) {
    if (!receiver.process.running) throw new Error(`the receiver ended:\n${receiver.process.printed}`);
    if (performance.now() > end) throw new Error(`not delivered in ${limitMs / 1000} s`);
    await sleep(20);
  }
}
