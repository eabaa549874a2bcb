/**
 * Log records of OTLP as events, one line of JSON each (docs/events.md): the same from both encodings. Integers keep all their
 * digits, times their nanoseconds. Pure.
 */
import { isUtf8 } from 'node:buffer';

/** A log record with its values as JSON text already. */
export interface LogRecord {
  timeUnixNano: bigint;
  observedTimeUnixNano: bigint;
  severityNumber: number;
  severityText: string;
  eventName: string;
  /** Undefined where it has none. */
  body: string | undefined;
  /** Members of an object, with commas between them. */
  attributes: string;
  droppedAttributes: number;
  flags: number;
  /** Hexadecimal digits in lower case; '' where it has none. */
  traceId: string;
  spanId: string;
}

export function emptyRecord(): LogRecord {
  return {
    ...{ timeUnixNano: 0n, observedTimeUnixNano: 0n, severityNumber: 0, severityText: '', eventName: '' },
    ...{ body: undefined, attributes: '', droppedAttributes: 0, flags: 0, traceId: '', spanId: '' },
  };
}

/** What many records have in common: `,"resource":{…}` and `,"scope":{…}`, or nothing. */
export interface Origin {
  readonly resource: string;
  readonly scope: string;
  /** Goes into the attributes of each record. */
  readonly scopeSchemaUrl: string;
}

/** Without a line feed. */
export function eventText(record: LogRecord, { resource, scope, scopeSchemaUrl }: Origin): string {
  let text = '';
  if (record.timeUnixNano > 0n) text += `,"timestamp":"${timeText(record.timeUnixNano)}"`;
  if (record.observedTimeUnixNano > 0n) text += `,"observedTimestamp":"${timeText(record.observedTimeUnixNano)}"`;
  if (record.severityNumber >= 1 && record.severityNumber <= 24) text += `,"severityNumber":${record.severityNumber}`;
  if (record.severityText !== '') text += `,"severityText":${JSON.stringify(record.severityText)}`;
  if (record.eventName !== '') text += `,"eventName":${JSON.stringify(record.eventName)}`;
  if (/^[0-9a-f]{32}$/.test(record.traceId) && /[^0]/.test(record.traceId)) text += `,"traceId":"${record.traceId}"`;
  if (/^[0-9a-f]{16}$/.test(record.spanId) && /[^0]/.test(record.spanId)) text += `,"spanId":"${record.spanId}"`;
  if (record.flags > 0) text += `,"traceFlags":${record.flags}`;
  text += resource + scope;
  const attributes = joined([
    record.attributes,
    member('otel.scope.schema_url', scopeSchemaUrl),
    record.droppedAttributes > 0 ? `"otel.dropped_attributes_count":${record.droppedAttributes}` : '',
  ]);
  if (attributes !== '') text += `,"attributes":{${attributes}}`;
  if (record.body !== undefined) text += `,"body":${record.body}`;
  // A record without anything is one all the same.
  return text === '' ? '{"body":null}' : `{${text.slice(1)}}`;
}

/** RFC 3339 with nine digits of a second. */
function timeText(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const rest = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest}Z`;
}

export function resourceText(attributes: string, schemaUrl: string): string {
  const members = joined([attributes, member('otel.schema_url', schemaUrl)]);
  return members === '' ? '' : `,"resource":{${members}}`;
}

export function scopeText(name: string, version: string, attributes: string): string {
  const members = joined([
    member('name', name),
    member('version', version),
    attributes === '' ? '' : `"attributes":{${attributes}}`,
  ]);
  return members === '' ? '' : `,"scope":{${members}}`;
}

/** `"name":"value"`; nothing where there is no value. */
function member(name: string, value: string): string {
  return value === '' ? '' : `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

/** With commas, without those that are empty. */
export function joined(members: readonly string[]): string {
  return members.filter((text) => text !== '').join(',');
}

/** Text that is not UTF-8 keeps its bytes. */
export function stringText(bytes: Uint8Array): string {
  return isUtf8(bytes) ? JSON.stringify(plainText(bytes)) : bytesText(bytes);
}

export function bytesText(bytes: Uint8Array): string {
  return `{"bytes":"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}"}`;
}

/** What is not UTF-8 becomes U+FFFD: for names. */
export function plainText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** What JSON has no number for is text, as in the JSON form of protobuf. */
export function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return `"${String(value)}"`;
}
