/**
 * The same log through rsyslog (imfile → disk queue → RELP → rsyslog → file) and syslog-ng (file → reliable disk-buffer → HTTP),
 * each with a configuration and folders of its own. They write each record to disk, but sync nothing by themselves.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bytesOf, countArrived } from '../arrived.ts';
import type { Measured } from '../figures.ts';
import { usageFigures, Watch } from '../measure.ts';
import { mib } from '../numbers.ts';
import { freePort, sleep } from '../program.ts';
import { openSink } from '../sink.ts';
import type { Made } from '../texts/text.ts';
import { countSyncs } from '../trace.ts';
import type { PeerProgram } from './peer-programs.ts';
import { rsyslogArguments, rsyslogReceiver, rsyslogSender, syslogNg, syslogNgArguments } from './peer-settings.ts';

/** Nothing more is expected when nothing came for so long. */
const quietMs = 15_000;

export async function throughRsyslog(
  program: PeerProgram,
  folder: string,
  log: Made,
  traced = false,
): Promise<Measured[]> {
  for (const name of ['send', 'receive']) fs.mkdirSync(join(folder, name), { recursive: true });
  const [port, out] = [await freePort(), join(folder, 'receive', 'out.log')];
  const receiving = rsyslogReceiver(join(folder, 'receive'), port, out);
  await using receiver = startPeer(program, rsyslogArguments(program, join(folder, 'receive'), receiving));
  await untilListens(port);
  const sending = rsyslogSender(join(folder, 'send'), port, log.path, log.bytes);
  const start = performance.now();
  await using sender = startPeer(program, rsyslogArguments(program, join(folder, 'send'), sending));
  const syncs = traced ? await countSyncs(sender.child.pid!) : undefined;
  const seconds = (await untilSize(out, log.bytes, sender)) - start;
  const [sent, taken] = [sender.watch.take(), receiver.watch.take()];
  const wire = tcpBytes(port);
  await sender.stop();
  await receiver.stop();
  const syncFigure = syncs === undefined ? {} : { fsyncs: await syncs() };
  const arrived = await countArrived([bytesOf(log.path)], bytesOf(out));
  fs.rmSync(folder, { recursive: true });
  const speed = { megabytesPerSecond: log.bytes / 1e3 / seconds };
  const wireFigure = wire === undefined ? {} : { wireMib: wire / mib };
  const way = `rsyslog ${program.version} imfile → disk queue → RELP`;
  return [
    { way, figures: { ...speed, ...usageFigures(sent, log), ...wireFigure, ...syncFigure }, ...arrived },
    {
      way: `rsyslog ${program.version} RELP → file`,
      figures: { ...speed, ...usageFigures(taken, log) },
      ...arrived,
    },
  ];
}

export async function throughSyslogNg(
  program: PeerProgram,
  folder: string,
  log: Made,
  traced = false,
): Promise<Measured[]> {
  fs.mkdirSync(folder, { recursive: true });
  const out = join(folder, 'out.log');
  await using sink = await openSink(out);
  const start = performance.now();
  const settings = syslogNg(folder, sink.port, log.path, log.bytes);
  await using sender = startPeer(program, syslogNgArguments(program, folder, settings));
  const syncs = traced ? await countSyncs(sender.child.pid!) : undefined;
  const seconds = (await untilSize(out, log.bytes, sender)) - start;
  const usage = sender.watch.take();
  await sender.stop();
  const syncFigure = syncs === undefined ? {} : { fsyncs: await syncs() };
  const arrived = await countArrived([bytesOf(log.path)], bytesOf(out));
  fs.rmSync(folder, { recursive: true });
  const speed = { megabytesPerSecond: log.bytes / 1e3 / seconds };
  const way = `syslog-ng ${program.version} file → reliable disk-buffer → http`;
  return [
    { way, figures: { ...speed, ...usageFigures(usage, log), wireMib: sink.bytes() / mib, ...syncFigure }, ...arrived },
  ];
}

export interface RunningPeer extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly watch: Watch;
  printed(): string;
  stop(): Promise<void>;
}

export function startPeer(program: PeerProgram, args: readonly string[]): RunningPeer {
  const child = spawn(program.command, args, { env: program.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed = (printed + chunk).slice(-8192);
    });
  const ended = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    // rsyslog tries to empty its queues first; everything has arrived by now.
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(late);
  };
  return { child, watch: new Watch(child.pid!), printed: () => printed, stop, [Symbol.asyncDispose]: stop };
}

/** When the file had so many bytes, or when it had stopped growing. */
async function untilSize(path: string, bytes: number, sender: RunningPeer): Promise<number> {
  let [size, since] = [0, performance.now()];
  for (;;) {
    const now = fs.existsSync(path) ? fs.statSync(path).size : 0;
    if (now !== size) [size, since] = [now, performance.now()];
    if (size >= bytes || performance.now() - since > quietMs) return since;
    if (sender.child.exitCode !== null) throw new Error(`the peer ended:\n${sender.printed()}`);
    await sleep(50);
  }
}

async function untilListens(port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  for (let i = 0; i < 200; i++) {
    if (new RegExp(`:${hex} 00000000:0000 0A`).test(fs.readFileSync('/proc/net/tcp', 'latin1'))) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** What went over an open connection to that port, as the kernel counts it; undefined without `ss`. */
function tcpBytes(port: number): number | undefined {
  const said = spawnSync('ss', ['-tinH', 'dport', '=', `:${port}`], { encoding: 'utf8' }).stdout ?? '';
  const found = /bytes_acked:(\d+)/.exec(said);
  return found === null ? undefined : Number(found[1]);
}
