/**
 * Structured data (RFC 5424 section 6.3): `[id name="value" …][…]`. Where it ends, and its value as JSON: an object of elements, each an
 * object of its parameters; what stands there more than once becomes an array.
 */
import { codes } from './characters.ts';

/** Behind the last element's bracket; −1 where it is not well formed. */
export function endOfStructuredData(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] === codes.bracket) {
    at = endOfElement(bytes, at + 1, to);
    if (at === -1) return -1;
  }
  return at === from ? -1 : at;
}

function endOfElement(bytes: Uint8Array, from: number, to: number): number {
  let at = endOfName(bytes, from, to);
  if (at === from) return -1;
  while (at < to) {
    if (bytes[at] === codes.bracketEnd) return at + 1;
    if (bytes[at] !== codes.space) return -1;
    while (at < to && bytes[at] === codes.space) at++;
    if (bytes[at] === codes.bracketEnd) continue;
    const name = at;
    at = endOfName(bytes, name, to);
    if (at === name || at + 1 >= to || bytes[at] !== codes.equals || bytes[at + 1] !== codes.quote) return -1;
    at = endOfValue(bytes, at + 2, to);
    if (at === -1) return -1;
  }
  return -1;
}

/** Names may hold anything printable but what ends them. */
function endOfName(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const byte = bytes[at]!;
    if (byte <= codes.space || byte === codes.equals || byte === codes.bracketEnd || byte === codes.quote) break;
  }
  return at;
}

/** Behind the quote that ends a value. */
function endOfValue(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte === codes.quote) return at + 1;
    if (byte === codes.backslash) at++;
  }
  return -1;
}

/** Well-formed structured data in UTF-8, as JSON. */
export function structuredDataJson(bytes: Uint8Array, from: number, to: number): string {
  const elements = new Map<string, Map<string, string[]>>();
  let at = from;
  while (at < to && bytes[at] === codes.bracket) at = takeElement(bytes, at + 1, to, elements);
  return objectJson(elements, (parameters) => objectJson(parameters, valuesJson));
}

function takeElement(
  bytes: Uint8Array,
  from: number,
  to: number,
  elements: Map<string, Map<string, string[]>>,
): number {
  let at = endOfName(bytes, from, to);
  const parameters = entry(elements, textOf(bytes, from, at), () => new Map<string, string[]>());
  while (bytes[at] === codes.space) {
    while (bytes[at] === codes.space) at++;
    if (bytes[at] === codes.bracketEnd) break;
    const equals = endOfName(bytes, at, to);
    const end = endOfValue(bytes, equals + 2, to);
    const value = unescaped(textOf(bytes, equals + 2, end - 1));
    entry(parameters, textOf(bytes, at, equals), (): string[] => []).push(value);
    at = end;
  }
  return at + 1;
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function objectJson<T>(map: Map<string, T>, json: (value: T) => string): string {
  const parts: string[] = [];
  for (const [key, value] of map) parts.push(`${JSON.stringify(key)}:${json(value)}`);
  return `{${parts.join(',')}}`;
}

function valuesJson(values: readonly string[]): string {
  return JSON.stringify(values.length === 1 ? values[0] : values);
}

/** A backslash stands for itself before anything but a quote, a backslash and a bracket (RFC 5424 section 6.3.3). */
function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\(["\\\]])/g, '$1') : text;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
}
