/**
 * Is the file that stands there the one that was read? Never one signal: the inode says which object it is (device and birth
 * time are hints), the fingerprints say whether the bytes before the cursor are still the same. Pure.
 */
import type { FileStat } from '../../spool/ports.ts';
import type { Head, Point } from './fingerprint.ts';

/** What is known of a generation that was read. */
export interface Known {
  readonly device: bigint;
  readonly inode: bigint;
  readonly birthNs: bigint;
  readonly offset: number;
  readonly crc: number;
  readonly head: Head;
  /** Where it ended when it was last looked at, while nothing was read of it. */
  readonly end?: Point | undefined;
  readonly points: readonly Point[];
}

/** The bytes of a file that stands there, as far as they are asked for. */
export interface Content {
  /** Expanded, where it is compressed. */
  readonly sizeBytes: number;
  /** CRC of the window before `offset`; undefined where the file ends before it. */
  fingerprintAt(offset: number): number | undefined;
  headOf(length: number): Head | undefined;
}

/** What cannot be seen in one file. */
export interface Surroundings {
  /** The file system tells real birth times. */
  readonly birthIsReal: boolean;
  /** The machine was booted since the file was seen: device numbers may have changed. */
  readonly rebooted: boolean;
  /** It was not stopped before that: the file may have gone back. */
  readonly powerCut: boolean;
}

/**
 * - `itself`: the same file, and the bytes before the cursor are the same.
 * - `went_back`: the same file after a power cut, with the same bytes up to `at` but not to the cursor.
 * - `truncated`: the same inode, but other bytes: truncated, or used again for another file.
 * - `copy`: another file with the same bytes up to the cursor. `prefix`: another file with the same bytes up to `at`.
 */
export interface Likeness {
  readonly kind: 'itself' | 'went_back' | 'truncated' | 'copy' | 'prefix' | 'other';
  readonly at: number;
}

export function compare(known: Known, stat: FileStat, content: Content, around: Surroundings): Likeness {
  const bytes = compareContent(known, content);
  if (sameObject(known, stat, around)) {
    if (bytes.kind === 'same') return { kind: 'itself', at: known.offset };
    if (bytes.kind === 'start' && around.powerCut) return { kind: 'went_back', at: bytes.at };
    return { kind: 'truncated', at: 0 };
  }
  if (known.offset === 0 && known.head.length === 0) return { kind: 'other', at: 0 };
  if (bytes.kind === 'same') return { kind: 'copy', at: known.offset };
  return bytes.kind === 'start' ? { kind: 'prefix', at: bytes.at } : { kind: 'other', at: 0 };
}

/** An inode number is used again at once; a real birth time tells its users apart. Device numbers may change with a mount. */
export function sameObject(known: Known, stat: FileStat, around: Surroundings): boolean {
  if (known.inode !== stat.inode) return false;
  if (around.birthIsReal && known.birthNs !== 0n) return known.birthNs === stat.birthNs;
  return known.device === stat.device || around.rebooted;
}

/** Birth times are real where one was seen that is older than its file's last change; where they are not, they are that change or 0. */
export function showsRealBirth(stat: FileStat): boolean {
  return stat.birthNs > 0n && stat.birthNs < stat.changedNs;
}

type ContentMatch = { readonly kind: 'same' | 'other' } | { readonly kind: 'start'; readonly at: number };

function compareContent(known: Known, content: Content): ContentMatch {
  const { head, end } = known;
  if (known.offset === 0)
    return {
      kind: startsWith(content, head) && (!end || content.fingerprintAt(end.offset) === end.crc) ? 'same' : 'other',
    };
  if (content.sizeBytes >= head.length && !startsWith(content, head)) return { kind: 'other' };
  if (content.sizeBytes >= known.offset && content.fingerprintAt(known.offset) === known.crc) return { kind: 'same' };
  const at = newestMatch(known.points, content);
  if (at > 0) return { kind: 'start', at };
  return { kind: 'other' };
}

function startsWith(content: Content, head: Head): boolean {
  return head.length === 0 || content.headOf(head.length)?.crc === head.crc;
}

function newestMatch(points: readonly Point[], content: Content): number {
  for (let index = points.length - 1; index >= 0; index--) {
    const { offset, crc } = points[index]!;
    if (offset > 0 && offset <= content.sizeBytes && content.fingerprintAt(offset) === crc) return offset;
  }
  return 0;
}
