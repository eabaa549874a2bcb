/** The agent and the receiver around a journal of a test's own: what arrived of it. */
import type { Event } from '../../spool/event.ts';
import type { Journal } from './journal.ts';
import { Pair } from './pair.ts';
import { until, untilAnswers } from './tailspool.ts';

export async function pairFor(journal: Journal, ...more: readonly string[]): Promise<Pair> {
  const lines = [`journalctl: ${journal.journalctl}`, ...more].map((line) => `  ${line}`);
  const pair = await Pair.make({ collectors: ['journal:', '  type: journald', ...lines] });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  return pair;
}

export function arrived(pair: Pair, identifier: string): Event[] {
  const events = pair.arrived('journal').split('\n').slice(0, -1);
  return events
    .map((line) => JSON.parse(line) as Event)
    .filter(({ attributes }) => attributes?.['journald.SYSLOG_IDENTIFIER'] === identifier);
}

export async function untilArrived(pair: Pair, identifier: string, records: number): Promise<Event[]> {
  const count = () => pair.arrived('journal').split(`"journald.SYSLOG_IDENTIFIER":"${identifier}"`).length - 1;
  const told = async () => `${count()} are there\n${await pair.describe()}`;
  await until(`${records} of ${identifier}`, () => count() >= records, told);
  return arrived(pair, identifier);
}

export function numbered(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `line ${from + n}`);
}
