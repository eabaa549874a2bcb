/** Short ways to a configuration for tests. */
import assert from 'node:assert/strict';
import type { Environment } from '../../../agent/config/interpolate.ts';
import { type Loaded, parseConfiguration } from '../../../agent/config/load.ts';
import { formatProblems } from '../../../agent/config/problems.ts';
import type { Configuration } from '../../../agent/config/types.ts';

export function parse(text: string, environment: Environment = {}): Loaded {
  return parseConfiguration([{ file: 'a.yaml', text }], environment);
}

export function parseAll(texts: Readonly<Record<string, string>>): Loaded {
  return parseConfiguration(
    Object.entries(texts).map(([file, text]) => ({ file, text })),
    {},
  );
}

export function sound(loaded: Loaded): Configuration {
  assert.equal(loaded.kind, 'ok', printed(loaded));
  return (loaded as Extract<Loaded, { kind: 'ok' }>).configuration;
}

/** Everything that people would see. */
export function printed(loaded: Loaded): string {
  return formatProblems(loaded.kind === 'ok' ? loaded.warnings : loaded.problems);
}

/** A sound configuration, with sections replaced or added. */
export function withSections(sections: Readonly<Record<string, string>>): string {
  const all = {
    data_dir: '/var/lib/tailspool',
    collectors: '{a: {type: file, include: [/var/log/a.log]}}',
    shippers: '{c: {type: http, protocol: native, url: "http://127.0.0.1:8600/v1/blocks"}}',
    ...sections,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}
