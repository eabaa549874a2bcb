/** Where a shipper goes on after opening: its cursor file, else the newest table, else the oldest data there are. */
import type { CursorRead } from './cursor-file.ts';
import type { Totals } from './ledger.ts';
import { subtract, sumOf } from './ledger.ts';
import type { Id, Position, ShipperCursor, Tally } from './nouns.ts';
import type { Recovered } from './recovery.ts';
import { approximate } from './totals.ts';

export interface CursorStart {
  readonly cursor: ShipperCursor | undefined;
  readonly position: Position;
  /** What lies before `position`, by collector. */
  readonly totals: Totals;
  /** What was given up for lack of room between the cursor and `position`, where that is known. */
  readonly givenUp?: Tally | undefined;
  /** What a person should know. */
  readonly note?: string | undefined;
}

export function startOf(
  name: string,
  read: CursorRead,
  spool: Id,
  found: Recovered,
  totalsAt: (position: Position) => Totals,
): CursorStart {
  const floor = found.appended.shipper(name).floor;
  if (read.kind === 'cursor' && read.record.spool === spool)
    return at(read.record.cursor, floor, totalsAt, read.record.passed);
  const fromTable = found.tableCursors.get(name);
  const lost = read.kind === 'none' ? undefined : `the cursor file of ${name} cannot be used`;
  if (fromTable) {
    const note = `${lost ?? `the cursor file of ${name} is missing`}; its cursor in the segment's table is older: what is sent again is recognised by a native receiver`;
    return { ...at(fromTable, floor, totalsAt, undefined), note };
  }
  const note = lost && `${lost}; it starts from the oldest data there are`;
  // Who never had a cursor has acknowledged nothing: what lies before is what was given up, even where the data there are gone.
  const before = () => (lost ? totalsAt(floor) : found.appended.droppedTotals(name));
  return floor > 0
    ? { cursor: undefined, position: floor, totals: before(), note }
    : { cursor: undefined, position: 0, totals: new Map(), note };
}

function at(
  cursor: ShipperCursor,
  floor: Position,
  totalsAt: (position: Position) => Totals,
  passed: Tally | undefined,
): CursorStart {
  const position = Math.max(cursor.position, floor);
  const totals = totalsAt(position);
  // Data behind the cursor are gone, or cannot be read: what lay before it is only known in sum.
  if (passed && position === cursor.position && passed.records < sumOf(totals.values()).records)
    return { cursor, position, totals: approximate(totals, passed) };
  const givenUp = passed && position > cursor.position ? subtract(sumOf(totals.values()), passed) : undefined;
  return { cursor, position, totals, givenUp };
}
