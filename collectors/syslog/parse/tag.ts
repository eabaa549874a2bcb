/** `TAG:`, `TAG[PID]:` and `TAG[PID] `: who wrote the message, at its beginning (RFC 3164 section 4.1.3, with longer names). */
import { codes } from './characters.ts';
import { type Message, set } from './message.ts';

/** The RFC has 32; units of systemd and containers have longer names. */
const tagBytesMax = 128;
const processBytesMax = 64;

/** Takes a tag that stands at `at`; without one the message stays as it is. The space behind it belongs to it. */
export function takeTag(bytes: Uint8Array, at: number, to: number, message: Message): void {
  const end = endOfTag(bytes, at, to);
  if (end === at || end >= to) return;
  if (bytes[end] === codes.colon) {
    if (end + 1 < to && bytes[end + 1] !== codes.space) return;
    set(message.app, at, end);
    set(message.body, Math.min(to, end + 2), to);
  } else if (bytes[end] === codes.bracket) takeProcess(bytes, at, end, to, message);
}

function takeProcess(bytes: Uint8Array, tag: number, bracket: number, to: number, message: Message): void {
  const end = endOfProcess(bytes, bracket + 1, to);
  if (end === -1) return;
  let body = end + 1;
  const colon = body < to && bytes[body] === codes.colon;
  if (colon) body++;
  else if (body < to && bytes[body] !== codes.space) return;
  if (body < to && bytes[body] === codes.space) body++;
  set(message.app, tag, bracket);
  set(message.process, bracket + 1, end);
  set(message.body, body, to);
}

/** Where the bracket closes; −1 where none does, or nothing stands in it. */
function endOfProcess(bytes: Uint8Array, from: number, to: number): number {
  const last = Math.min(to, from + processBytesMax);
  for (let at = from; at < last; at++) {
    const byte = bytes[at]!;
    if (byte === codes.bracketEnd) return at === from ? -1 : at;
    if (byte <= codes.space || byte === codes.bracket) return -1;
  }
  return -1;
}

function endOfTag(bytes: Uint8Array, from: number, to: number): number {
  const last = Math.min(to, from + tagBytesMax + 1);
  let at = from;
  while (at < last && inTag[bytes[at]!] === 1) at++;
  return at;
}

/** Printable, and none of what ends a tag or tells that this is a text of its own (JSON, key=value, `<…>`). */
const inTag = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++)
  inTag[byte] = byte > 0x20 && byte !== 0x7f && !':[]"={}<>'.includes(String.fromCharCode(byte)) ? 1 : 0;
