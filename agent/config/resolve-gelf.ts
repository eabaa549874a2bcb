/** The GELF collector, from what the file says to what the room takes. */
import type { GelfListener } from '../../collectors/gelf/collector.ts';
import type { Attributes } from '../../spool/nouns.ts';
import { resolveServerTls } from './resolve-web.ts';
import type { ConfigurationFile } from './schema.ts';
import type { GelfCollectorConfiguration } from './types.ts';

type GelfFile = Extract<ConfigurationFile['collectors'][string], { type: 'gelf' }>;

/** Nothing is ever written to these clients. */
const outputBytesMax = 64 * 1024;
const handshakeTimeoutMs = 10_000;
const datagramBytesMax = 65_535;

export function resolveGelf(name: string, one: GelfFile, resource: Attributes): GelfCollectorConfiguration {
  return {
    type: 'gelf',
    name,
    listeners: listenersOf(one),
    messageBytesMax: one.max_message,
    whenFull: one.when_full,
    attributes: one.attributes,
    resource: { ...resource, ...one.resource },
  };
}

function listenersOf(one: GelfFile): GelfListener[] {
  const { udp, tcp, tls } = one.listen;
  const limits = {
    connectionsMax: one.connections_max,
    connectionsPerPeerMax: one.connections_per_peer_max,
    handshakeTimeoutMs,
    idleTimeoutMs: one.idle_timeout,
    outputBytesMax,
  };
  const secured = one.tls && resolveServerTls(one.tls);
  const found: GelfListener[] = [];
  if (udp)
    found.push({ transport: 'udp', datagram: { at: udp, receiveBufferBytes: one.receive_buffer, datagramBytesMax } });
  if (tcp) found.push({ transport: 'tcp', stream: { at: tcp, ...limits } });
  if (tls) found.push({ transport: 'tls', stream: { at: tls, tls: secured, ...limits } });
  return found;
}
