/**
 * Runs of NUL bytes: never written (sparse files, preallocated ones), or lost in a power cut. With something behind them they are
 * passed over by range; at the end of a file they may still be filled in, anywhere, and are waited for.
 */
import { endOfNuls } from './cut.ts';
import type { ReadAt } from './fingerprint.ts';

/** Looked through in one turn; a longer hole takes several. */
const scanBytesMax = 16 * 1024 * 1024;
const scratch = Buffer.alloc(64 * 1024);

/** `end`: the first byte behind that is not NUL. `tail`: there is none up to `at`, the file's end. `long`: not known up to `at`. */
export type HoleScan = { readonly kind: 'end' | 'tail' | 'long'; readonly at: number };

/** Looks for the end of a run of NUL bytes from `from` on. */
export function scanHole(read: ReadAt, from: number): HoleScan {
  let at = from;
  while (at < from + scanBytesMax) {
    const got = read(scratch, at);
    if (got === 0) return { kind: 'tail', at };
    const nuls = endOfNuls(scratch.subarray(0, got), 0);
    at += nuls;
    if (nuls < got) return { kind: 'end', at };
  }
  return { kind: 'long', at };
}
