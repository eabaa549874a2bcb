/** The agent and the receiver around a journal of a test's own: what arrived of it. */
import type { Event } from '../../spool/event.ts';
import type { Journal } from './journal.ts';
import { Pair } from './pair.ts';
import { sleep, until, untilAnswers } from './tailspool.ts';

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
  let seen = '';
  let count = 0;
  const grown = () => {
    const now = pair.arrived('journal');
    if (now.length === seen.length) return count;
    seen = now;
    count = now.split(`"journald.SYSLOG_IDENTIFIER":"${identifier}"`).length - 1;
    return count;
  };
  const told = async () => `${grown()} are there\n${await pair.describe()}`;
  // Looked at seldom where there is much: reading it all takes the agent's own time.
  const looks = async () => {
    await sleep(records / 100);
    return grown() >= records;
  };
  await until(`${records} of ${identifier}`, looks, told);
  return arrived(pair, identifier);
}

export function numbered(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `line ${from + n}`);
}
