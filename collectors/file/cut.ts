/**
 * Where records end in bytes just read. No work per line except counting: the last line feed is searched from behind, lines
 * that are too long and runs of NUL bytes are found by jumps. Pure; any chunking of the same bytes gives the same records.
 */

/** A run of NUL bytes this long is a hole (never written, or lost in a power cut); shorter ones are text. */
export const holeBytesMin = 1024;

/**
 * What stands at the start of the bytes.
 * - `records`: whole lines, `bytes` long with the last line feed.
 * - `piece`: `bytes` of a line whose end is further on: it is too long, or a hole tears it.
 * - `hole`: at least `bytes` NUL bytes.
 * - `open`: a line without an end so far (or nothing at all).
 */
export interface Cut {
  readonly kind: 'records' | 'piece' | 'hole' | 'open';
  readonly bytes: number;
}

const lineFeed = 10;
const { indexOf, lastIndexOf } = Buffer.prototype;

/** Cuts the first `length` bytes of `view`; a line may have `lineBytesMax` bytes without its line feed. */
export function cutRecords(view: Uint8Array, length: number, lineBytesMax: number): Cut {
  const bytes = view.subarray(0, length);
  const hole = findHole(bytes);
  if (hole.from === 0 && hole.to > 0) return { kind: 'hole', bytes: hole.to };
  const end = lastIndexOf.call(bytes, lineFeed, hole.from - 1) + 1;
  if (end > 0) return end > lineBytesMax ? cutLongLines(bytes, end, lineBytesMax) : { kind: 'records', bytes: end };
  if (hole.from > lineBytesMax) return { kind: 'piece', bytes: lineBytesMax };
  return hole.to < length ? { kind: 'piece', bytes: hole.from } : { kind: 'open', bytes: hole.from };
}

/** The lines in front of the first that is too long, or a piece of that. Jumps from line feed to line feed, a whole line limit at a time. */
function cutLongLines(bytes: Uint8Array, end: number, lineBytesMax: number): Cut {
  let start = 0;
  while (end - start > lineBytesMax) {
    const next = lastIndexOf.call(bytes, lineFeed, start + lineBytesMax);
    if (next < start) return start > 0 ? { kind: 'records', bytes: start } : { kind: 'piece', bytes: lineBytesMax };
    start = next + 1;
  }
  return { kind: 'records', bytes: end };
}

/** The first hole in the bytes; both ends are the bytes' length where there is none. */
export function findHole(bytes: Uint8Array): { readonly from: number; readonly to: number } {
  for (let from = indexOf.call(bytes, 0); from !== -1; ) {
    const to = endOfNuls(bytes, from);
    if (to - from >= holeBytesMin) return { from, to };
    from = to < bytes.length ? indexOf.call(bytes, 0, to) : -1;
  }
  return { from: bytes.length, to: bytes.length };
}

const nuls = Buffer.alloc(4096);

/** The index of the first byte from `from` on that is not NUL, or the length. Compares 4 KiB at a time. */
export function endOfNuls(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at + nuls.length <= bytes.length && nuls.equals(bytes.subarray(at, at + nuls.length))) at += nuls.length;
  while (at < bytes.length && bytes[at] === 0) at++;
  return at;
}
