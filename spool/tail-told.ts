/**
 * Tells what a tail that was cut held, as far as its headers can be read. A crash leaves only tails that nobody was told of; but
 * damage to the last blocks looks the same, and then a sender may believe that its records are safe.
 */
import type { Ledger } from './ledger.ts';
import type { SourceNumber } from './nouns.ts';
import type { ScanItem } from './scan.ts';

/** For people; undefined where there is nothing to tell. */
export function tellTail(items: readonly ScanItem[], ledger: Ledger): string | undefined {
  const told = [...recordsByName(items, ledger)].map(([name, records]) => `${records} of ${name}`);
  if (items.some(({ kind }) => kind === 'damage')) told.push('an unknown number in what cannot be read');
  if (told.length === 0) return undefined;
  return `records that were set aside with the unsynced end: ${told.join(', ')}. Files are read again; what came over a connection is asked for again where its sender still has it`;
}

function recordsByName(items: readonly ScanItem[], ledger: Ledger): ReadonlyMap<string, number> {
  const names = new Map<SourceNumber, string>();
  const records = new Map<string, number>();
  for (const item of items) {
    if (item.kind !== 'block') continue;
    for (const { number, description } of item.header.descriptions)
      names.set(number, `${description.collector} (${description.type})`);
    for (const run of item.header.runs) {
      if (run.records === 0) continue;
      const known = ledger.sources.get(run.source)?.description;
      const name = names.get(run.source) ?? (known ? `${known.collector} (${known.type})` : 'an unknown source');
      records.set(name, (records.get(name) ?? 0) + run.records);
    }
  }
  return records;
}
