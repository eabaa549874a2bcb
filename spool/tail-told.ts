/**
 * Tells what a tail that was cut held, as far as its headers can be read. A crash leaves only tails that nobody was told of; but
 * damage to the last blocks looks the same, and then a sender may believe that its records are safe.
 */
import type { Ledger } from './ledger.ts';
import type { SourceNumber } from './nouns.ts';
import type { ScanItem } from './scan.ts';

/** What was cut, added up: bounded by the sources. */
export class CutRecords {
  readonly #names = new Map<SourceNumber, string>();
  readonly #records = new Map<SourceNumber, number>();
  #unreadable = false;

  add(item: ScanItem): void {
    if (item.kind === 'damage') this.#unreadable = true;
    if (item.kind !== 'block') return;
    for (const { number, description } of item.header.descriptions)
      this.#names.set(number, `${description.collector} (${description.type})`);
    for (const { source, records } of item.header.runs)
      if (records > 0) this.#records.set(source, (this.#records.get(source) ?? 0) + records);
  }

  /** For people; undefined where there is nothing to tell. `ledger` knows the other sources. */
  tell(ledger: Ledger): string | undefined {
    const told = [...this.#byName(ledger)].map(([name, records]) => `${records} of ${name}`);
    if (this.#unreadable) told.push('an unknown number in what cannot be read');
    if (told.length === 0) return undefined;
    return `records that were set aside with the unsynced end: ${told.join(', ')}. Files are read again; what came over a connection is asked for again where its sender still has it`;
  }

  #byName(ledger: Ledger): ReadonlyMap<string, number> {
    const byName = new Map<string, number>();
    for (const [source, records] of this.#records) {
      const known = ledger.sources.get(source)?.description;
      const name = this.#names.get(source) ?? (known ? `${known.collector} (${known.type})` : 'an unknown source');
      byName.set(name, (byName.get(name) ?? 0) + records);
    }
    return byName;
  }
}
