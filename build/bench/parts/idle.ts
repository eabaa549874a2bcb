/** Files in which nothing happens: how soon an agent is ready, what it holds, what it does (nothing). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { countArrived, recordsOf } from '../arrived.ts';
import { type Figures, type Measured, type Part, percentOfCore } from '../figures.ts';
import { usageFigures, type Watch } from '../measure.ts';
import type { Options } from '../options.ts';
import {
  freePort,
  type Running,
  sleep,
  startAgent,
  startReceiver,
  untilAcknowledged,
  untilStatus,
} from '../program.ts';
import { lineMaker } from '../texts/text.ts';
import { findPeers, type PeersFound } from '../ways/peer-programs.ts';
import { rsyslogArguments, rsyslogIdle, syslogNgArguments, syslogNgIdle } from '../ways/peer-settings.ts';
import { type RunningPeer, startPeer } from '../ways/peers.ts';

const manyFiles = 10_000;
const filesAFolder = 1000;
/** Until the last marks of a start are written and garbage is collected. */
const settleMs = 15_000;

export function idle(folder: string, options: Options): Part {
  const one = makeFiles(join(folder, 'one'), 1, options.seed);
  const many = makeFiles(join(folder, 'many'), manyFiles, options.seed);
  const peers = options.peers ? findPeers() : { rsyslog: undefined, syslogNg: undefined, notes: [] };
  return {
    name: 'idle',
    title: `idle files, a line in each; after ${settleMs / 1000} s nothing is asked for ${options.seconds} s`,
    notes: [
      'ready: from the start of the process until it says that it follows all files; the first start also reads and delivers their lines',
      'disk: what was written in those seconds',
      ...peers.notes,
    ],
    async round(round) {
      const place = join(folder, `round-${round}`);
      return [
        ...(await ownIdle(`${place}-one`, one, '1 file', options)),
        ...(await ownIdle(`${place}-many`, many, '10,000 files', options)),
        ...(await peersIdle(`${place}-peers`, peers, many, options)),
      ];
    },
  };
}

interface Files {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly bytes: number;
}

function makeFiles(folder: string, count: number, seed: number): Files {
  const line = lineMaker('nginx', seed);
  const paths: string[] = [];
  let bytes = 0;
  for (let number = 0; number < count; number++) {
    const parent = join(folder, `app-${Math.floor(number / filesAFolder)}`);
    if (number % filesAFolder === 0) fs.mkdirSync(parent, { recursive: true });
    const [path, text] = [join(parent, `${number}.log`), line(number)];
    fs.writeFileSync(path, text);
    paths.push(path);
    bytes += text.length;
  }
  return { folder, paths, bytes };
}

async function ownIdle(folder: string, files: Files, label: string, options: Options): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  await using receiver = await startReceiver(folder, { port });
  const settings = { include: [join(files.folder, '*/*.log')], to: { central: port }, warm: true };
  await using first = startAgent(folder, settings);
  await untilAcknowledged(first, files.bytes);
  const firstMs = await untilFollowing(first, files.paths.length);
  await sleep(2000);
  await first.stop();
  await using again = startAgent(folder, settings);
  const againMs = await untilFollowing(again, files.paths.length);
  await sleep(settleMs);
  const windows = [quietFigures(again.watch, options.seconds), quietFigures(receiver.watch, options.seconds)];
  const [agentFigures, receiverFigures] = await Promise.all(windows);
  await again.stop();
  await receiver.stop();
  const arrived = await countArrived(files.paths, recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  return [
    { way: `tailspool agent, ${label}: first start`, figures: { readyMs: firstMs }, ...arrived },
    { way: `tailspool agent, ${label}: started again`, figures: { readyMs: againMs, ...agentFigures }, ...arrived },
    { way: `tailspool receiver, ${label}`, figures: { ...receiverFigures }, ...arrived },
  ];
}

async function untilFollowing(agent: Running, count: number): Promise<number> {
  const following = (states: Readonly<Record<string, number | undefined>> = {}) => states.following ?? 0;
  const check = (status: Awaited<ReturnType<Running['status']>>) =>
    following(status.collectors[0]?.sourceStates) === count;
  await untilStatus(agent, `${count} files to be followed`, check, 20);
  return performance.now() - agent.startedAt;
}

/** CPU and writes of the next seconds; memory: the highest since the process began. */
async function quietFigures(watch: Watch, seconds: number): Promise<Figures> {
  const before = watch.read();
  await sleep(seconds * 1000);
  const after = watch.take();
  const cpuPercent = percentOfCore(after.cpuSeconds - before.cpuSeconds, seconds);
  return { ...usageFigures({ ...after, diskBytes: after.diskBytes - before.diskBytes }), cpuPercent };
}

/** Their state after the first start; what they send goes nowhere. */
async function peersIdle(folder: string, peers: PeersFound, files: Files, { seconds }: Options): Promise<Measured[]> {
  const measured: Measured[] = [];
  const measure = async (way: string, peer: RunningPeer) => {
    await sleep(settleMs);
    measured.push({ way, figures: await quietFigures(peer.watch, seconds) });
    await peer.stop();
    fs.rmSync(folder, { recursive: true });
  };
  if (peers.rsyslog) {
    fs.mkdirSync(folder);
    const args = rsyslogArguments(peers.rsyslog, folder, rsyslogIdle(folder, join(files.folder, '*/*.log')));
    await using peer = startPeer(peers.rsyslog, args);
    await measure(`rsyslog ${peers.rsyslog.version}, 10,000 files`, peer);
  }
  if (peers.syslogNg) {
    fs.mkdirSync(folder);
    const args = syslogNgArguments(peers.syslogNg, folder, syslogNgIdle(folder, files.folder, manyFiles));
    await using peer = startPeer(peers.syslogNg, args);
    await measure(`syslog-ng ${peers.syslogNg.version}, 10,000 files`, peer);
  }
  return measured;
}
