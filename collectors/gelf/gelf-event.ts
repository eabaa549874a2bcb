/** From a GELF message to an event; `docs/events.md` has the table. Pure. */
import { gunzipSync, inflateSync } from 'node:zlib';
import type { Event, Value, Values } from '../../spool/event.ts';
import { severityOf } from '../shared/severity.ts';
import { timestampOfSeconds } from '../shared/timestamp.ts';

/** Where GELF's own fields go; those not named here keep their names behind `gelf.`. */
const places: Readonly<Record<string, string>> = { file: 'code.file.path', line: 'code.line.number' };
const elsewhere: ReadonlySet<string> = new Set(['version', 'host', 'short_message', 'timestamp', 'level']);

/** The message, expanded where it is compressed; undefined for what does not expand to at most `bytesMax`. */
export function expandMessage(bytes: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const [first = 0, second = 0] = bytes;
  const gzip = first === 0x1f && second === 0x8b;
  const zlib = (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
  if (!gzip && !zlib) return bytes;
  try {
    return (gzip ? gunzipSync : inflateSync)(bytes, { maxOutputLength: bytesMax });
  } catch {
    return undefined;
  }
}

/** `about`: attributes of who sent it. undefined for what is no GELF: no object with a `short_message`. */
export function gelfEvent(bytes: Uint8Array, about: Values): Event | undefined {
  const message = objectIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  if (message === undefined || message.short_message === undefined) return undefined;
  const { host, timestamp, level } = message;
  const attributes: Record<string, Value> = { ...about };
  for (const [name, value] of Object.entries(message)) {
    const own = name.startsWith('_') ? name.slice(1) : (places[name] ?? `gelf.${name}`);
    if (!elsewhere.has(name)) attributes[own === '' || Object.hasOwn(about, own) ? `gelf.${name}` : own] = value;
  }
  return {
    timestamp: typeof timestamp === 'number' ? timestampOfSeconds(timestamp) : undefined,
    ...severityOf(level),
    resource: typeof host === 'string' && host !== '' ? { 'host.name': host } : undefined,
    attributes,
    body: message.short_message,
  };
}

function objectIn(text: string): Record<string, Value> | undefined {
  try {
    // Only where a number may be one that a double cannot hold is each looked at: as text it keeps its digits.
    const value = /\d{16}/.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function exactly(
  this: unknown,
  _key: string,
  value: unknown,
  ...context: readonly { readonly source?: string }[]
): unknown {
  const long = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return long ? (context[0]?.source ?? value) : value;
}
