/**
 * Syslog over any number of sockets at once: TCP, TLS, UDP and unix sockets of one collector, each a source of its own in the spool (the
 * attribute `syslog.transport` tells them apart), each a collector of sockets with this protocol's encoder.
 */
import { ToldApart } from '../shared/framing/told-apart.ts';
import { DatagramCollector, type DatagramWorld } from '../socket/datagram-collector.ts';
import { Joined, type Part } from '../socket/joined.ts';
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

export class SyslogCollector extends Joined<SyslogTransport> {
  constructor(options: SyslogOptions, world: SyslogWorld) {
    const encoding = options.parse ? new SyslogEncoding(options.timezone, world.clock) : undefined;
    const parts = options.listeners.map((listener) => ({
      transport: listener.transport,
      part: makePart(options, listener, encoding, world),
    }));
    super({ name: options.name, type: 'syslog' }, parts, () => encoding?.gauges() ?? {});
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
