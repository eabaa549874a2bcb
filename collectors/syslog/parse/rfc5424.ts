/** `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG` (RFC 5424 section 6), and what is sent in its name. */
import { codes, endOfDigits, endOfWord, skipByteOrderMark } from './characters.ts';
import { clearHeader, type Message, type Span, set } from './message.ts';
import { endOfStructuredData } from './structured-data.ts';
import { takeEpoch, takeTime } from './time.ts';
import type { Zone } from './zone.ts';

/**
 * What follows the priority; false where it is none, with the message as it was. Fields that are missing at the end stay empty, and
 * what is no structured data belongs to the body, with all that follows it.
 */
export function parseRfc5424(bytes: Uint8Array, from: number, to: number, zone: Zone, message: Message): boolean {
  const version = endOfDigits(bytes, from, Math.min(to, from + 3));
  if (version === from || version >= to || version - from > 2 || bytes[version] !== codes.space) return false;
  const time = version + 1;
  const end = timeAt(bytes, time, to, zone, message);
  if (end !== -1) return fields(bytes, end, to, message);
  const epoch = takeEpoch(bytes, time, to, message);
  if (epoch !== -1 && bytes[epoch] === codes.space && epoch < to) return meraki(bytes, epoch + 1, to, message);
  clearHeader(message);
  return false;
}

/** The end of the time or of its nil value; −1 for anything else. */
function timeAt(bytes: Uint8Array, at: number, to: number, zone: Zone, message: Message): number {
  if (at < to && bytes[at] === codes.minus && (at + 1 === to || bytes[at + 1] === codes.space)) return at + 1;
  const end = takeTime(bytes, at, to, zone, message);
  return end !== -1 && (end === to || bytes[end] === codes.space) ? end : -1;
}

function fields(bytes: Uint8Array, from: number, to: number, message: Message): boolean {
  message.form = 'rfc5424';
  let at = from;
  at = field(bytes, at, to, message.host);
  at = field(bytes, at, to, message.app);
  at = field(bytes, at, to, message.process);
  at = field(bytes, at, to, message.id);
  at = Math.min(at + 1, to);
  const end = dataAt(bytes, at, to, message);
  const body = end < to && end > at ? end + 1 : end;
  set(message.body, skipByteOrderMark(bytes, body, to), to);
  return true;
}

/** One field behind the space at `at`; gives its end. */
function field(bytes: Uint8Array, at: number, to: number, span: Span): number {
  const start = Math.min(at + 1, to);
  const end = endOfWord(bytes, start, to);
  if (end - start !== 1 || bytes[start] !== codes.minus) set(span, start, end);
  return end;
}

/** The end of the structured data or of its nil value; `at` where neither stands there. */
function dataAt(bytes: Uint8Array, at: number, to: number, message: Message): number {
  if (at >= to) return at;
  if (bytes[at] === codes.minus) return at + 1 === to || bytes[at + 1] === codes.space ? at + 1 : at;
  if (bytes[at] !== codes.bracket) return at;
  const end = endOfStructuredData(bytes, at, to);
  if (end === -1 || (end < to && bytes[end] !== codes.space)) return at;
  set(message.data, at, end);
  return end;
}

/** Meraki: `1 1563249630.774247467 HOST TYPE …`, a name and a text. */
function meraki(bytes: Uint8Array, at: number, to: number, message: Message): boolean {
  message.form = 'rfc3164';
  const end = endOfWord(bytes, at, to);
  set(message.host, at, end);
  set(message.body, Math.min(end + 1, to), to);
  return true;
}
