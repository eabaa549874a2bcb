/**
 * Records over sockets at rising rates, and as fast as they are taken: what arrives, and what it costs whoever takes them. Tailspool
 * keeps them durably in its spool, compressed; rsyslog writes the same records to a file and syncs nothing.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Measured, Part } from '../figures.ts';
import { mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import { sleep } from '../program.ts';
import type { Sending, Sent } from '../socket-sender.ts';
import { type Made, makeText } from '../texts/text.ts';
import { findPeers } from '../ways/peer-programs.ts';
import { type Protocol, rsyslogTaker, type Taker, tailspoolTaker, transportOf } from '../ways/sockets.ts';

const secondsMax = 5;
const fullSpeedRecords = 1_000_000;
/** Sent before, slowly enough for everybody: what a receiver costs while it has just begun is not what it costs. */
const warmUp = { records: 40_000, recordsPerSecond: 10_000 };
/** Nothing more is expected when nothing came for so long. */
const quietMs = 3000;
const senderFile = join(import.meta.dirname, '../socket-sender.ts');

/** Records a second; 0: as fast as they are taken. */
const plan: readonly { readonly protocol: Protocol; readonly rates: readonly number[]; readonly peer: boolean }[] = [
  { protocol: 'udp', rates: [10_000, 30_000, 60_000], peer: false },
  { protocol: 'syslog-udp', rates: [10_000, 30_000, 60_000], peer: true },
  { protocol: 'tcp', rates: [30_000, 0], peer: false },
  { protocol: 'syslog-tcp', rates: [30_000, 0], peer: true },
  { protocol: 'http', rates: [30_000, 0], peer: false },
];

export function sockets(folder: string, options: Options): Part {
  const peers = options.peers ? findPeers() : undefined;
  const made = makeText(join(folder, 'lines.log'), 'syslog', 4 * mib, options.seed);
  const text = prioritised(folder, made);
  const seconds = Math.min(secondsMax, options.seconds);
  const wanted = (name: string) => options.ways.length === 0 || options.ways.some((word) => name.includes(word));
  return {
    name: 'sockets',
    title: `syslog lines (${Math.round(made.bytes / made.lines)} bytes) over sockets: ${seconds} s at each rate, or ${fullSpeedRecords} as fast as they are taken`,
    notes: [
      'tailspool: in a spool, durable, compressed; `syslog`: parsed. rsyslog: parsed, into a file, not synced',
      `before each, ${warmUp.records} records at ${warmUp.recordsPerSecond} a second that are not in the figures`,
      'lost: sent and not taken. drops: those of them that the kernel counted on the socket',
      'the sender is one process beside the receiver: what it takes of two cores is not in the CPU, but in the rate',
      ...(peers?.notes ?? []),
    ],
    async round(round) {
      const measured: Measured[] = [];
      for (const { protocol, rates, peer } of plan) {
        for (const rate of rates) {
          const place = (name: string) => join(folder, `${name}-${protocol}-${rate}-${round}`);
          const takers = [
            ...(wanted(`tailspool ${protocol}`) ? [() => tailspoolTaker(place('tailspool'), protocol)] : []),
            ...(peer && peers?.rsyslog && wanted(`rsyslog ${protocol}`)
              ? [() => rsyslogTaker(peers.rsyslog!, place('rsyslog'), protocol)]
              : []),
          ];
          for (const open of takers) measured.push(await measure(open, { protocol, rate, seconds, text }));
        }
      }
      return measured;
    },
  };
}

interface Load {
  readonly protocol: Protocol;
  readonly rate: number;
  readonly seconds: number;
  readonly text: Made;
}

async function measure(open: () => Promise<Taker>, { protocol, rate, seconds, text }: Load): Promise<Measured> {
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

/** Each line with a priority, as it travels. */
function prioritised(folder: string, made: Made): Made {
  const path = join(folder, 'prioritised.log');
  const lines = fs.readFileSync(made.path, 'latin1').split('\n').slice(0, -1);
  fs.writeFileSync(path, lines.map((line, at) => `<${8 * (at % 24) + (at % 8)}>${line}\n`).join(''), 'latin1');
  return { path, bytes: fs.statSync(path).size, lines: made.lines };
}
