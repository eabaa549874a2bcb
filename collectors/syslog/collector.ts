/**
 * Syslog over any number of sockets at once: TCP, TLS, UDP and unix sockets of one collector, each a source of its own in the spool (the
 * attribute `syslog.transport` tells them apart), each a collector of sockets with this protocol's encoder.
 */
import type { Collector, CollectorStatus } from '../ports.ts';
import { ToldApart } from '../shared/framing/told-apart.ts';
import { DatagramCollector, type DatagramWorld } from '../socket/datagram-collector.ts';
import type { SocketOptions } from '../socket/options.ts';
import { eventEncoder } from '../socket/records.ts';
import { StreamCollector, type StreamWorld } from '../socket/stream-collector.ts';
import type { DatagramListenOptions, Peer, StreamListenOptions } from '../socket-ports.ts';
import { SyslogEncoding } from './encoder.ts';

export type SyslogTransport = 'tcp' | 'tls' | 'udp' | 'unix' | 'unixgram';

export type SyslogListener =
  | { readonly transport: 'tcp' | 'tls' | 'unix'; readonly stream: StreamListenOptions }
  | { readonly transport: 'udp' | 'unixgram'; readonly datagram: DatagramListenOptions };

export interface SyslogOptions extends Omit<SocketOptions, 'type' | 'format' | 'encoder' | 'gauges'> {
  /** At least one; no two with the same transport. */
  readonly listeners: readonly SyslogListener[];
  /** False: messages stay as they came, as the events' bodies. */
  readonly parse: boolean;
  /** An IANA name; undefined: the host's own. */
  readonly timezone: string | undefined;
  /** Longer messages are cut to fragments, datagrams cut off. */
  readonly messageBytesMax: number;
  readonly rateBytesPerSecondMax?: number | undefined;
}

export type SyslogWorld = StreamWorld & DatagramWorld;

type Part = StreamCollector | DatagramCollector;

export class SyslogCollector implements Collector {
  readonly type = 'syslog';
  readonly name: string;
  readonly #parts: readonly { readonly transport: SyslogTransport; readonly part: Part }[];
  readonly #encoding: SyslogEncoding | undefined;

  constructor(options: SyslogOptions, world: SyslogWorld) {
    this.name = options.name;
    this.#encoding = options.parse ? new SyslogEncoding(options.timezone, world.clock) : undefined;
    this.#parts = options.listeners.map((listener) => ({
      transport: listener.transport,
      part: makePart(options, listener, this.#encoding, world),
    }));
  }

  /** Where each transport listens; those that do not (yet) are missing. */
  get addresses(): Readonly<Partial<Record<SyslogTransport, { readonly host: string; readonly port: number }>>> {
    return Object.fromEntries(
      this.#parts.flatMap(({ transport, part }) => (part.address ? [[transport, part.address]] : [])),
    );
  }

  async start(): Promise<void> {
    await Promise.all(this.#parts.map(({ part }) => part.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map(({ part }) => part.stop()));
  }

  status(): CollectorStatus {
    const parts = this.#parts.map(({ part }) => part.status());
    const sum = (of: (status: CollectorStatus) => number) => parts.reduce((total, status) => total + of(status), 0);
    return {
      name: this.name,
      type: this.type,
      read: { records: sum(({ read }) => read.records), bytes: sum(({ read }) => read.bytes) },
      problems: parts.flatMap(({ problems }) => problems),
      sources: [],
      gauges: { ...sumOf(parts.map(({ gauges }) => gauges)), ...this.#encoding?.gauges() },
    };
  }
}

function makePart(
  options: SyslogOptions,
  listener: SyslogListener,
  encoding: SyslogEncoding | undefined,
  world: SyslogWorld,
): Part {
  const { name, resource, whenFull, rateBytesPerSecondMax, messageBytesMax } = options;
  const common = {
    name,
    type: 'syslog',
    resource,
    attributes: { ...options.attributes, 'syslog.transport': listener.transport },
    format: 'json',
    whenFull,
    encoder: encoding === undefined ? eventEncoder : (peer: Peer) => encoding.encoder(peer),
  } as const;
  if ('datagram' in listener) return new DatagramCollector({ ...common, listen: listener.datagram }, world);
  const framing = () => new ToldApart(messageBytesMax);
  return new StreamCollector({ ...common, listen: listener.stream, framing, rateBytesPerSecondMax }, world);
}

function sumOf(gauges: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of gauges.flatMap((each) => Object.entries(each))) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}
