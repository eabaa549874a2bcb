/** A Fluent Forward collector over a real socket and spool, and the real client (`@fluent-org/logger`). */
import { FluentClient } from '@fluent-org/logger';
import { hostStreamListener } from '../../../agent/host/stream-listener.ts';
import { FluentCollector } from '../../../collectors/fluent/collector.ts';
import type { FluentOptions } from '../../../collectors/fluent/options.ts';
import type { Event } from '../../../spool/event.ts';
import type { Spool } from '../../../spool/spool.ts';
import { freePort } from '../../end-to-end/tailspool.ts';
import { delivered, type TestSpool } from '../../spool/temporary-spool.ts';

export const modes = ['Message', 'Forward', 'PackedForward', 'CompressedPackedForward'] as const;

export async function listening(dir: TestSpool, spool: Spool, over: Partial<FluentOptions> = {}, key?: string) {
  const options: FluentOptions = {
    ...{ name: 'f', host: '127.0.0.1', port: await freePort(), tls: undefined, messageBytesMax: 64 * 1024 },
    ...{ memoryBytesMax: 1024 * 1024, chunksMax: 100, connectionsMax: 10, connectionsPerPeerMax: 10 },
    ...{ attributes: {}, resource: {}, ...over },
  };
  const { clock, random } = dir.ports;
  const log = { write() {} };
  const world = { intake: spool.intake, streams: hostStreamListener(log), clock, random, log, hostName: 'here' };
  const collector = new FluentCollector(options, { ...world, sharedKey: key === undefined ? undefined : () => key });
  await collector.start();
  return { collector, port: options.port };
}

export function clientOf(port: number, eventMode: (typeof modes)[number], sharedKey?: string): FluentClient {
  return new FluentClient('app', {
    eventMode,
    socket: { host: '127.0.0.1', port, timeout: 10_000, reconnect: { delay: 50, maxDelay: 200 } },
    ack: { ackTimeout: 20_000 },
    flushInterval: 20,
    ...(sharedKey === undefined ? {} : { security: { clientHostname: 'there', sharedKey } }),
  });
}

export function eventsIn(dir: TestSpool, spool: Spool): Event[] {
  return delivered(dir, spool.outlet('s')).map((line) => JSON.parse(line) as Event);
}
