/** What OTLP/HTTP answers (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response), in the encoding of the request. Pure. */
import type { WireResponse } from '../ports.ts';
import type { Refusal } from '../web/refusal.ts';

export type Encoding = 'protobuf' | 'json';

const contentTypes: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** Undefined where OTLP has no such encoding. */
export function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === contentTypes.protobuf) return 'protobuf';
  return type === contentTypes.json ? 'json' : undefined;
}

/** `ExportLogsServiceResponse`; with `rejected` above 0 a partial success. */
export function accepted(encoding: Encoding, rejected: number, message: string): WireResponse {
  const headers = { 'content-type': contentTypes[encoding] };
  if (encoding === 'protobuf') {
    const success = Buffer.concat([varintField(1, rejected), stringField(2, message)]);
    return { status: 200, headers, body: rejected === 0 ? new Uint8Array(0) : bytesField(1, success) };
  }
  const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: message };
  return { status: 200, headers, body: JSON.stringify(rejected === 0 ? {} : { partialSuccess }) };
}

/** google.rpc.Status. */
export function refused(encoding: Encoding, refusal: Refusal): WireResponse {
  const code = codeOf(refusal.status);
  const { message, status } = refusal;
  const headers = { ...refusal.headers, 'content-type': contentTypes[encoding] };
  const body =
    encoding === 'json'
      ? JSON.stringify({ code, message })
      : Buffer.concat([varintField(1, code), stringField(2, message)]);
  return { status, headers, body, close: true };
}

/** google.rpc.Code. */
function codeOf(status: number): number {
  switch (status) {
    case 401:
      return 16;
    case 404:
    case 405:
      return 12;
    case 408:
      return 4;
    case 413:
    case 429:
      return 8;
    case 503:
      return 14;
    default:
      return 3;
  }
}

function varintField(number: number, value: number): Buffer {
  return Buffer.from([number * 8, ...varint(value)]);
}

function stringField(number: number, text: string): Buffer {
  return bytesField(number, Buffer.from(text));
}

function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80);
  return [...bytes, rest];
}
