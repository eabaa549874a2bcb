/**
 * `TIMESTAMP HOSTNAME TAG: CONTENT` (RFC 3164 section 4), of which devices leave out any part. What cannot be told is left in the body:
 * a word is a host only where a host's name can stand and looks like one, and a tag only where it ends as tags do.
 */

import { codes, endOfWord, isDigit, skipByteOrderMark, skipSpaces, startsWith } from './characters.ts';
import { ciscoCode, takeCiscoPrefix } from './cisco.ts';
import { type Message, set } from './message.ts';
import { takeTag } from './tag.ts';
import { takeTime } from './time.ts';
import type { Zone } from './zone.ts';

/** Longer words are no names of hosts (RFC 1035 section 2.3.4). */
const hostBytesMax = 255;
const forwardedFrom = 'Message forwarded from ';
const repeated = 'last message repeated ';

/** What follows the priority, or the whole message where it has none. */
export function parseRfc3164(bytes: Uint8Array, from: number, to: number, zone: Zone, message: Message): void {
  message.form = 'rfc3164';
  let at = skipSpaces(bytes, skipByteOrderMark(bytes, from, to), to);
  // NX-OS, ASA with EMBLEM format: a colon before everything.
  if (bytes[at] === codes.colon && at < to) at = skipSpaces(bytes, at + 1, to);
  const time = takeTime(bytes, at, to, zone, message);
  if (time !== -1) {
    afterTime(bytes, time, to, zone, message);
    return;
  }
  const prefix = takeCiscoPrefix(bytes, at, to, zone, message);
  content(bytes, prefix === -1 ? at : prefix, to, message);
}

function afterTime(bytes: Uint8Array, time: number, to: number, zone: Zone, message: Message): void {
  const colon = bytes[time] === codes.colon && time < to;
  const at = skipSpaces(bytes, colon ? time + 1 : time, to);
  if (at === time && at < to) {
    // What goes on without a space was no time.
    message.timeLength = 0;
    return;
  }
  const text = colon ? at : hostAt(bytes, at, to, message);
  const prefix = isDigit(bytes[text]) && text < to ? takeCiscoPrefix(bytes, text, to, zone, message) : -1;
  content(bytes, prefix === -1 ? text : prefix, to, message);
}

/** Takes the host's name that stands at `at`; gives where the tag may begin. */
function hostAt(bytes: Uint8Array, at: number, to: number, message: Message): number {
  if (startsWith(bytes, at, to, forwardedFrom)) return forwardedHost(bytes, at, to, message);
  if (startsWith(bytes, at, to, repeated)) return at;
  const end = endOfWord(bytes, at, Math.min(to, at + hostBytesMax + 2));
  const next = skipSpaces(bytes, end, to);
  if (end < to && bytes[end] !== codes.space) return at;
  if (bytes[end - 1] === codes.colon) {
    // `host: %ASA-…` (logging device-id); else it is a tag, and there is no host.
    if (next >= to || bytes[next] !== codes.percent || !looksLikeHost(bytes, at, end - 1)) return at;
    set(message.host, at, end - 1);
    return next;
  }
  if (!looksLikeHost(bytes, at, end)) return at;
  set(message.host, at, end);
  return startsWith(bytes, next, to, ': %') ? next + 2 : next;
}

/** AIX: `Message forwarded from HOST: …`. */
function forwardedHost(bytes: Uint8Array, at: number, to: number, message: Message): number {
  const start = at + forwardedFrom.length;
  const end = endOfWord(bytes, start, to);
  if (bytes[end - 1] !== codes.colon || !looksLikeHost(bytes, start, end - 1)) return at;
  set(message.host, start, end - 1);
  return skipSpaces(bytes, end, to);
}

function content(bytes: Uint8Array, at: number, to: number, message: Message): void {
  set(message.body, at, to);
  if (ciscoCode(bytes, at, to, message)) return;
  takeTag(bytes, at, to, message);
  // IOS XR: the process stands before the code.
  if (message.app.to > message.app.from) ciscoCode(bytes, message.body.from, to, message);
}

function looksLikeHost(bytes: Uint8Array, from: number, to: number): boolean {
  if (to <= from || to - from > hostBytesMax) return false;
  for (let i = from; i < to; i++) if (inHost[bytes[i]!] === 0) return false;
  return true;
}

/** Letters, digits, what addresses, zones and chained names (`a@b/c`) hold; UTF-8. */
const inHost = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++)
  inHost[byte] = byte >= 0x80 || /[A-Za-z0-9._:@/~+-]/.test(String.fromCharCode(byte)) ? 1 : 0;
