/** Sums of records and bytes. Pure. */
import type { Tally } from '../../spool/nouns.ts';

export const noTally: Tally = { records: 0, bytes: 0 };

export function addTallies(a: Tally, b: Tally): Tally {
  return { records: a.records + b.records, bytes: a.bytes + b.bytes };
}

/** The sum over all reasons (or collectors). */
export function sumOf(tallies: Readonly<Partial<Record<string, Tally>>>): Tally {
  return Object.values(tallies).reduce<Tally>((sum, tally) => addTallies(sum, tally ?? noTally), noTally);
}
