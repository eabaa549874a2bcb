/** The Fluent Forward collector, from what the file says to what the room takes. */
import type { Attributes } from '../../spool/nouns.ts';
import { resolveServerTls } from './resolve-web.ts';
import type { ConfigurationFile } from './schema.ts';
import type { FluentCollectorConfiguration } from './types.ts';

type FluentFile = Extract<ConfigurationFile['collectors'][string], { type: 'fluent' }>;

export function resolveFluent(name: string, one: FluentFile, resource: Attributes): FluentCollectorConfiguration {
  return {
    type: 'fluent',
    name,
    listen: one.listen,
    sharedKeyFile: one.shared_key_file,
    tls: one.tls && resolveServerTls(one.tls),
    messageBytesMax: one.max_message,
    memoryBytesMax: one.memory_max,
    chunksMax: one.chunks_known,
    connectionsMax: one.connections_max,
    connectionsPerPeerMax: one.connections_per_peer_max,
    attributes: one.attributes,
    resource: { ...resource, ...one.resource },
  };
}
