/**
 * `ExportLogsServiceRequest` of OTLP as JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in
 * lowerCamelCase, 64-bit integers as decimal text or numbers, ids as hexadecimal digits, other bytes as base64. Unknown members are
 * passed over.
 */
import type { LogRecord, Origin } from './event-text.ts';
import { doubleText, emptyRecord, eventText, joined, resourceText, scopeText } from './event-text.ts';
import { depthMax, Malformed } from './wire.ts';

/** What a parsed body may have of them: each takes memory, whatever it holds. */
const valuesMax = 500_000;

type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** Each event as a line without its line feed. Throws `Malformed`. */
export function* eventsOfJson(body: Buffer): Generator<string> {
  const request = parsed(body);
  for (const logs of objects(request.resourceLogs, 'resourceLogs')) {
    const resource = object(logs.resource, 'resource');
    const text = resourceText(attributesText(resource), string(logs.schemaUrl, 'schemaUrl'));
    for (const scopeLogs of objects(logs.scopeLogs, 'scopeLogs')) {
      const origin: Origin = {
        resource: text,
        scope: textOfScope(object(scopeLogs.scope, 'scope')),
        scopeSchemaUrl: string(scopeLogs.schemaUrl, 'schemaUrl'),
      };
      for (const record of objects(scopeLogs.logRecords, 'logRecords')) yield eventText(logRecord(record), origin);
    }
  }
}

function parsed(body: Buffer): JsonObject {
  if (valuesIn(body) > valuesMax) throw new Malformed(`more than ${valuesMax} values; send fewer at a time`);
  let value: Json;
  try {
    value = JSON.parse(body.toString('utf8')) as Json;
  } catch (error) {
    throw new Malformed((error as Error).message.slice(0, 200));
  }
  return object(value, 'the request');
}

/** At most so many: commas and brackets within text are counted too. */
function valuesIn(body: Buffer): number {
  let count = 0;
  for (const byte of body) if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count++;
  return count;
}

function logRecord(json: JsonObject): LogRecord {
  return {
    ...emptyRecord(),
    timeUnixNano: unsigned(json.timeUnixNano, 'timeUnixNano'),
    observedTimeUnixNano: unsigned(json.observedTimeUnixNano, 'observedTimeUnixNano'),
    severityNumber: number(json.severityNumber, 'severityNumber'),
    severityText: string(json.severityText, 'severityText'),
    eventName: string(json.eventName, 'eventName'),
    body: json.body === undefined || json.body === null ? undefined : anyValue(json.body, 0),
    attributes: membersText(json.attributes, 0),
    droppedAttributes: number(json.droppedAttributesCount, 'droppedAttributesCount'),
    flags: number(json.flags, 'flags'),
    traceId: string(json.traceId, 'traceId').toLowerCase(),
    spanId: string(json.spanId, 'spanId').toLowerCase(),
  };
}

function textOfScope(scope: JsonObject): string {
  return scopeText(string(scope.name, 'name'), string(scope.version, 'version'), attributesText(scope));
}

function attributesText(json: JsonObject): string {
  const dropped = number(json.droppedAttributesCount, 'droppedAttributesCount');
  const members = membersText(json.attributes, 0);
  return joined([members, dropped > 0 ? `"otel.dropped_attributes_count":${dropped}` : '']);
}

function membersText(json: Json, depth: number): string {
  return objects(json, 'attributes')
    .map(({ key, value }) => `${JSON.stringify(string(key, 'key'))}:${anyValue(value, depth)}`)
    .join(',');
}

function anyValue(json: Json, depth: number): string {
  if (depth >= depthMax) throw new Malformed(`more than ${depthMax} values within each other`);
  const value = object(json, 'a value');
  if (value.stringValue !== undefined) return JSON.stringify(string(value.stringValue, 'stringValue'));
  if (value.boolValue !== undefined) return value.boolValue === true ? 'true' : 'false';
  if (value.intValue !== undefined) return String(integer(value.intValue, 'intValue'));
  if (value.doubleValue !== undefined) return doubleText(doubleOf(value.doubleValue));
  if (value.bytesValue !== undefined) return base64Text(string(value.bytesValue, 'bytesValue'));
  if (value.arrayValue !== undefined) {
    const { values } = object(value.arrayValue, 'arrayValue');
    return `[${objects(values, 'values')
      .map((each) => anyValue(each, depth + 1))
      .join(',')}]`;
  }
  if (value.kvlistValue !== undefined)
    return `{${membersText(object(value.kvlistValue, 'kvlistValue').values, depth + 1)}}`;
  return 'null';
}

/** Both alphabets of base64, as protobuf's JSON form takes them. */
function base64Text(text: string): string {
  return `{"bytes":"${Buffer.from(text, 'base64').toString('base64')}"}`;
}

function doubleOf(json: Json): number {
  if (typeof json === 'number') return json;
  const value = typeof json === 'string' ? Number(json) : Number.NaN;
  if (Number.isNaN(value) && json !== 'NaN') throw new Malformed('doubleValue is no number');
  return value;
}

function integer(json: Json, name: string): bigint {
  if (typeof json === 'number' && Number.isInteger(json)) return BigInt.asIntN(64, BigInt(json));
  if (typeof json === 'string' && /^-?\d{1,20}$/.test(json)) return BigInt.asIntN(64, BigInt(json));
  throw new Malformed(`${name} is no integer`);
}

function unsigned(json: Json, name: string): bigint {
  return json === undefined || json === null ? 0n : BigInt.asUintN(64, integer(json, name));
}

function number(json: Json, name: string): number {
  if (json === undefined || json === null) return 0;
  return Number(BigInt.asUintN(32, integer(json, name)));
}

function string(json: Json, name: string): string {
  if (json === undefined || json === null) return '';
  if (typeof json !== 'string') throw new Malformed(`${name} is no text`);
  // Half of a pair is no character: nobody could read it back.
  return json.toWellFormed();
}

function object(json: Json, name: string): JsonObject {
  if (json === undefined || json === null) return {};
  if (typeof json !== 'object' || Array.isArray(json)) throw new Malformed(`${name} is no object`);
  return json as JsonObject;
}

function objects(json: Json, name: string): readonly JsonObject[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw new Malformed(`${name} is no array`);
  return json.map((each) => object(each as Json, `an element of ${name}`));
}
