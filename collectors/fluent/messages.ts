/**
 * What a Fluent Forward message says (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1): events of one
 * tag, in any of its four modes, and the chunk that wants an acknowledgement. Pure.
 */
import { gunzipSync } from 'node:zlib';
import { type FramerLimits, ValueFramer } from './value-framer.ts';
import { decodeValue } from './values.ts';

export interface ForwardedEntry {
  readonly time: unknown;
  /** What Fluent Bit sends beside the record. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly record: Readonly<Record<string, unknown>>;
}

export type Message =
  | {
      readonly kind: 'events';
      readonly tag: Uint8Array;
      readonly entries: readonly ForwardedEntry[];
      /** As it came; to be sent back. */
      readonly chunk: Uint8Array | undefined;
      /** Entries that are none, and were passed over. */
      readonly malformed: number;
    }
  /** A heartbeat: nothing in it. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bad'; readonly why: string };

/** `bytes`: one whole MessagePack value. `limits`: also of what is packed in it, expanded. */
export function readMessage(bytes: Uint8Array, limits: FramerLimits): Message {
  const decoded = decodeValue(bytes);
  if (decoded === undefined) return bad('it does not decode');
  const { value } = decoded;
  if (value === null) return { kind: 'nothing' };
  if (!Array.isArray(value) || !(value[0] instanceof Uint8Array)) return bad('it is no array that begins with a tag');
  const [tag, second] = value as [Uint8Array, unknown, ...unknown[]];
  if (Array.isArray(second)) return events(tag, second.map(entryOf), value[2]);
  if (second instanceof Uint8Array) return packed(tag, second, value[2], limits);
  return events(tag, [entryOf([second, value[2]])], value[3]);
}

function packed(tag: Uint8Array, bytes: Uint8Array, option: unknown, limits: FramerLimits): Message {
  const expanded = isGzip(option) ? expand(bytes, limits.valueBytesMax) : bytes;
  if (expanded === undefined) return bad('what is compressed in it does not expand, or becomes too large');
  const framer = new ValueFramer(limits);
  const entries = framer.feed(expanded).map((framed) => {
    return framed.kind === 'value' ? entryOf(decodeValue(framed.bytes)?.value) : undefined;
  });
  return events(tag, framer.heldBytes > 0 ? [...entries, undefined] : entries, option);
}

function events(tag: Uint8Array, found: readonly (ForwardedEntry | undefined)[], option: unknown): Message {
  const entries = found.filter((entry) => entry !== undefined);
  const chunk = isMap(option) && option.chunk instanceof Uint8Array ? option.chunk : undefined;
  return { kind: 'events', tag, entries, chunk, malformed: found.length - entries.length };
}

/** `[time, record]`, or `[[time, metadata], record]`. */
function entryOf(value: unknown): ForwardedEntry | undefined {
  if (!Array.isArray(value) || !isMap(value[1])) return undefined;
  const [head, record] = value as [unknown, Record<string, unknown>];
  if (!Array.isArray(head)) return { time: head, metadata: undefined, record };
  return { time: head[0], metadata: isMap(head[1]) ? head[1] : undefined, record };
}

function isGzip(option: unknown): boolean {
  return (
    isMap(option) && option.compressed instanceof Uint8Array && Buffer.from(option.compressed).toString() === 'gzip'
  );
}

/** All members; undefined for damage, and for more than `bytesMax`. */
function expand(bytes: Uint8Array, bytesMax: number): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: bytesMax });
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function bad(why: string): Message {
  return { kind: 'bad', why };
}
