/**
 * From the configuration to the parts: the only place that knows which type of collector or shipper is made by which room,
 * and what each is given. A new type is one more case; the compiler asks for it.
 */
import { BlocksCollector } from '../collectors/blocks/receiver.ts';
import { createContainersCollector } from '../collectors/containers/collector.ts';
import { createFileCollector } from '../collectors/file/collector.ts';
import { useForCounting } from '../collectors/file/linefeeds.ts';
import type { FileCollectorOptions, FileCollectorPorts } from '../collectors/file/options.ts';
import type { Collector } from '../collectors/ports.ts';
import { HttpShipper } from '../shippers/http/native/shipper.ts';
import { PlainShipper } from '../shippers/http/plain/shipper.ts';
import { createMirrorShipper } from '../shippers/mirror/mirror.ts';
import type { Shipper } from '../shippers/ports.ts';
import { useForChecksums } from '../spool/format-checksum.ts';
import type { Outlet } from '../spool/nouns.ts';
import type { ByteWork } from '../spool/ports.ts';
import { NewerVersion, openSpool, type Spool } from '../spool/spool.ts';
import type {
  BlocksCollectorConfiguration,
  CollectorConfiguration,
  Configuration,
  ContainersCollectorConfiguration,
  DestinationConfiguration,
  FileCollectorConfiguration,
  NativeShipperConfiguration,
  PlainShipperConfiguration,
  ShipperConfiguration,
} from './config/types.ts';
import { DeadLetterBox } from './dead/box.ts';
import type { Host } from './ports.ts';
import { authorizationOf, basicOf, secretOf, tokensOf } from './secrets.ts';

/** What the parts share. */
export interface RoomContext {
  readonly configuration: Configuration;
  readonly host: Host;
  readonly spool: Spool;
}

export type Opened =
  | { readonly kind: 'open'; readonly spool: Spool }
  | { readonly kind: 'newer_version'; readonly message: string };

export async function openTheSpool(configuration: Configuration, host: Host): Promise<Opened> {
  if (host.byteWork !== undefined) adopt(host.byteWork);
  const { dataDir, spool, shippers } = configuration;
  const options = { ...spool, dataDir, shippers: shippers.map(({ name, whenFull }) => ({ name, whenFull })) };
  try {
    return { kind: 'open', spool: await openSpool(options, host) };
  } catch (error) {
    if (error instanceof NewerVersion) return { kind: 'newer_version', message: error.message };
    throw error;
  }
}

/** Each is compared with what it stands for, and left out where it differs. */
function adopt({ crc32, countLineFeeds }: ByteWork): void {
  if (crc32 !== undefined) useForChecksums(crc32);
  useForCounting(countLineFeeds);
}

export async function makeCollector(one: CollectorConfiguration, context: RoomContext): Promise<Collector> {
  switch (one.type) {
    case 'file':
      return createFileCollector(...tailing(one, context));
    case 'containers':
      return createContainersCollector(...tailing(one, context));
    case 'blocks':
      return makeReceiver(one, context.host, context.spool);
    default:
      // Loaded where it is configured only: all of them together take a MiB and more.
      return (await import('./rooms-sources.ts')).makeSource(one, context);
  }
}

/** What is left of the process's open files for tailing, when the rest of the agent has its own. */
const otherOpenFiles = 256;

/** What a collector that follows files is given. */
function tailing<T extends FileCollectorConfiguration | ContainersCollectorConfiguration>(
  one: T,
  { configuration, host, spool }: RoomContext,
): [T & Given, FileCollectorPorts] {
  const { files, clock, log, watcher, mounts, inflater, process } = host;
  const mirrors = configuration.shippers.flatMap((shipper) => (shipper.type === 'mirror' ? [shipper.path] : []));
  const tails = configuration.collectors.filter(({ type }) => type === 'file' || type === 'containers').length;
  const share = process.openFilesMax && Math.floor((process.openFilesMax - otherOpenFiles) / tails);
  const given = {
    resource: { 'host.name': process.hostName, ...one.resource },
    openFilesMax: one.openFilesMax ?? (share && Math.max(16, Math.min(share, 65_536))),
    never: [configuration.dataDir, ...mirrors, ...process.ownOutputs],
    configuredCollectors: configuration.collectors.map(({ name }) => name),
  };
  const ports = { intake: spool.intake, files, clock, log, watcher, mounts, inflater, bootId: process.bootId };
  return [{ ...one, ...given }, ports];
}

type Given = Pick<FileCollectorOptions, 'never' | 'configuredCollectors'>;

function makeReceiver(one: BlocksCollectorConfiguration, host: Host, spool: Spool): Collector {
  const { name, listen, tls, memoryBytesMax, connectionsMax, idleTimeoutMs, tokenFile } = one;
  const { files, listener, clock, log } = host;
  const tokens = tokenFile === undefined ? undefined : tokensOf(tokenFile, files);
  return new BlocksCollector(
    { name, host: listen.host, port: listen.port, tls, memoryBytesMax, connectionsMax, idleTimeoutMs },
    { intake: spool.intake, receiver: spool.status().id, listener, clock, log, tokens },
  );
}

/** A shipper and its own door to the spool. */
export interface Shipping {
  readonly shipper: Shipper;
  readonly outlet: Outlet;
}

export function makeShipper(one: ShipperConfiguration, context: RoomContext): Shipping {
  const outlet = context.spool.outlet(one.name);
  return { shipper: shipperFor(one, outlet, context), outlet };
}

function shipperFor(one: ShipperConfiguration, outlet: Outlet, { configuration, host }: RoomContext): Shipper {
  switch (one.type) {
    case 'http':
      return one.protocol === 'native'
        ? makeNativeShipper(one, outlet, host)
        : makePlainShipper(one, outlet, { configuration, host });
    case 'mirror':
      return createMirrorShipper(
        { name: one.name, folder: one.path, stateFolder: `${configuration.dataDir}/mirrors/${one.name}` },
        { outlet, ...host },
      );
    default:
      throw new Error(`no such shipper: ${JSON.stringify(one satisfies never)}`);
  }
}

function makeNativeShipper(one: NativeShipperConfiguration, outlet: Outlet, host: Host): Shipper {
  const { transports, clock, random, log } = host;
  const { authorization, ...way } = wayTo(one, host);
  return new HttpShipper({ ...one, ...way }, { outlet, transports, clock, random, log, authorization });
}

function makePlainShipper(
  one: PlainShipperConfiguration,
  outlet: Outlet,
  { configuration, host }: Pick<RoomContext, 'configuration' | 'host'>,
): Shipper {
  const { name, headers, headerFiles, deadBytesMax, batchBytesMax: bodyBytesMax } = one;
  const { authorization, ...way } = wayTo(one, host);
  const { dataDir, spool } = configuration;
  const { minFreeBytes } = spool;
  const secrets = Object.entries(headerFiles).map(([header, path]) => [header, secretOf(path, host.files)] as const);
  return new PlainShipper(
    { ...one, bodyBytesMax },
    {
      ...host,
      outlet,
      authorization,
      dead: new DeadLetterBox({ dataDir, shipper: name, bytesMax: deadBytesMax, minFreeBytes }, host),
      connect: (url) => host.transports.open({ ...way, url }),
      headers: () => ({ ...headers, ...Object.fromEntries(secrets.map(([header, read]) => [header, read()])) }),
    },
  );
}

/** What both protocols are given to reach their destination. */
function wayTo(one: DestinationConfiguration, host: Host) {
  const { auth, tls, socketPath, connectTimeoutMs, proxy: configured } = one;
  const { basic, ...rest } = configured;
  const proxy = { ...rest, authorization: basic && basicOf(basic, host.files) };
  const authorization = auth && authorizationOf(auth, host, { proxy, connectTimeoutMs });
  return { tls, socketPath, proxy, connectTimeoutMs, authorization };
}
