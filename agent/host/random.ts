/** The operating system's random source for ids, and a cheap one for jitter. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../spool/ports.ts';

export const hostRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => Math.random(),
};
