/**
 * From the configuration to the collectors that are not files and not other Tailspools, each with what it is given. Apart from
 * `rooms.ts`, which loads this only where one of them is configured. A new type is one more case; the compiler asks for it.
 */
import { FluentCollector } from '../collectors/fluent/collector.ts';
import { GelfCollector } from '../collectors/gelf/collector.ts';
import { JournaldCollector } from '../collectors/journald/collector.ts';
import type { Collector } from '../collectors/ports.ts';
import { RelpCollector } from '../collectors/relp/collector.ts';
import { rawRecorder, syslogRecorder } from '../collectors/relp/record.ts';
import { SyslogCollector } from '../collectors/syslog/collector.ts';
import type { Spool } from '../spool/spool.ts';
import type {
  CollectorConfiguration,
  FluentCollectorConfiguration,
  GelfCollectorConfiguration,
  JournaldCollectorConfiguration,
  RelpCollectorConfiguration,
  SyslogCollectorConfiguration,
} from './config/types.ts';
import type { Host } from './ports.ts';
import { makeExec, makeStdin } from './rooms-programs.ts';
import { makeSocketCollector } from './rooms-sockets.ts';
import { makeHttpCollector, makeOtlp } from './rooms-web.ts';
import { secretOf } from './secrets.ts';

type SourceConfiguration = Exclude<CollectorConfiguration, { readonly type: 'file' | 'containers' | 'blocks' }>;

export function makeSource(
  one: SourceConfiguration,
  context: { readonly host: Host; readonly spool: Spool },
): Collector {
  switch (one.type) {
    case 'journald':
      return makeJournald(one, context.host, context.spool);
    case 'http':
      return makeHttpCollector(one, context.host, context.spool.intake);
    case 'otlp':
      return makeOtlp(one, context.host, context.spool.intake);
    case 'stdin':
      return makeStdin(one, context.host, context.spool.intake);
    case 'exec':
      return makeExec(one, context.host, context.spool.intake);
    case 'fluent':
      return makeFluent(one, context.host, context.spool);
    case 'gelf':
      return makeGelf(one, context.host, context.spool);
    case 'relp':
      return makeRelp(one, context.host, context.spool);
    case 'tcp':
    case 'unix':
    case 'udp':
    case 'unixgram':
      return makeSocketCollector(one, context.host, context.spool.intake);
    case 'syslog':
      return makeSyslog(one, context.host, context.spool);
    default:
      throw new Error(`no such collector: ${JSON.stringify(one satisfies never)}`);
  }
}

function makeJournald(one: JournaldCollectorConfiguration, host: Host, { intake }: Spool): Collector {
  const { children, clock, log, process } = host;
  const resource = { 'host.name': process.hostName, ...one.resource };
  return new JournaldCollector({ ...one, resource, own: process }, { intake, children, clock, log });
}

function makeFluent(one: FluentCollectorConfiguration, host: Host, { intake }: Spool): Collector {
  const { streams, clock, random, log, process, files } = host;
  const resource = { 'host.name': process.hostName, ...one.resource };
  const sharedKey = one.sharedKeyFile === undefined ? undefined : secretOf(one.sharedKeyFile, files);
  const world = { intake, streams, clock, random, log, hostName: process.hostName, sharedKey };
  return new FluentCollector({ ...one, ...one.listen, resource }, world);
}

function makeGelf(one: GelfCollectorConfiguration, host: Host, { intake }: Spool): Collector {
  const resource = { 'host.name': host.process.hostName, ...one.resource };
  return new GelfCollector({ ...one, resource }, { intake, ...host });
}

function makeRelp(one: RelpCollectorConfiguration, host: Host, { intake }: Spool): Collector {
  const { streams, clock, log, process } = host;
  const resource = { 'host.name': process.hostName, ...one.resource };
  const record = one.parse ? syslogRecorder(one.timezone, () => clock.now()) : rawRecorder();
  return new RelpCollector({ ...one, ...one.listen, resource }, { intake, streams, clock, log, record });
}

function makeSyslog(one: SyslogCollectorConfiguration, host: Host, { intake }: Spool): Collector {
  const resource = { 'host.name': host.process.hostName, ...one.resource };
  return new SyslogCollector({ ...one, resource }, { intake, ...host });
}
