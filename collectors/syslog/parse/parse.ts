/**
 * Finds the parts of one syslog message. Never throws, looks at each byte a bounded number of times, copies nothing: the parts are places
 * in the bytes. RFC 5424 is told from everything else by its version; everything else is read as RFC 3164 and what devices make of it.
 */
import { codes, digits, endOfDigits, skipByteOrderMark, skipSpaces } from './characters.ts';
import { clear, type Message, set } from './message.ts';
import { parseRfc3164 } from './rfc3164.ts';
import { parseRfc5424 } from './rfc5424.ts';
import type { Zone } from './zone.ts';

const priorityMax = 191;

/** Fills `message` with what stands in bytes `from` to `to`, one message without its framing. */
export function parseMessage(bytes: Uint8Array, from: number, to: number, zone: Zone, message: Message): void {
  const end = withoutTail(bytes, from, to);
  clear(message, from, end);
  const start = skipSpaces(bytes, skipByteOrderMark(bytes, withoutHead(bytes, from, end), end), end);
  const next = priorityAt(bytes, start, end, message);
  if (next !== start && parseRfc5424(bytes, next, end, zone, message)) return;
  parseRfc3164(bytes, next, end, zone, message);
  if (message.priority === -1 && message.timeLength === 0) clear(message, from, end);
}

/** What is left of a message's end where two bytes end one. */
function withoutHead(bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  while (start < to && (bytes[start] === 0x0a || bytes[start] === 0x0d || bytes[start] === 0)) start++;
  return start;
}

/** Line ends and the NUL that some senders put behind a message. */
function withoutTail(bytes: Uint8Array, from: number, to: number): number {
  let end = to;
  while (end > from && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d || bytes[end - 1] === 0)) end--;
  return end;
}

/** Behind `<PRI>`; `at` where there is none. */
function priorityAt(bytes: Uint8Array, at: number, to: number, message: Message): number {
  if (bytes[at] !== codes.less) return at;
  const end = endOfDigits(bytes, at + 1, Math.min(to, at + 5));
  if (end >= to || bytes[end] !== codes.greater || end - at - 1 < 1 || end - at - 1 > 3) return at;
  const priority = digits(bytes, at + 1, to, end - at - 1);
  if (priority > priorityMax) return at;
  message.priority = priority;
  set(message.body, end + 1, to);
  return end + 1;
}
