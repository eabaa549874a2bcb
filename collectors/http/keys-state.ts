/**
 * What a source that keeps idempotency keys holds in its state: of each key a digest and when it was taken, in the order in which they came.
 *
 *     version 1: one byte, then for each key 12 bytes of digest and 4 bytes of unix seconds (big end first)
 *     before:    12 bytes of digest for each key, and no times
 *
 * The lengths tell them apart: 16 n + 1 and 12 n are never the same.
 */
import { createHash } from 'node:crypto';

export interface KeptKey {
  /** latin1. */
  readonly digest: string;
  /** Unix seconds; undefined where it was not kept. */
  readonly taken: number | undefined;
}

/** 96 bits: nobody finds another request's by chance. */
const digestBytes = 12;
const timeBytes = 4;
const keyBytes = digestBytes + timeBytes;
const version = 1;
const secondsMax = 2 ** 32 - 1;

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest().toString('latin1', 0, digestBytes);
}

export function encodeKeys(keys: readonly { readonly digest: string; readonly taken: number }[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(1 + keys.length * keyBytes);
  bytes[0] = version;
  for (const [index, { digest, taken }] of keys.entries()) {
    const at = 1 + index * keyBytes;
    bytes.write(digest, at, 'latin1');
    bytes.writeUInt32BE(Math.min(Math.max(0, taken), secondsMax), at + digestBytes);
  }
  return bytes;
}

/** Of a state that is none of these, what can be read of it. Never throws. */
export function decodeKeys(state: Uint8Array): KeptKey[] {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.length);
  const timed = bytes.length % keyBytes === 1 && bytes[0] === version;
  const [first, each] = timed ? [1, keyBytes] : [0, digestBytes];
  const keys: KeptKey[] = [];
  for (let at = first; at + each <= bytes.length; at += each) {
    const taken = timed ? bytes.readUInt32BE(at + digestBytes) : undefined;
    keys.push({ digest: bytes.toString('latin1', at, at + digestBytes), taken });
  }
  return keys;
}
