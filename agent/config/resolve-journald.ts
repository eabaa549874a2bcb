/** The journal's collector, from what the file says to what the room takes. */
import type { Attributes } from '../../spool/nouns.ts';
import type { ConfigurationFile } from './schema.ts';
import type { JournaldCollectorConfiguration } from './types.ts';

type JournaldFile = Extract<ConfigurationFile['collectors'][string], { type: 'journald' }>;

export function resolveJournald(name: string, one: JournaldFile, resource: Attributes): JournaldCollectorConfiguration {
  const { type, units, identifiers, priority, matches, namespace, directory, journalctl, attributes } = one;
  return {
    ...{ type, name, units, identifiers, priority, matches, namespace, directory, journalctl, attributes },
    startAt: one.start_at,
    entryBytesMax: one.max_entry,
    resource: { ...resource, ...one.resource },
  };
}
