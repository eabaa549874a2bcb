/** The collectors that read programs (standard input, commands), from the configuration to the parts. */
import { ExecCollector } from '../collectors/exec/collector.ts';
import type { Collector } from '../collectors/ports.ts';
import { StdinCollector } from '../collectors/stdin/collector.ts';
import type { Intake } from '../spool/nouns.ts';
import type { ExecCollectorConfiguration, StdinCollectorConfiguration } from './config/types.ts';
import type { Host } from './ports.ts';

export function makeStdin(one: StdinCollectorConfiguration, host: Host, intake: Intake): Collector {
  const { clock, log, standardInput: input } = host;
  return new StdinCollector(ofThisHost(one, host), { intake, clock, log, input });
}

export function makeExec(one: ExecCollectorConfiguration, host: Host, intake: Intake): Collector {
  const { clock, log, children } = host;
  return new ExecCollector(ofThisHost(one, host), { intake, children, clock, log });
}

function ofThisHost<T extends StdinCollectorConfiguration | ExecCollectorConfiguration>(one: T, { process }: Host) {
  return { ...one, resource: { 'host.name': process.hostName, ...one.resource } };
}
