/** Records sent to whatever takes them over a socket: at a rate, or as fast as they are taken; what arrives, and what it costs. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Measured } from './figures.ts';
import { mib } from './numbers.ts';
import { sleep } from './program.ts';
import type { Sending, Sent } from './socket-sender.ts';
import type { Made } from './texts/text.ts';
import { type Protocol, type Taker, transportOf } from './ways/sockets.ts';

export const fullSpeedRecords = 1_000_000;
/** Sent before, slowly enough for everybody: what a receiver costs while it has just begun is not what it costs. */
export const warmUp = { records: 40_000, recordsPerSecond: 10_000 };
/** Nothing more is expected when nothing came for so long. */
const quietMs = 3000;
const senderFile = join(import.meta.dirname, 'socket-sender.ts');

export interface Load {
  readonly protocol: Protocol;
  readonly rate: number;
  readonly seconds: number;
  readonly text: Made;
}

/** Sends what `load` says to a taker of its own: what arrives, and what that costs. */
export async function measureTaker(
  open: () => Promise<Taker>,
  { protocol, rate, seconds, text }: Load,
): Promise<Measured> {
  await using taker = await open();
  const records = rate === 0 ? fullSpeedRecords : rate * seconds;
  const to = { way: transportOf[protocol], port: taker.port, file: text.path };
  await send({ ...to, ...warmUp });
  const { taken: before } = await untilTaken(taker, warmUp.records);
  const dropsBefore = await taker.drops();
  taker.watch.restart();
  const start = performance.now();
  await send({ ...to, records, recordsPerSecond: rate });
  const { taken: after, at } = await untilTaken(taker, before + records);
  const usage = taker.watch.take();
  const [taken, drops] = [after - before, (await taker.drops()) - dropsBefore];
  const speed = rate === 0 ? 'full speed' : `${rate / 1000}k/s`;
  return {
    way: `${taker.name} ${protocol}, ${speed}`,
    figures: {
      thousandRecordsPerSecond: taken / (at - start),
      cpuSecondsPerMillion: (usage.cpuSeconds * 1e6) / taken,
      thousandRecordsPerCpuSecond: taken / usage.cpuSeconds / 1000,
      peakMib: usage.peakBytes / mib,
      privateMib: usage.privateBytes / mib,
      ...(transportOf[protocol] === 'udp' ? { drops } : {}),
    },
    lost: records - taken,
  };
}

/** When all of it was there, or when it had stopped coming. */
async function untilTaken(taker: Taker, records: number): Promise<{ readonly taken: number; readonly at: number }> {
  let [taken, at] = [await taker.taken(), performance.now()];
  while (taken < records && performance.now() - at < quietMs) {
    await sleep(100);
    const now = await taker.taken();
    if (now !== taken) [taken, at] = [now, performance.now()];
  }
  return { taken, at };
}

async function send(sending: Sending): Promise<Sent> {
  const child = spawn(process.execPath, ['--no-warnings', senderFile, JSON.stringify(sending)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the sender ended with ${code}`);
  return JSON.parse(said) as Sent;
}
