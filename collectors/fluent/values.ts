/** From MessagePack to the values of events. Pure but for the decoder's own buffers. */
import { Decoder, ExtData, ExtensionCodec } from '@msgpack/msgpack';
import type { Value } from '../../spool/event.ts';
import { bytesValue } from '../shared/event.ts';

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

/** Latest second that RFC 3339 can write: 9999-12-31T23:59:59Z. */
const secondsMax = 253_402_300_799;

/** RFC 3339 of what the protocol has as time; undefined for what is none. */
export function timestampOf(time: unknown): string | undefined {
  if (time instanceof EventTime) return rfc3339(time.seconds, String(time.nanoseconds).padStart(9, '0'));
  if (typeof time === 'bigint') return timestampOf(Number(time));
  if (typeof time !== 'number' || !Number.isFinite(time)) return undefined;
  const whole = Math.floor(time);
  return rfc3339(whole, Number.isInteger(time) ? '' : (time - whole).toFixed(6).slice(2));
}

function rfc3339(seconds: number, fraction: string): string | undefined {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > secondsMax || fraction.length > 9) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === '' ? '' : `.${fraction}`}Z`;
}

function eventTime(data: Uint8Array): EventTime | undefined {
  if (data.length !== 8) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, 8);
  return new EventTime(view.getUint32(0), view.getUint32(4));
}
