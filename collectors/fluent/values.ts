/** From MessagePack to the values of events. Pure but for the decoder's own buffers. */
import { Decoder, ExtData, ExtensionCodec } from '@msgpack/msgpack';
import type { Value } from '../../spool/event.ts';
import { bytesValue } from '../shared/event.ts';
import { rfc3339, timestampOfSeconds } from '../shared/timestamp.ts';

/** Fluentd's EventTime, extension type 0: seconds and nanoseconds. */
export class EventTime {
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({ type: 0, encode: () => null, decode: (data) => eventTime(data) ?? new ExtData(0, data) });

/** Texts stay bytes, since old clients send any bytes as text; long integers are bigint. */
const decoder = new Decoder({ extensionCodec, useBigInt64: true, rawStrings: true, mapKeyConverter: keyOf });

function keyOf(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(toValue(key));
}

/** One whole value; undefined for what does not decode. */
export function decodeValue(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: decoder.decode(bytes) };
  } catch {
    return undefined;
  }
}

/** Any decoded value as JSON has it. */
export function toValue(decoded: unknown): Value {
  switch (typeof decoded) {
    case 'string':
    case 'boolean':
      return decoded;
    case 'number':
      return Number.isFinite(decoded) ? decoded : String(decoded);
    case 'bigint':
      return Number.isSafeInteger(Number(decoded)) ? Number(decoded) : String(decoded);
    default:
      return objectValue(decoded);
  }
}

function objectValue(decoded: unknown): Value {
  if (decoded === null || decoded === undefined) return null;
  if (decoded instanceof Uint8Array) return bytesValue(decoded);
  if (Array.isArray(decoded)) return decoded.map(toValue);
  if (decoded instanceof Date) return Number.isFinite(decoded.getTime()) ? decoded.toISOString() : null;
  if (decoded instanceof EventTime) return timestampOf(decoded) ?? null;
  if (decoded instanceof ExtData)
    return bytesValue(typeof decoded.data === 'function' ? decoded.data(0) : decoded.data);
  return Object.fromEntries(Object.entries(decoded).map(([key, value]) => [key, toValue(value)]));
}

/** RFC 3339 of what the protocol has as time; undefined for what is none. */
export function timestampOf(time: unknown): string | undefined {
  if (time instanceof EventTime) return rfc3339(time.seconds, String(time.nanoseconds).padStart(9, '0'));
  if (typeof time === 'bigint') return timestampOfSeconds(Number(time));
  return typeof time === 'number' ? timestampOfSeconds(time) : undefined;
}

function eventTime(data: Uint8Array): EventTime | undefined {
  if (data.length !== 8) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, 8);
  return new EventTime(view.getUint32(0), view.getUint32(4));
}
