/** 100 lines a second: how long from a line's write until it is durable at the receiver, and what that costs. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import { type Measured, type Part, percentOfCore } from '../figures.ts';
import { usageFigures } from '../measure.ts';
import { mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import { freePort, sleep, startAgent, startReceiver } from '../program.ts';
import { openRelay } from '../relay.ts';
import { openSink } from '../sink.ts';
import { TrickleWriter } from '../trickle-writer.ts';
import { findPeers, type PeerProgram } from '../ways/peer-programs.ts';
import { syslogNg, syslogNgArguments } from '../ways/peer-settings.ts';
import { startPeer } from '../ways/peers.ts';
import { beginWindow } from '../window.ts';

const linesPerSecond = 100;
const settleMs = 3000;
const lastLineLimitMs = 20_000;

export function trickle(folder: string, options: Options): Part {
  const peers = options.peers ? findPeers() : undefined;
  return {
    name: 'trickle',
    title: `${linesPerSecond} lines/s for ${options.seconds} s: line written → receiver says that it is durable`,
    notes: [
      'seen by a relay between the two, which adds a fraction of a millisecond; fsyncs/s: of the spool, beside one of the cursor a second',
      ...(peers?.syslogNg ? ['syslog-ng: line written → arrived at an HTTP endpoint, which stores nothing'] : []),
      ...(peers?.notes ?? []),
    ],
    async round(round) {
      const place = (name: string) => join(folder, `${name}-${round}`);
      const measured = [
        ...(await ownTrickle(place('standard'), options, 'sync_interval 100 ms', undefined)),
        ...(await ownTrickle(place('quick'), options, 'sync_interval 10 ms on both', '10ms')),
      ];
      if (peers?.syslogNg) measured.push(await syslogNgTrickle(peers.syslogNg, place('ng'), options));
      return measured;
    },
  };
}

async function ownTrickle(folder: string, options: Options, label: string, syncInterval?: string): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const [log, port] = [join(folder, 'trickle.log'), await freePort()];
  using writer = new TrickleWriter(log, linesPerSecond, options.seed);
  await using receiver = await startReceiver(folder, { port, syncInterval });
  await using relay = await openRelay(port, (text) => writer.arrived(text));
  const interval = syncInterval === undefined ? {} : { syncInterval };
  await using agent = startAgent(folder, { include: [log], to: { central: relay.port }, ...interval });
  await agent.status();
  writer.start();
  await sleep(settleMs);
  const sides = [
    { side: 'agent', ...(await beginWindow(agent)) },
    { side: 'receiver', ...(await beginWindow(receiver)) },
  ];
  writer.forgetLatencies();
  const wireBefore = relay.bytes();
  await sleep(options.seconds * 1000);
  const costs = await Promise.all(sides.map(async ({ side, end }) => ({ side, figures: await end() })));
  const wireMib = (relay.bytes() - wireBefore) / mib;
  writer.stop();
  await untilAllCame(writer);
  const { figures, ...counts } = writer.result();
  await agent.stop();
  await receiver.stop();
  const stored = await countArrived([bytesOf(log)], recordsOf(receiver.dataDir));
  const worst = {
    lost: Math.max(counts.lost, stored.lost),
    duplicated: Math.max(counts.duplicated, stored.duplicated),
  };
  fs.rmSync(folder, { recursive: true });
  return costs.map(({ side, figures: cost }) => ({
    way: `tailspool ${side}, ${label}`,
    figures: side === 'agent' ? { ...figures, ...cost, wireMib } : cost,
    ...worst,
  }));
}

async function untilAllCame(writer: TrickleWriter): Promise<void> {
  const end = performance.now() + lastLineLimitMs;
  while (writer.waiting > 0 && performance.now() < end) await sleep(20);
}

async function syslogNgTrickle(program: PeerProgram, folder: string, options: Options): Promise<Measured> {
  fs.mkdirSync(folder);
  const log = join(folder, 'trickle.log');
  using writer = new TrickleWriter(log, linesPerSecond, options.seed);
  await using sink = await openSink(undefined, (body) => writer.arrived(body.toString('latin1')));
  await using peer = startPeer(program, syslogNgArguments(program, folder, syslogNg(folder, sink.port, log, mib)));
  writer.start();
  await sleep(settleMs);
  peer.watch.restart();
  writer.forgetLatencies();
  const wireBefore = sink.bytes();
  await sleep(options.seconds * 1000);
  const usage = peer.watch.take();
  const wireMib = (sink.bytes() - wireBefore) / mib;
  writer.stop();
  await untilAllCame(writer);
  const { figures, ...counts } = writer.result();
  await peer.stop();
  const cpuPercent = percentOfCore(usage.cpuSeconds, options.seconds);
  return {
    way: `syslog-ng ${program.version} (to arrival, not durable)`,
    figures: { ...figures, ...usageFigures(usage), cpuPercent, wireMib },
    ...counts,
  };
}
