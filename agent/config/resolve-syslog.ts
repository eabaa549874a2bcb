/** The syslog collector, from what the file says to what the room takes. */
import type { SyslogListener } from '../../collectors/syslog/collector.ts';
import type { Attributes } from '../../spool/nouns.ts';
import { resolveServerTls } from './resolve-web.ts';
import type { ConfigurationFile } from './schema.ts';
import type { SyslogCollectorConfiguration } from './types.ts';

type SyslogFile = Extract<ConfigurationFile['collectors'][string], { type: 'syslog' }>;

/** A client of a protocol in which nothing is answered reads nothing. */
const outputBytesMax = 64 * 1024;
const datagramBytesMax = 65_535;

export function resolveSyslog(name: string, one: SyslogFile, resource: Attributes): SyslogCollectorConfiguration {
  const { type, parse, timezone, attributes } = one;
  return {
    ...{ type, name, parse, timezone, attributes },
    listeners: [...datagrams(one), ...streams(one)],
    messageBytesMax: one.max_message,
    whenFull: one.when_full,
    rateBytesPerSecondMax: one.rate_limit,
    resource: { ...resource, ...one.resource },
  };
}

function datagrams({ listen, max_message, receive_buffer, socket_mode: mode }: SyslogFile): SyslogListener[] {
  const common = { datagramBytesMax: Math.min(max_message, datagramBytesMax) };
  const { udp, unixgram: path } = listen;
  const ofUdp = { ...common, receiveBufferBytes: receive_buffer };
  return [
    ...(udp === undefined ? [] : [{ transport: 'udp', datagram: { at: udp, ...ofUdp } } as const]),
    // Of unix datagrams the kernel keeps a number (net.unix.max_dgram_qlen), whatever a buffer is asked for; their senders wait.
    ...(path === undefined ? [] : [{ transport: 'unixgram', datagram: { at: { path, mode }, ...common } } as const]),
  ];
}

function streams(one: SyslogFile): SyslogListener[] {
  const common = {
    connectionsMax: one.connections_max,
    connectionsPerPeerMax: one.connections_per_peer_max,
    handshakeTimeoutMs: one.handshake_timeout,
    idleTimeoutMs: one.idle_timeout,
    outputBytesMax,
  };
  const { tcp, tls, unix: path } = one.listen;
  const secured = { ...common, tls: one.tls && resolveServerTls(one.tls) };
  return [
    ...(tcp === undefined ? [] : [{ transport: 'tcp', stream: { at: tcp, ...common } } as const]),
    ...(tls === undefined ? [] : [{ transport: 'tls', stream: { at: tls, ...secured } } as const]),
    ...(path === undefined
      ? []
      : [{ transport: 'unix', stream: { at: { path, mode: one.socket_mode }, ...common } } as const]),
  ];
}
