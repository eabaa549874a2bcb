/** The collectors that take requests, from the configuration to the parts. */
import { HttpCollector } from '../collectors/http/collector.ts';
import { OtlpCollector } from '../collectors/otlp/collector.ts';
import type { Collector } from '../collectors/ports.ts';
import type { DoorWorld } from '../collectors/web/door.ts';
import type { Intake } from '../spool/nouns.ts';
import type { HttpCollectorConfiguration, OtlpCollectorConfiguration, WebConfiguration } from './config/types.ts';
import type { Host } from './ports.ts';
import { loginsOf, tokensOf } from './secrets.ts';

export function makeHttpCollector(one: HttpCollectorConfiguration, host: Host, intake: Intake): Collector {
  return new HttpCollector(webOptions(one, host), { intake, ...webWorld(one, host) });
}

export function makeOtlp(one: OtlpCollectorConfiguration, host: Host, intake: Intake): Collector {
  return new OtlpCollector(webOptions(one, host), { intake, ...webWorld(one, host) });
}

function webOptions<T extends WebConfiguration>(one: T, { process }: Host) {
  return { ...one, ...one.listen, resource: { 'host.name': process.hostName, ...one.resource } };
}

function webWorld({ tokenFile, basic }: WebConfiguration, { files, listener, inflater, clock, log }: Host): DoorWorld {
  const tokens = tokenFile === undefined ? undefined : tokensOf(tokenFile, files);
  const logins = basic && loginsOf(basic, files);
  return { listener, inflater, clock, log, credentials: { tokens, logins } };
}
