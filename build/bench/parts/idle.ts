/** Files in which nothing happens: how soon an agent is ready, what it holds, what it does (nothing). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import { type Figures, type Measured, type Part, percentOfCore } from '../figures.ts';
import { usageFigures, type Watch } from '../measure.ts';
import type { Options } from '../options.ts';
import { freePort, sleep, startAgent, startReceiver } from '../program.ts';
import { openRelay } from '../relay.ts';
import { lineMaker } from '../texts/text.ts';
import { findPeers, type PeersFound } from '../ways/peer-programs.ts';
import { rsyslogArguments, rsyslogIdle, syslogNgArguments, syslogNgIdle } from '../ways/peer-settings.ts';
import { type RunningPeer, startPeer } from '../ways/peers.ts';

const manyFiles = 10_000;
const filesAFolder = 1000;
const filesAppended = 20;
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
      `ready: from the start of the process until all that was new is durable at the receiver: a line in each file, then a line in each of ${filesAppended}`,
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
  /** Of all of them together; grows. */
  lines: number;
}

function makeFiles(folder: string, count: number, seed: number): Files {
  const line = lineMaker('nginx', seed);
  const paths: string[] = [];
  for (let number = 0; number < count; number++) {
    const parent = join(folder, `app-${Math.floor(number / filesAFolder)}`);
    if (number % filesAFolder === 0) fs.mkdirSync(parent, { recursive: true });
    const path = join(parent, `${number}.log`);
    fs.writeFileSync(path, line(number));
    paths.push(path);
  }
  return { folder, paths, lines: count };
}

async function ownIdle(folder: string, files: Files, label: string, options: Options): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  let linesMissing = files.lines;
  let arrived: (() => void) | undefined;
  await using receiver = await startReceiver(folder, { port });
  await using relay = await openRelay(port, (text) => {
    linesMissing -= text.split('\n').length - 1;
    if (linesMissing <= 0) arrived?.();
  });
  const settings = { include: [join(files.folder, '*/*.log')], to: { central: relay.port }, warm: true };
  const startOne = async () => {
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const agent = startAgent(folder, settings);
    await Promise.race([all, agent.process.ended]);
    if (!agent.process.running) throw new Error(`the agent ended:\n${agent.process.printed}`);
    return { agent, readyMs: performance.now() - agent.startedAt };
  };
  const first = await startOne();
  await using _first = first.agent;
  await sleep(2000);
  await first.agent.stop();
  linesMissing = appendToSome(files, options.seed);
  const again = await startOne();
  await using _again = again.agent;
  await sleep(settleMs);
  const windows = [quietFigures(again.agent.watch, options.seconds), quietFigures(receiver.watch, options.seconds)];
  const [agentFigures, receiverFigures] = await Promise.all(windows);
  const following = (await again.agent.status()).collectors[0]?.sourceStates.following;
  if (following !== files.paths.length) throw new Error(`${following} of ${files.paths.length} files are followed`);
  await again.agent.stop();
  await receiver.stop();
  const counts = await countArrived(files.paths.map(bytesOf), recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  return [
    { way: `tailspool agent, ${label}: first start`, figures: { readyMs: first.readyMs }, ...counts },
    {
      way: `tailspool agent, ${label}: started again`,
      figures: { readyMs: again.readyMs, ...agentFigures },
      ...counts,
    },
    { way: `tailspool receiver, ${label}`, figures: { ...receiverFigures }, ...counts },
  ];
}

/** While nobody looks, a line more in files from the first to the last. Gives how many. */
function appendToSome(files: Files, seed: number): number {
  const { paths } = files;
  const line = lineMaker('nginx', seed + 1);
  const step = Math.max(1, Math.floor((paths.length - 1) / (filesAppended - 1)));
  const some = paths.filter((_, number) => number % step === 0 || number === paths.length - 1);
  some.forEach((path, number) => {
    fs.appendFileSync(path, line(number));
  });
  files.lines += some.length;
  return some.length;
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
