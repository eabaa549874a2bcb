/** Standard input and commands, from what the file says to what the rooms take. */
import type { ConfigurationFile } from './schema.ts';
import { resolveLines } from './schema-lines.ts';
import type { ExecCollectorConfiguration, StdinCollectorConfiguration } from './types.ts';

type CollectorFile = ConfigurationFile['collectors'][string];
type StdinFile = Extract<CollectorFile, { type: 'stdin' }>;
type ExecFile = Extract<CollectorFile, { type: 'exec' }>;
type Resource = ConfigurationFile['resource'];

const retryDelayMsMin = 1000;

export function resolveStdin(name: string, one: StdinFile, resource: Resource): StdinCollectorConfiguration {
  return { type: 'stdin', ...common(name, one, resource) };
}

export function resolveExec(name: string, one: ExecFile, resource: Resource): ExecCollectorConfiguration {
  const [program = '/bin/sh', ...args] = one.command ?? ['/bin/sh', '-c', one.shell ?? ''];
  return {
    type: 'exec',
    ...common(name, one, resource),
    command: [program, ...args],
    run: one.run,
    intervalMs: one.interval,
    timeoutMs: one.timeout,
    outputBytesMax: one.output_max,
    errors: one.stderr,
    environment: one.environment,
    folder: one.directory,
    user: one.user,
    retryDelayMsMin,
    retryDelayMsMax: one.retry_max,
  };
}

function common(name: string, one: StdinFile | ExecFile, resource: Resource) {
  return {
    name,
    lineBytesMax: one.max_line,
    partialTimeoutMs: one.partial_timeout,
    ...resolveLines(one),
    attributes: one.attributes,
    resource: { ...resource, ...one.resource },
  };
}
