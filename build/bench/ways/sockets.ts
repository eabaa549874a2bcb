/** What receives records over a socket, as the bench looks at it: Tailspool's collectors into a spool, rsyslog into a file. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Watch } from '../measure.ts';
import { askStatus, freePort, sleep, startCollecting } from '../program.ts';
import type { PeerProgram } from './peer-programs.ts';
import { rsyslogArguments, rsyslogSockets } from './peer-settings.ts';
import { startPeer } from './peers.ts';

export type Protocol = 'udp' | 'tcp' | 'syslog-udp' | 'syslog-tcp' | 'http';

/** How each protocol's bytes travel. */
export const transportOf = {
  udp: 'udp',
  tcp: 'tcp',
  'syslog-udp': 'udp',
  'syslog-tcp': 'tcp',
  http: 'http',
} as const;

export interface Taker extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly watch: Watch;
  /** Durable (Tailspool), or in the file (rsyslog). */
  taken(): Promise<number>;
  /** Dropped by the kernel, as far as it tells. */
  drops(): Promise<number>;
}

/** `executable`: another build than the one that is measured. */
export async function tailspoolTaker(folder: string, protocol: Protocol, executable?: string): Promise<Taker> {
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const collector = {
    udp: { type: 'udp', listen },
    tcp: { type: 'tcp', listen },
    'syslog-udp': { type: 'syslog', listen: { udp: listen } },
    'syslog-tcp': { type: 'syslog', listen: { tcp: listen } },
    http: { type: 'http', listen },
  }[protocol];
  const agent = startCollecting(folder, { in: collector }, executable);
  await untilListening(agent.dataDir);
  const totals = async () => (await agent.status()).collectors[0]?.totals;
  return {
    name: 'tailspool',
    port,
    watch: agent.watch,
    taken: async () => (await totals())?.spooled.records ?? 0,
    drops: async () => (await totals())?.dropped.kernel_buffer?.records ?? 0,
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

async function untilListening(dataDir: string): Promise<void> {
  for (;;) {
    const status = await askStatus(dataDir);
    if (status !== undefined && status.collectors[0]?.problems.length === 0) return;
    await sleep(20);
  }
}

/** It parses each message, whatever the protocol: `raw` has only the file's format differ. */
export async function rsyslogTaker(program: PeerProgram, folder: string, protocol: Protocol): Promise<Taker> {
  fs.mkdirSync(folder, { recursive: true });
  const [port, out] = [await freePort(), join(folder, 'out.log')];
  const settings = rsyslogSockets(folder, port, transportOf[protocol] === 'udp' ? 'udp' : 'tcp', out);
  const peer = startPeer(program, rsyslogArguments(program, folder, settings));
  await untilBound(port, peer.printed);
  let [at, lines] = [0, 0];
  return {
    name: `rsyslog ${program.version}`,
    port,
    watch: peer.watch,
    async taken() {
      const chunk = Buffer.alloc(1 << 20);
      const descriptor = fs.existsSync(out) ? fs.openSync(out, 'r') : undefined;
      if (descriptor === undefined) return 0;
      for (;;) {
        const read = fs.readSync(descriptor, chunk, 0, chunk.length, at);
        if (read === 0) break;
        at += read;
        for (let lf = chunk.indexOf(10); lf >= 0 && lf < read; lf = chunk.indexOf(10, lf + 1)) lines++;
      }
      fs.closeSync(descriptor);
      return lines;
    },
    drops: async () => kernelDrops(port),
    [Symbol.asyncDispose]: () => peer.stop(),
  };
}

async function untilBound(port: number, printed: () => string): Promise<void> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let attempt = 0; attempt < 200; attempt++) {
    if (['tcp', 'udp'].some((table) => fs.readFileSync(`/proc/net/${table}`, 'latin1').includes(hex))) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}:\n${printed()}`);
}

function kernelDrops(port: number): number {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = fs
    .readFileSync('/proc/net/udp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return Number(rows.find((row) => row[1]?.endsWith(hex))?.[12] ?? 0);
}
