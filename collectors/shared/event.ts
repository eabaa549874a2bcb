/** Writes events as records of format `json` (`spool/event.ts` has the model). Pure. */
import { isUtf8 } from 'node:buffer';
import type { Event, Value } from '../../spool/event.ts';

export type { Event, Scope, Value, Values } from '../../spool/event.ts';

/** One line of JSON without line feeds. Fields stand in the order in which the caller has them; undefined ones are left out. */
export function encodeEvent(event: Event): string {
  return JSON.stringify(event);
}

/** Bytes as a value: text where they are UTF-8, else `{"bytes": "<base64>"}`. */
export function bytesValue(bytes: Uint8Array): Value {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(buffer) ? buffer.toString() : { bytes: buffer.toString('base64') };
}
