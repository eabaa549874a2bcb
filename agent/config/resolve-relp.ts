/** The RELP collector, from what the file says to what the room takes. */
import type { Attributes } from '../../spool/nouns.ts';
import { resolveServerTls } from './resolve-web.ts';
import type { ConfigurationFile } from './schema.ts';
import type { RelpCollectorConfiguration } from './types.ts';

type RelpFile = Extract<ConfigurationFile['collectors'][string], { type: 'relp' }>;

export function resolveRelp(name: string, one: RelpFile, resource: Attributes): RelpCollectorConfiguration {
  const { type, listen, parse, timezone, attributes } = one;
  return {
    ...{ type, name, listen, parse, timezone, attributes },
    tls: one.tls && resolveServerTls(one.tls),
    messageBytesMax: one.max_message,
    connectionsMax: one.connections_max,
    connectionsPerPeerMax: one.connections_per_peer_max,
    resource: { ...resource, ...one.resource },
  };
}
