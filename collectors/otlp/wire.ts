/**
 * Protocol Buffers as bytes (https://protobuf.dev/programming-guides/encoding/), as far as OTLP uses them: a message is a row of
 * fields, read one by one without making anything of them. By hand: the messages of OTLP logs are few, and with a library every
 * record would stand in memory as objects once more before it is written as JSON.
 */

/** What is no message. */
export class Malformed extends Error {}

/** Messages within each other. */
export const depthMax = 64;

export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 bytes with their length, 5 four bytes. */
  readonly type: number;
  /** Of types 1, 2 and 5. */
  readonly bytes: Uint8Array;
  /** Of type 0. */
  readonly varint: bigint;
}

const nothing = new Uint8Array(0);

/** The fields in the order in which they stand. Throws `Malformed`. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const at = { position: 0 };
  while (at.position < message.length) {
    const tag = count(message, at);
    const number = Math.floor(tag / 8);
    if (number === 0 || number > 536_870_911) throw new Malformed(`a field's number is ${number}`);
    yield field(message, at, number, tag % 8);
  }
}

function field(message: Uint8Array, at: { position: number }, number: number, type: number): Field {
  switch (type) {
    case 0:
      return { number, type, bytes: nothing, varint: varint(message, at) };
    case 1:
      return { number, type, bytes: take(message, at, 8), varint: 0n };
    case 2:
      return { number, type, bytes: take(message, at, count(message, at)), varint: 0n };
    case 5:
      return { number, type, bytes: take(message, at, 4), varint: 0n };
    default:
      throw new Malformed(`a field has the unknown wire type ${type}`);
  }
}

function take(message: Uint8Array, at: { position: number }, length: number): Uint8Array {
  const end = at.position + length;
  if (!(end <= message.length)) throw new Malformed('a field is longer than its message');
  const bytes = message.subarray(at.position, end);
  at.position = end;
  return bytes;
}

/** A tag or a length: at most 32 bits. */
function count(message: Uint8Array, at: { position: number }): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = message[at.position++];
    if (byte === undefined) throw new Malformed('it ends within a number');
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  throw new Malformed('a tag or length has more than five bytes');
}

/** Unsigned, 64 bits. */
function varint(message: Uint8Array, at: { position: number }): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = message[at.position++];
    if (byte === undefined) throw new Malformed('it ends within a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new Malformed('a number has more than ten bytes');
}

export function fixed64({ bytes }: Field): bigint {
  return view(bytes).getBigUint64(0, true);
}

export function fixed32({ bytes }: Field): number {
  return view(bytes).getUint32(0, true);
}

export function double({ bytes }: Field): number {
  return view(bytes).getFloat64(0, true);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
