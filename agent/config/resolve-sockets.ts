/** The collectors of plain sockets, from what the file says to what the rooms take. */
import type { DatagramListenOptions, StreamListenOptions } from '../../collectors/socket-ports.ts';
import type { Attributes } from '../../spool/nouns.ts';
import { resolveServerTls } from './resolve-web.ts';
import type { SocketFile } from './rules-sockets.ts';
import { resolveLines } from './schema-lines.ts';
import type {
  DatagramCollectorConfiguration,
  FramingConfiguration,
  SocketCollectorConfiguration,
  StreamCollectorConfiguration,
} from './types.ts';

type StreamFile = Extract<SocketFile, { type: 'tcp' | 'unix' }>;
type DatagramFile = Extract<SocketFile, { type: 'udp' | 'unixgram' }>;

/** Nothing is ever written to these clients. */
const outputBytesMax = 65_536;

export function resolveSocket(name: string, one: SocketFile, resource: Attributes): SocketCollectorConfiguration {
  return one.type === 'tcp' || one.type === 'unix'
    ? { ...resolveStream(name, one), resource: { ...resource, ...one.resource } }
    : { ...resolveDatagrams(name, one), resource: { ...resource, ...one.resource } };
}

function resolveStream(name: string, one: StreamFile): StreamCollectorConfiguration {
  const { type, format, when_full: whenFull, attributes } = one;
  const framing: FramingConfiguration =
    one.framing === 'length'
      ? { kind: 'length', bytes: Number(one.length_bytes) as 1 | 2 | 4, order: one.length_order }
      : { kind: one.framing };
  return {
    ...{ type, name, format, whenFull, attributes, framing },
    resource: one.resource,
    messageBytesMax: one.max_message,
    multiline: resolveLines({ multiline: one.multiline }).multiline,
    rateBytesPerSecondMax: one.rate_limit,
    listen: { ...limitsOf(one), connectionsMax: one.connections_max, idleTimeoutMs: one.idle_timeout, outputBytesMax },
  };
}

function limitsOf(
  one: StreamFile,
): Pick<StreamListenOptions, 'at' | 'tls' | 'connectionsPerPeerMax' | 'handshakeTimeoutMs'> {
  if (one.type === 'unix') {
    const { path, mode, connections_max: connectionsPerPeerMax } = one;
    return { at: { path, mode }, connectionsPerPeerMax, handshakeTimeoutMs: 0 };
  }
  return {
    at: one.listen,
    tls: one.tls && resolveServerTls(one.tls),
    connectionsPerPeerMax: one.connections_per_peer_max,
    handshakeTimeoutMs: one.handshake_timeout,
  };
}

function resolveDatagrams(name: string, one: DatagramFile): DatagramCollectorConfiguration {
  const { type, format, when_full: whenFull, attributes, resource } = one;
  const at = one.type === 'udp' ? one.listen : { path: one.path, mode: one.mode };
  const listen: DatagramListenOptions = {
    at,
    receiveBufferBytes: one.receive_buffer,
    datagramBytesMax: one.max_message,
  };
  return { type, name, format, whenFull, attributes, resource, listen };
}
