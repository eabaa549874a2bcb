/**
 * A place in the journal, as the spool keeps it: the newest entry's cursor, and by what it was selected (a cursor that another
 * selection found need not be among what is selected now). Pure.
 */
import { hash } from 'node:crypto';
import type { JournalSelection } from './options.ts';

export interface Place {
  /** The journal's own; undefined where it was empty when this collector began. */
  readonly cursor: string | undefined;
  readonly selection: string;
}

/** With the selection's eight characters and a line feed it fits the 255 bytes of a mark. Those of systemd have up to 145. */
export const cursorBytesMax = 240;

export function selectionKey({ units, identifiers, priority = '', matches }: JournalSelection): string {
  return hash('sha256', JSON.stringify([units, identifiers, priority, matches])).slice(0, 8);
}

export function encodePlace({ cursor = '', selection }: Place): Buffer {
  return Buffer.from(`${selection}\n${cursor}`, 'latin1');
}

/** undefined for what is none. */
export function decodePlace(mark: Uint8Array): Place | undefined {
  const [, selection, cursor] = /^([0-9a-f]{8})\n([\x20-\x7e]*)$/.exec(Buffer.from(mark).toString('latin1')) ?? [];
  return selection === undefined ? undefined : { selection, cursor: cursor || undefined };
}

/** An entry's number in the sequence that its journal counts. */
export interface Sequence {
  readonly id: string;
  readonly number: bigint;
}

/** What a cursor says of it; undefined where it is not as systemd writes it. */
export function sequenceOf(cursor: string): Sequence | undefined {
  const [, id, number] = /(?:^|;)s=([0-9a-f]{32});i=([0-9a-f]{1,16})(?:;|$)/.exec(cursor) ?? [];
  return id === undefined ? undefined : { id, number: BigInt(`0x${number}`) };
}

/** How many numbers are missing between two entries; undefined where they are not of one sequence, or not in its order. */
export function missingBetween(before: string, after: string): number | undefined {
  const [one, other] = [sequenceOf(before), sequenceOf(after)];
  if (!one || !other || one.id !== other.id || other.number <= one.number) return undefined;
  return Number(other.number - one.number - 1n);
}
