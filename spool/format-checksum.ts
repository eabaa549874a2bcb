/**
 * The CRC-32 of frames: zlib's number. Where the host brings a faster function for it (`ByteWork`), that one is taken once it has
 * given the same numbers as Node's on bytes of many lengths and alignments; what it is told apart by is speed alone.
 */
import { crc32 } from 'node:zlib';

let inUse: (bytes: Uint8Array) => number = crc32;

/** CRC-32 of all of `bytes`. */
export function checksum(bytes: Uint8Array): number {
  return inUse(bytes);
}

/** From now on `faster` is used, in the whole process. False, and nothing changes, where it does not give what Node's gives. */
export function useForChecksums(faster: (bytes: Uint8Array) => number): boolean {
  if (!givesTheSame(faster)) return false;
  inUse = faster;
  return true;
}

function givesTheSame(candidate: (bytes: Uint8Array) => number): boolean {
  const bytes = Buffer.allocUnsafeSlow(testBytes);
  for (let at = 0, value = 1; at < bytes.length; at++, value = (value * 75 + 74) % 65_537) bytes[at] = value;
  for (let from = 0; from < 16; from++) {
    for (const length of testLengths) {
      const some = bytes.subarray(from, from + length);
      if (candidate(some) !== crc32(some)) return false;
    }
  }
  return candidate(bytes) === crc32(bytes);
}

const testBytes = 4096;
/** Around what such functions treat apart: words, lanes, rounds. */
const testLengths = [0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 79, 80, 127, 128, 129, 255, 1000, 4000];
