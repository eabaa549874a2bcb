/**
 * `ExportLogsServiceRequest` of OTLP in its binary form (opentelemetry-proto, `logs/v1/logs.proto`), record by record. Fields may
 * stand in any order; unknown ones are passed over.
 */
import type { LogRecord, Origin } from './event-text.ts';
import {
  bytesText,
  doubleText,
  emptyRecord,
  eventText,
  joined,
  plainText,
  resourceText,
  scopeText,
  stringText,
} from './event-text.ts';
import { depthMax, double, type Field, fieldsOf, fixed32, fixed64, Malformed } from './wire.ts';

/** Each event as a line without its line feed. Throws `Malformed`. */
export function* eventsOfProtobuf(request: Uint8Array): Generator<string> {
  for (const resourceLogs of messagesIn(request, 1)) {
    const [resource = ''] = Array.from(messagesIn(resourceLogs, 1), attributesText(1, 2)).slice(-1);
    const text = resourceText(resource, lastString(resourceLogs, 3));
    for (const scopeLogs of messagesIn(resourceLogs, 2)) {
      const [scope = ''] = Array.from(messagesIn(scopeLogs, 1), textOfScope).slice(-1);
      const origin: Origin = { resource: text, scope, scopeSchemaUrl: lastString(scopeLogs, 3) };
      for (const record of messagesIn(scopeLogs, 2)) yield eventText(logRecord(record), origin);
    }
  }
}

function* messagesIn(message: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of fieldsOf(message)) if (field.number === number && field.type === 2) yield field.bytes;
}

function lastString(message: Uint8Array, number: number): string {
  let text = '';
  for (const bytes of messagesIn(message, number)) text = plainText(bytes);
  return text;
}

function textOfScope(scope: Uint8Array): string {
  return scopeText(lastString(scope, 1), lastString(scope, 2), attributesText(3, 4)(scope));
}

/** Of a message that has attributes in one field and how many were dropped in another. */
function attributesText(attributes: number, dropped: number) {
  return (message: Uint8Array): string => {
    const members: string[] = [];
    let droppedCount = 0;
    for (const field of fieldsOf(message)) {
      if (field.number === attributes && field.type === 2) members.push(keyValue(field.bytes, 0));
      if (field.number === dropped && field.type === 0) droppedCount = uint32(field);
    }
    if (droppedCount > 0) members.push(`"otel.dropped_attributes_count":${droppedCount}`);
    return joined(members);
  };
}

function logRecord(message: Uint8Array): LogRecord {
  const record = emptyRecord();
  const attributes: string[] = [];
  for (const field of fieldsOf(message)) {
    // A number with another wire type is another field, which nobody knows here.
    switch (field.number * 8 + field.type) {
      case 1 * 8 + 1:
        record.timeUnixNano = fixed64(field);
        break;
      case 2 * 8:
        record.severityNumber = uint32(field);
        break;
      case 3 * 8 + 2:
        record.severityText = plainText(field.bytes);
        break;
      case 5 * 8 + 2:
        record.body = anyValue(field.bytes, 0);
        break;
      case 6 * 8 + 2:
        attributes.push(keyValue(field.bytes, 0));
        break;
      case 7 * 8:
        record.droppedAttributes = uint32(field);
        break;
      case 8 * 8 + 5:
        record.flags = fixed32(field);
        break;
      case 9 * 8 + 2:
        record.traceId = hex(field.bytes);
        break;
      case 10 * 8 + 2:
        record.spanId = hex(field.bytes);
        break;
      case 11 * 8 + 1:
        record.observedTimeUnixNano = fixed64(field);
        break;
      case 12 * 8 + 2:
        record.eventName = plainText(field.bytes);
        break;
    }
  }
  record.attributes = joined(attributes);
  return record;
}

/** A member of an object. */
function keyValue(message: Uint8Array, depth: number): string {
  let key = '';
  let value = 'null';
  for (const field of fieldsOf(message)) {
    if (field.type !== 2) continue;
    if (field.number === 1) key = plainText(field.bytes);
    if (field.number === 2) value = anyValue(field.bytes, depth);
  }
  return `${JSON.stringify(key)}:${value}`;
}

/** One of several kinds; the last one counts. None is null. */
function anyValue(message: Uint8Array, depth: number): string {
  if (depth >= depthMax) throw new Malformed(`more than ${depthMax} values within each other`);
  let text = 'null';
  for (const field of fieldsOf(message)) text = valueText(field, depth) ?? text;
  return text;
}

function valueText(field: Field, depth: number): string | undefined {
  switch (field.number * 8 + field.type) {
    case 1 * 8 + 2:
      return stringText(field.bytes);
    case 2 * 8:
      return field.varint === 0n ? 'false' : 'true';
    case 3 * 8:
      return String(BigInt.asIntN(64, field.varint));
    case 4 * 8 + 1:
      return doubleText(double(field));
    case 5 * 8 + 2:
      return `[${Array.from(messagesIn(field.bytes, 1), (value) => anyValue(value, depth + 1)).join(',')}]`;
    case 6 * 8 + 2:
      return `{${Array.from(messagesIn(field.bytes, 1), (pair) => keyValue(pair, depth + 1)).join(',')}}`;
    case 7 * 8 + 2:
      return bytesText(field.bytes);
    default:
      return undefined;
  }
}

function uint32(field: Field): number {
  return Number(BigInt.asUintN(32, field.varint));
}

function hex(bytes: Uint8Array): string {
  return bytes.length <= 16 ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') : '';
}
