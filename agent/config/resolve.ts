/** From what the file says to what the rooms take: names in our own style, defaults that depend on other keys filled in. */

import { resolveExec, resolveStdin } from './resolve-exec.ts';
import { resolveFluent } from './resolve-fluent.ts';
import { resolveGelf } from './resolve-gelf.ts';
import { resolveJournald } from './resolve-journald.ts';
import { resolveRelp } from './resolve-relp.ts';
import { resolveSocket } from './resolve-sockets.ts';
import { resolveSyslog } from './resolve-syslog.ts';
import { resolveHttpCollector, resolveOtlp, resolveServerTls } from './resolve-web.ts';
import { segmentsMin } from './rules.ts';
import type { ConfigurationFile } from './schema.ts';
import { resolveLines } from './schema-lines.ts';
import type {
  Auth,
  BasicAuth,
  BlocksCollectorConfiguration,
  ClientTls,
  CollectorConfiguration,
  Configuration,
  ContainersCollectorConfiguration,
  DestinationConfiguration,
  FileCollectorConfiguration,
  ShipperConfiguration,
  SpoolConfiguration,
} from './types.ts';

type CollectorFile = ConfigurationFile['collectors'][string];
type ShipperFile = ConfigurationFile['shippers'][string];
type HttpFile = Extract<ShipperFile, { type: 'http' }>;

const segmentBytesDefault = 64 * 1024 * 1024;

/** Only for a file that the rules found no error in. */
export function resolve(file: ConfigurationFile): Configuration {
  return {
    dataDir: file.data_dir,
    resource: file.resource,
    collectors: Object.entries(file.collectors).map(([name, one]) => resolveCollector(name, one, file)),
    spool: resolveSpool(file.spool),
    shippers: Object.entries(file.shippers).map(([name, one]) => resolveShipper(name, one, file)),
    admin: { listen: file.admin.listen },
    log: file.log,
  };
}

function resolveSpool(spool: ConfigurationFile['spool']): SpoolConfiguration {
  const quarter = Math.floor((spool.max_size ?? Number.MAX_SAFE_INTEGER) / segmentsMin);
  return {
    maxBytes: spool.max_size,
    minFreeBytes: spool.min_free,
    whenFull: spool.when_full,
    syncIntervalMs: spool.sync_interval,
    retainAckedBytes: spool.retain_acked,
    segmentBytes: spool.segment_size ?? Math.min(segmentBytesDefault, quarter),
    damagedBytesMax: spool.damaged_max_size,
  };
}

function resolveCollector(name: string, one: CollectorFile, file: ConfigurationFile): CollectorConfiguration {
  switch (one.type) {
    case 'file':
      return resolveFile(name, one, file);
    case 'containers':
      return resolveContainers(name, one, file);
    case 'blocks':
      return resolveBlocks(name, one);
    case 'journald':
      return resolveJournald(name, one, file.resource);
    case 'http':
      return resolveHttpCollector(name, one, file.resource);
    case 'otlp':
      return resolveOtlp(name, one, file.resource);
    case 'stdin':
      return resolveStdin(name, one, file.resource);
    case 'exec':
      return resolveExec(name, one, file.resource);
    case 'fluent':
      return resolveFluent(name, one, file.resource);
    case 'gelf':
      return resolveGelf(name, one, file.resource);
    case 'relp':
      return resolveRelp(name, one, file.resource);
    case 'tcp':
    case 'unix':
    case 'udp':
    case 'unixgram':
      return resolveSocket(name, one, file.resource);
    case 'syslog':
      return resolveSyslog(name, one, file.resource);
    default:
      throw new Error(`no such collector: ${JSON.stringify(one satisfies never)}`);
  }
}

function resolveFile(
  name: string,
  one: Extract<CollectorFile, { type: 'file' }>,
  file: ConfigurationFile,
): FileCollectorConfiguration {
  return {
    type: 'file',
    name,
    include: one.include,
    exclude: one.exclude,
    rotated: one.rotated,
    startAt: one.start_at,
    maxLineBytes: one.max_line,
    partialTimeoutMs: one.partial_timeout,
    ...resolveLines(one),
    networkFs: one.network_fs,
    deletedFileLimitMs: one.deleted_file_limit,
    scanIntervalMs: one.scan_interval,
    forgetAfterMs: one.forget_after,
    openFilesMax: one.open_files_max,
    sourcesMax: one.sources_max,
    attributes: one.attributes,
    resource: { ...file.resource, ...one.resource },
  };
}

function resolveContainers(
  name: string,
  one: Extract<CollectorFile, { type: 'containers' }>,
  file: ConfigurationFile,
): ContainersCollectorConfiguration {
  const { encoding: _none, ...files } = resolveFile(name, { ...one, type: 'file' }, file);
  return { ...files, type: 'containers' };
}

function resolveBlocks(name: string, one: Extract<CollectorFile, { type: 'blocks' }>): BlocksCollectorConfiguration {
  return {
    type: 'blocks',
    name,
    listen: one.listen,
    tokenFile: one.token_file,
    tls: one.tls && resolveServerTls(one.tls),
    memoryBytesMax: one.memory_max,
    connectionsMax: one.connections_max,
    idleTimeoutMs: one.idle_timeout,
    insecure: one.insecure,
  };
}

function resolveShipper(name: string, one: ShipperFile, file: ConfigurationFile): ShipperConfiguration {
  const whenFull = one.when_full ?? file.spool.when_full;
  if (one.type === 'mirror') return { type: 'mirror', name, path: one.path, whenFull };
  const http = {
    type: 'http',
    name,
    ...resolveDestination(one),
    whenFull,
    rateBytesPerSecondMax: one.rate_limit,
    progressTimeoutMs: one.progress_timeout,
    batchBytesMax: one.batch_max,
    retryDelayMsMax: one.retry_max,
  } as const;
  return one.protocol === 'native'
    ? { ...http, protocol: 'native' }
    : { ...http, protocol: 'plain', ...resolvePlain(one) };
}

const deadBytesMaxDefault = 256 * 1024 * 1024;

function resolvePlain(one: HttpFile) {
  return {
    encoding: one.encoding ?? 'ndjson',
    compression: one.compression ?? 'zstd',
    method: one.method ?? 'POST',
    headers: one.headers ?? {},
    headerFiles: one.header_files ?? {},
    outstandingMax: one.outstanding ?? 1,
    deadBytesMax: one.dead_max_size ?? deadBytesMaxDefault,
  } as const;
}

function resolveDestination(one: HttpFile): DestinationConfiguration {
  const { url: proxyUrl, basic, ca, no_proxy, environment } = one.proxy;
  return {
    url: one.url,
    failover: one.failover,
    socketPath: one.unix_socket,
    tls: one.tls && resolveTls(one.tls),
    auth: one.auth && resolveAuth(one.auth),
    proxy: { url: proxyUrl, basic: basic && resolveBasic(basic), caFile: ca, noProxy: no_proxy, environment },
    connectTimeoutMs: one.connect_timeout,
  };
}

function resolveTls(tls: NonNullable<HttpFile['tls']>): ClientTls {
  const { ca, cert, key, server_name, min_version } = tls;
  return { caFile: ca, certFile: cert, keyFile: key, serverName: server_name, minVersion: min_version };
}

function resolveBasic({ user, password_file }: NonNullable<HttpFile['proxy']['basic']>): BasicAuth {
  return { user, passwordFile: password_file };
}

function resolveAuth({ bearer_file, basic, oauth2 }: NonNullable<HttpFile['auth']>): Auth | undefined {
  if (bearer_file !== undefined) return { kind: 'bearer', tokenFile: bearer_file };
  if (basic !== undefined) return { kind: 'basic', ...resolveBasic(basic) };
  if (oauth2 === undefined) return undefined;
  const { token_url, client_id, client_secret_file, scope, audience, send_secret, tls } = oauth2;
  return {
    kind: 'oauth2',
    tokenUrl: token_url,
    clientId: client_id,
    secretFile: client_secret_file,
    scope,
    audience,
    sendSecret: send_secret,
    tls: tls && resolveTls(tls),
  };
}
