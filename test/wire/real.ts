/** A real receiver (HTTP, spool on the disk) and real agents, all in this process, in temporary folders. */

import { hostClock } from '../../agent/host/clock.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { hostListener } from '../../agent/host/listener.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { hostTransports } from '../../agent/host/transport.ts';
import { authorizationOf, tokensOf } from '../../agent/secrets.ts';
import { BlocksCollector } from '../../collectors/blocks/receiver.ts';
import { HttpShipper } from '../../shippers/http/native/shipper.ts';
import type { Outlet } from '../../spool/nouns.ts';
import type { LogEntry } from '../../spool/ports.ts';
import type { Spool } from '../../spool/spool.ts';

export interface RealReceiver {
  readonly collector: BlocksCollector;
  readonly spool: Spool;
  readonly url: string;
  readonly port: number;
  readonly log: readonly LogEntry[];
}

export interface ReceiverSettings {
  readonly port?: number;
  readonly memoryBytesMax?: number;
  readonly connectionsMax?: number;
  readonly idleTimeoutMs?: number;
  readonly tokenFile?: string;
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string };
}

export async function startReceiver(spool: Spool, settings: ReceiverSettings = {}): Promise<RealReceiver> {
  const log: LogEntry[] = [];
  const ownLog = { write: (entry: LogEntry) => void log.push(entry) };
  const { port = 0, memoryBytesMax = 128 * 1024 * 1024, connectionsMax = 200, idleTimeoutMs = 5000, tls } = settings;
  const options = { name: 'edge', host: '127.0.0.1', port, tls, memoryBytesMax, connectionsMax, idleTimeoutMs };
  const tokens = settings.tokenFile === undefined ? undefined : tokensOf(settings.tokenFile, hostFiles);
  const world = {
    intake: spool.intake,
    receiver: spool.id,
    listener: hostListener(ownLog),
    clock: hostClock,
    log: ownLog,
  };
  const collector = new BlocksCollector(options, { ...world, tokens });
  running.add(collector);
  await collector.start();
  const bound = collector.address?.port ?? 0;
  return { collector, spool, log, port: bound, url: `${tls ? 'https' : 'http'}://127.0.0.1:${bound}/v1/blocks` };
}

export interface ShipperSettings {
  readonly bearerFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly batchBytesMax?: number;
  readonly rateBytesPerSecondMax?: number;
}

export async function startShipper(outlet: Outlet, url: string, settings: ShipperSettings = {}): Promise<HttpShipper> {
  const { bearerFile, caFile, certFile, keyFile, batchBytesMax = 1024 * 1024, rateBytesPerSecondMax } = settings;
  const options = {
    name: outlet.name,
    url,
    tls: url.startsWith('https') ? { caFile, certFile, keyFile } : undefined,
    connectTimeoutMs: 2000,
    progressTimeoutMs: 5000,
    batchBytesMax,
    retryDelayMsMax: 1000,
    rateBytesPerSecondMax,
  };
  const log = { write: () => {} };
  const host = { files: hostFiles, clock: hostClock, transports: hostTransports };
  const authorization =
    bearerFile === undefined
      ? undefined
      : authorizationOf({ kind: 'bearer', tokenFile: bearerFile }, host, { proxy: undefined, connectTimeoutMs: 2000 });
  const world = { outlet, transports: hostTransports, clock: hostClock, random: hostRandom, log, authorization };
  const shipper = new HttpShipper(options, world);
  running.add(shipper);
  await shipper.start();
  return shipper;
}

const running = new Set<{ stop(): Promise<void> }>();

/** After a test, also one that failed: a listener left behind would keep the process alive. */
export async function stopAll(): Promise<void> {
  for (const each of running) await each.stop();
  running.clear();
}

/** Waits for a condition, generously. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Everything that the agent's spool has is acknowledged. */
export function delivered(spool: Spool, outlet: Outlet): Promise<void> {
  return until('all is acknowledged', async () => {
    await spool.intake.flush();
    return outlet.waiting().records === 0;
  });
}
