/** Where things lie in a data_dir, and what they are called. */
import type { Position } from './nouns.ts';

export interface Folders {
  readonly root: string;
  readonly segments: string;
  readonly cursors: string;
  readonly damaged: string;
}

export function foldersOf(dataDir: string): Folders {
  const root = dataDir.replace(/\/+$/, '') || '/';
  return { root, segments: `${root}/spool`, cursors: `${root}/cursors`, damaged: `${root}/damaged` };
}

/** The position of its first byte in twenty digits: names sort as positions do. */
export function segmentName(start: Position): string {
  return `${String(start).padStart(20, '0')}.zst`;
}

/** undefined for every name that is not a segment's. */
export function segmentStart(name: string): Position | undefined {
  if (!/^\d{20}\.zst$/.test(name)) return undefined;
  const start = Number(name.slice(0, 20));
  return Number.isSafeInteger(start) ? start : undefined;
}

/** A shipper's name as a file name. */
export function cursorName(shipper: string): string {
  return encodeURIComponent(shipper).replaceAll('.', '%2E');
}
