/**
 * The configuration as every room is wired from it: checked, complete, with plain numbers whose unit is in their name.
 * What a key means, its default and its unit in the file stand in `schema.ts`; `load.ts` makes one of these from YAML.
 *
 * A setting that is `undefined` here means "the room decides from the host" (a share of the file system, for instance).
 */
import type { ExecOptions } from '../../collectors/exec/options.ts';
import type { FileCollectorOptions } from '../../collectors/file/options.ts';
import type { FluentOptions } from '../../collectors/fluent/options.ts';
import type { GelfOptions } from '../../collectors/gelf/collector.ts';
import type { HttpOptions } from '../../collectors/http/collector.ts';
import type { JournaldOptions } from '../../collectors/journald/options.ts';
import type { RelpOptions } from '../../collectors/relp/options.ts';
import type { PrefixOptions } from '../../collectors/shared/framing/counted.ts';
import type { MultilineOptions } from '../../collectors/shared/multiline.ts';
import type { DatagramCollectorOptions, StreamCollectorOptions } from '../../collectors/socket/options.ts';
import type { StdinOptions } from '../../collectors/stdin/collector.ts';
import type { SyslogOptions } from '../../collectors/syslog/collector.ts';
import type { DoorOptions } from '../../collectors/web/door.ts';
import type { Attributes } from '../../spool/nouns.ts';

export interface Configuration {
  /** Absolute. */
  readonly dataDir: string;
  /** Attributes of everything this agent sends, as configured; `host.name` is filled in by the agent where it is missing. */
  readonly resource: Attributes;
  /** In the order of the file; names are unique. At least one. */
  readonly collectors: readonly CollectorConfiguration[];
  readonly spool: SpoolConfiguration;
  /** In the order of the file; names are unique. May be empty: then the spool is a ring. */
  readonly shippers: readonly ShipperConfiguration[];
  readonly admin: AdminConfiguration;
  readonly log: LogConfiguration;
}

export interface SpoolConfiguration {
  /** undefined: the smaller of 10 GiB and a quarter of the file system. */
  readonly maxBytes: number | undefined;
  /** undefined: the smaller of 1 GiB and 5 % of the file system. Reading stops when less than this is free. */
  readonly minFreeBytes: number | undefined;
  readonly whenFull: WhenFull;
  readonly syncIntervalMs: number;
  /** Acknowledged bytes that stay on disk, to refill a receiver that lost them. */
  readonly retainAckedBytes: number;
  /** The spool uses less where four would not fit in its size. */
  readonly segmentBytes: number;
  /** Cap for `damaged/`. */
  readonly damagedBytesMax: number;
}

export type WhenFull = 'block' | 'drop_oldest';

export type CollectorConfiguration =
  | FileCollectorConfiguration
  | ContainersCollectorConfiguration
  | BlocksCollectorConfiguration
  | JournaldCollectorConfiguration
  | HttpCollectorConfiguration
  | FluentCollectorConfiguration
  | GelfCollectorConfiguration
  | RelpCollectorConfiguration
  | SocketCollectorConfiguration
  | OtlpCollectorConfiguration
  | StdinCollectorConfiguration
  | ExecCollectorConfiguration
  | SyslogCollectorConfiguration;

/** What the room needs, but for what the agent adds. `resource` is the whole agent's with this collector's own laid over it. */
export interface FileCollectorConfiguration
  extends Omit<FileCollectorOptions, 'never' | 'configuredCollectors' | 'logs'> {
  readonly type: 'file';
}

export interface ContainersCollectorConfiguration extends Omit<FileCollectorConfiguration, 'type' | 'encoding'> {
  readonly type: 'containers';
}

export interface JournaldCollectorConfiguration extends Omit<JournaldOptions, 'own'> {
  readonly type: 'journald';
}

export interface FluentCollectorConfiguration extends Omit<FluentOptions, 'host' | 'port' | 'tls'> {
  readonly type: 'fluent';
  readonly listen: Address;
  readonly tls: ServerTls | undefined;
  readonly sharedKeyFile: string | undefined;
}

export interface GelfCollectorConfiguration extends GelfOptions {
  readonly type: 'gelf';
}

export interface RelpCollectorConfiguration extends Omit<RelpOptions, 'host' | 'port' | 'tls'> {
  readonly type: 'relp';
  readonly listen: Address;
  readonly tls: ServerTls | undefined;
  /** Messages are parsed as syslog. */
  readonly parse: boolean;
  /** undefined: the host's. */
  readonly timezone: string | undefined;
}

export interface BlocksCollectorConfiguration {
  readonly type: 'blocks';
  readonly name: string;
  readonly listen: Address;
  readonly tokenFile: string | undefined;
  readonly tls: ServerTls | undefined;
  /** Over all clients. */
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  /** A client that sends nothing for so long while something is due is cut off. */
  readonly idleTimeoutMs: number;
  /** Someone said that listening beyond loopback without token or TLS is what they want. */
  readonly insecure: boolean;
}

export type SocketCollectorConfiguration = StreamCollectorConfiguration | DatagramCollectorConfiguration;

export interface StreamCollectorConfiguration extends Omit<StreamCollectorOptions, 'type' | 'encoder' | 'framing'> {
  readonly type: 'tcp' | 'unix';
  readonly framing: FramingConfiguration;
  readonly multiline: MultilineOptions | undefined;
  readonly messageBytesMax: number;
}

export type FramingConfiguration =
  | { readonly kind: 'newline' | 'nul' | 'octet_counted' }
  | ({ readonly kind: 'length' } & PrefixOptions);

export interface DatagramCollectorConfiguration extends Omit<DatagramCollectorOptions, 'type' | 'encoder' | 'framing'> {
  readonly type: 'udp' | 'unixgram';
}

export interface StdinCollectorConfiguration extends StdinOptions {
  readonly type: 'stdin';
}

export interface ExecCollectorConfiguration extends ExecOptions {
  readonly type: 'exec';
}

/** What the collectors that take requests have in common. */
export interface WebConfiguration extends Omit<DoorOptions, 'host' | 'port' | 'tls'> {
  readonly listen: Address;
  readonly tls: ServerTls | undefined;
  readonly tokenFile: string | undefined;
  readonly basic: BasicAuth | undefined;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface HttpCollectorConfiguration
  extends WebConfiguration,
    Pick<HttpOptions, 'format' | 'meaning' | 'keysMax' | 'keysMs'> {
  readonly type: 'http';
}

export interface SyslogCollectorConfiguration extends SyslogOptions {
  readonly type: 'syslog';
}

export interface OtlpCollectorConfiguration extends WebConfiguration {
  readonly type: 'otlp';
}

export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Clients must show a certificate of this authority. */
  readonly clientCaFile: string | undefined;
  readonly minVersion: TlsVersion;
}

export type TlsVersion = '1.2' | '1.3';

export type ShipperConfiguration = NativeShipperConfiguration | PlainShipperConfiguration | MirrorShipperConfiguration;

/** Where an HTTP shipper sends, and how it gets there; the same for both protocols. */
export interface DestinationConfiguration {
  /** http: or https:, without user, password or fragment. */
  readonly url: string;
  /** Further addresses of the same destination, in the order in which they are tried. */
  readonly failover: readonly string[];
  /** Connected to instead of the URL's host. */
  readonly socketPath: string | undefined;
  readonly tls: ClientTls | undefined;
  readonly auth: Auth | undefined;
  readonly proxy: ProxyConfiguration;
  readonly connectTimeoutMs: number;
}

export interface ProxyConfiguration {
  /** undefined: what the environment says, if `environment`. */
  readonly url: string | undefined;
  readonly basic: BasicAuth | undefined;
  readonly caFile: string | undefined;
  readonly noProxy: readonly string[];
  readonly environment: boolean;
}

/** What both protocols have. */
interface HttpShipperConfiguration extends DestinationConfiguration {
  readonly type: 'http';
  readonly name: string;
  readonly whenFull: WhenFull;
  /** undefined: no limit. */
  readonly rateBytesPerSecondMax: number | undefined;
  /** No byte moved in either direction for so long. */
  readonly progressTimeoutMs: number;
  readonly batchBytesMax: number;
  readonly retryDelayMsMax: number;
}

export interface NativeShipperConfiguration extends HttpShipperConfiguration {
  readonly protocol: 'native';
}

export interface PlainShipperConfiguration extends HttpShipperConfiguration {
  readonly protocol: 'plain';
  readonly encoding: 'text' | 'ndjson';
  readonly compression: 'zstd' | 'gzip' | 'none';
  readonly method: 'POST' | 'PUT' | 'PATCH';
  /** By name, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Their values are in files. */
  readonly headerFiles: Readonly<Record<string, string>>;
  readonly outstandingMax: number;
  /** Cap for the dead letters. */
  readonly deadBytesMax: number;
}

export interface ClientTls {
  /** undefined: the authorities that Node brings. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** undefined: the URL's host. */
  readonly serverName: string | undefined;
  readonly minVersion: TlsVersion;
}

/** Secrets stay in their files; they are read when they are needed. */
export type Auth =
  | { readonly kind: 'bearer'; readonly tokenFile: string }
  | ({ readonly kind: 'basic' } & BasicAuth)
  | ({ readonly kind: 'oauth2' } & OAuth2);

export interface BasicAuth {
  readonly user: string;
  readonly passwordFile: string;
}

/** Client credentials (RFC 6749 section 4.4). */
export interface OAuth2 {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly secretFile: string;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly sendSecret: 'header' | 'body';
  readonly tls: ClientTls | undefined;
}

export interface MirrorShipperConfiguration {
  readonly type: 'mirror';
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly whenFull: WhenFull;
}

export interface AdminConfiguration {
  /** undefined: only the socket in data_dir. */
  readonly listen: Address | undefined;
}

export interface LogConfiguration {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: text on a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'text';
}
