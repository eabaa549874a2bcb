/** The collectors that take requests, from what the file says to what the rooms take. */
import type { ConfigurationFile } from './schema.ts';
import type {
  Address,
  HttpCollectorConfiguration,
  OtlpCollectorConfiguration,
  ServerTls,
  WebConfiguration,
} from './types.ts';

type CollectorFile = ConfigurationFile['collectors'][string];
type HttpFile = Extract<CollectorFile, { type: 'http' }>;
type OtlpFile = Extract<CollectorFile, { type: 'otlp' }>;
type TlsFile = NonNullable<HttpFile['tls']>;

export function resolveHttpCollector(
  name: string,
  one: HttpFile,
  resource: ConfigurationFile['resource'],
): HttpCollectorConfiguration {
  return {
    ...resolveWeb(name, one, resource),
    type: 'http',
    path: one.path,
    format: one.format,
    meaning: one.records,
    keysMax: one.idempotency_keys,
    keysMs: one.idempotency_keys_age,
  };
}

export function resolveOtlp(
  name: string,
  one: OtlpFile,
  resource: ConfigurationFile['resource'],
): OtlpCollectorConfiguration {
  return { ...resolveWeb(name, one, resource), type: 'otlp', path: one.path };
}

export function resolveServerTls({ cert, key, client_ca, min_version }: TlsFile): ServerTls {
  return { certFile: cert, keyFile: key, clientCaFile: client_ca, minVersion: min_version };
}

function resolveWeb(
  name: string,
  one: Omit<HttpFile, 'type' | 'path' | 'format' | 'records' | 'idempotency_keys' | 'idempotency_keys_age'>,
  resource: ConfigurationFile['resource'],
): Omit<WebConfiguration, 'path'> & { readonly listen: Address } {
  return {
    name,
    listen: one.listen,
    tls: one.tls && resolveServerTls(one.tls),
    tokenFile: one.token_file,
    basic: one.basic && { user: one.basic.user, passwordFile: one.basic.password_file },
    bodyBytesMax: one.body_max,
    memoryBytesMax: one.memory_max,
    connectionsMax: one.connections_max,
    connectionsPerPeerMax: one.connections_per_peer_max,
    idleTimeoutMs: one.idle_timeout,
    rateBytesPerSecondMax: one.rate_limit,
    attributes: one.attributes,
    resource: { ...resource, ...one.resource },
  };
}
