/**
 * What Cisco's systems send: `SEQUENCE: HOST: SEQUENCE: *TIME: %FAC-SUBFAC-SEV-MNEMONIC: text`, each part but the last optional, IOS XR's
 * `HOST RP/0/RSP0/CPU0:TIME: process[1]: %…`, and the time since start in place of a time.
 */
import { codes, endOfDigits, endOfWord, isDigit, skipSpaces } from './characters.ts';
import { type Message, type Span, set } from './message.ts';
import { takeTime } from './time.ts';
import type { Zone } from './zone.ts';

/** Words before the time. */
const wordsMax = 4;
const wordBytesMax = 64;
const facilityBytesMax = 64;
const mnemonicBytesMax = 64;

/**
 * Where the text with the code begins, when what stands at `at` is such a prefix; −1, and the message as it was, when it is not: it has to
 * begin with a number or end before a code. A time in it is the message's, also where a relay put its own before it: then it has
 * to begin with a number.
 */
export function takeCiscoPrefix(bytes: Uint8Array, at: number, to: number, zone: Zone, message: Message): number {
  const { from: hostFrom, to: hostTo } = message.host;
  let next = at;
  for (let words = 0; words < wordsMax; words++) {
    const end = endOfWord(bytes, next, Math.min(to, next + wordBytesMax));
    if (end === next || end >= to) break;
    if (bytes[end - 1] === codes.colon) {
      word(bytes, next, end - 1, message);
      next = skipSpaces(bytes, end, to);
    } else {
      next = takeNode(bytes, next, end, to, message);
      if (next === -1) break;
    }
    const time = takeTime(bytes, next, to, zone, message);
    if (time !== -1) {
      const end = skipZone(bytes, time, to);
      const text = skipSpaces(bytes, bytes[end] === codes.colon && end < to ? end + 1 : end, to);
      if (message.sequence.to > message.sequence.from || isCode(bytes, text, to)) return text;
      break;
    }
    if (isCode(bytes, next, to)) return next;
  }
  if (hostTo === hostFrom) message.timeLength = 0;
  set(message.host, hostFrom, hostTo);
  set(message.sequence, 0, 0);
  return -1;
}

/** Behind a zone's abbreviation that nobody else knows and that a colon follows; here nothing else stands behind a time. */
function skipZone(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to || bytes[at] !== codes.space) return at;
  let end = at + 1;
  while (end < to && bytes[end]! >= 0x41 && bytes[end]! <= 0x5a) end++;
  return end < to && bytes[end] === codes.colon ? end : at;
}

/** A number is the message's, any other word the host's unless it has one; `*task` and times since start are passed over. */
function word(bytes: Uint8Array, from: number, to: number, message: Message): void {
  if (endOfDigits(bytes, from, to) === to) set(message.sequence, from, to);
  else if (isEmpty(message.host) && bytes[from] !== 0x2a && !isUptime(bytes, from, to)) set(message.host, from, to);
}

/** IOS XR, once a number stood before it: behind `NODE:` or `HOST NODE:`; −1 where neither stands there. */
function takeNode(bytes: Uint8Array, at: number, end: number, to: number, message: Message): number {
  if (isEmpty(message.sequence)) return -1;
  const only = nodeEnd(bytes, at, to);
  if (only !== at) return only;
  const start = skipSpaces(bytes, end, to);
  const node = nodeEnd(bytes, start, to);
  if (node === start || !isEmpty(message.host)) return -1;
  set(message.host, at, end);
  return node;
}

/** Behind `RP/0/RSP0/CPU0:`; `at` where no such thing stands. */
function nodeEnd(bytes: Uint8Array, at: number, to: number): number {
  const last = Math.min(to, at + wordBytesMax);
  let slashes = 0;
  for (let i = at; i < last; i++) {
    if (bytes[i] === codes.slash) slashes++;
    if (bytes[i] === codes.colon) return slashes > 0 ? i + 1 : at;
    if (bytes[i] === codes.space) return at;
  }
  return at;
}

/** `00:01:01`, `1w2d`, `2d03h`. */
function isUptime(bytes: Uint8Array, from: number, to: number): boolean {
  let digits = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (isDigit(byte)) digits++;
    else if (byte !== codes.colon && byte !== 0x77 && byte !== 0x64 && byte !== 0x68 && byte !== 0x79) return false;
  }
  return digits > 0 && isDigit(bytes[from]);
}

/** Takes `%FAC-SEV-MNEMONIC:` (also ` :`) from the body's beginning. */
export function ciscoCode(bytes: Uint8Array, at: number, to: number, message: Message): boolean {
  const severity = severityAt(bytes, at, to);
  if (severity === -1) return false;
  const start = severity + 2;
  const end = mnemonicEnd(bytes, start, to);
  const colon = skipSpaces(bytes, end, to);
  if (end === start || colon >= to || bytes[colon] !== codes.colon) return false;
  message.codeSeverity = bytes[severity]! - codes.zero;
  set(message.id, at + 1, end);
  const body = colon + 1;
  set(message.body, body < to && bytes[body] === codes.space ? body + 1 : body, to);
  return true;
}

function isCode(bytes: Uint8Array, at: number, to: number): boolean {
  return severityAt(bytes, at, to) !== -1;
}

/** The place of the first `-N-` behind `%` and a facility in capitals; −1 where there is none. */
function severityAt(bytes: Uint8Array, at: number, to: number): number {
  if (at + 6 > to || bytes[at] !== codes.percent) return -1;
  const last = Math.min(to, at + facilityBytesMax) - 2;
  for (let i = at + 1; i < last; i++) {
    const byte = bytes[i]!;
    if (byte === codes.minus && i > at + 1 && isSeverity(bytes[i + 1]!) && bytes[i + 2] === codes.minus) return i + 1;
    if (inCode[byte] === 0) return -1;
  }
  return -1;
}

function isSeverity(byte: number): boolean {
  return byte >= codes.zero && byte <= codes.zero + 7;
}

function mnemonicEnd(bytes: Uint8Array, from: number, to: number): number {
  const last = Math.min(to, from + mnemonicBytesMax);
  let at = from;
  while (at < last && inCode[bytes[at]!] === 1) at++;
  return at;
}

const inCode = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) inCode[byte] = /[A-Za-z0-9_./-]/.test(String.fromCharCode(byte)) ? 1 : 0;

function isEmpty(span: Span): boolean {
  return span.to === span.from;
}
