/** The handshake of Fluent Forward with a shared key: what is said, and whether the other side knows the key. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { encode } from '@msgpack/msgpack';
import { decodeValue } from './values.ts';

export type Verdict = { readonly ok: boolean; readonly answer: Uint8Array; readonly why: string };

/** What the server says first. */
export function hello(nonce: Uint8Array): Uint8Array {
  return encode(['HELO', { nonce, auth: '', keepalive: true }]);
}

/** `value`: the client's PING, whole. */
export function judgePing(value: Uint8Array, nonce: Uint8Array, key: string, hostName: string): Verdict {
  const ping = decodeValue(value)?.value;
  const [word, client, salt, digest] = Array.isArray(ping) ? ping : [];
  if (!isBytes(word) || !isBytes(client) || !isBytes(salt) || !isBytes(digest) || text(word) !== 'PING')
    return verdict(false, 'it does not begin with PING', '', hostName);
  const expected = Buffer.from(digestOf(salt, client, nonce, key));
  if (digest.length !== expected.length || !timingSafeEqual(digest, expected))
    return verdict(false, 'shared_key mismatch', '', hostName);
  return verdict(true, '', digestOf(salt, Buffer.from(hostName), nonce, key), hostName);
}

function verdict(ok: boolean, why: string, digest: string, hostName: string): Verdict {
  return { ok, why, answer: encode(['PONG', ok, why, hostName, digest]) };
}

function digestOf(salt: Uint8Array, hostName: Uint8Array, nonce: Uint8Array, key: string): string {
  return createHash('sha512').update(salt).update(hostName).update(nonce).update(key).digest('hex');
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
