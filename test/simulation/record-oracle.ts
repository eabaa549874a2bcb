/**
 * Where records begin and end: what belongs together is one record, and says so. It may be cut only where it was written in two and a
 * time limit lay between, and then its pieces say that they are pieces. Pure.
 */
import type { Entry, Line, Log } from './log-account.ts';
import type { Arrived } from './scripts.ts';

/** The first record that begins or ends where it should not, for people; undefined where there is none, or a record is a line. */
export function miscut(log: Log, mirrored: string): string | undefined {
  const records = log.script.records?.(mirrored);
  if (!records) return undefined;
  const lines = new Map(log.lines.map((line) => [line.arrives, line]));
  for (const record of records) {
    const wrong = complaintOf(record, lines);
    if (wrong !== undefined) return `${log.name}: ${wrong}: ${JSON.stringify(record.text.slice(0, 200))}`;
  }
  return undefined;
}

function complaintOf({ text, says, continues, unterminated }: Arrived, known: ReadonlyMap<string, Line>) {
  const texts = text.split('\n').map((line) => `${line}\n`);
  if (texts.pop() !== '\n' && !unterminated) return 'miscut, a record without an end';
  const whole = texts.map((one) => known.get(one));
  const entry = whole.find((line) => line !== undefined)?.entry;
  // Pieces of one line only: the other oracle puts them together.
  if (entry === undefined) return continues || unterminated ? undefined : 'miscut, a record of no line';
  const { lines } = entry;
  if (whole.some((line) => line !== undefined && line.entry !== entry)) return 'miscut, one record of several';
  const isWhole =
    !unterminated && !continues && whole.length === lines.length && whole.every((line, at) => line === lines[at]);
  if (isWhole) return says === entry.says ? undefined : `it says ${says} and not ${entry.says}`;
  return entry.mayBeCut ? pieceComplaint(whole, entry, continues) : `miscut, a part of ${lines.length} lines`;
}

function pieceComplaint(
  whole: readonly (Line | undefined)[],
  { lines }: Entry,
  continues: boolean,
): string | undefined {
  const begins = whole[0] === lines[0];
  if (begins && continues) return 'miscut, it begins here and says that it goes on';
  if (!begins && whole[0] !== undefined && !continues) return 'miscut, it goes on and does not say so';
  return undefined;
}
