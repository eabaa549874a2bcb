/**
 * What happened to a path's generations, decided from what is known and what stands there now. Pure; `README.md` has the
 * table. Two rules stand above all: nothing is passed over that was not read, and where content does not tell two files apart,
 * both are read from their beginnings.
 */
import type { Likeness } from './identity.ts';

/** A generation that was read, oldest first in the list. */
export interface KnownGeneration {
  readonly offset: number;
  readonly finished: boolean;
  /** Modification time when it was last looked at. */
  readonly modifiedMs: number;
  /** Its descriptor is open and still gives its bytes, whatever became of its name. */
  readonly open: boolean;
}

/** A file that stands there: at the path itself (`current`), or under a name that rotation gives. */
export interface StandingFile {
  readonly current: boolean;
  /** Its name is a rotated form of the path's: it may be a generation that was missed. */
  readonly related: boolean;
  readonly compressed: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** For equal times: higher is older. */
  readonly age: number;
  /** The name before compression: a plain file and its compressed form being written share it. */
  readonly plainName: string;
}

export type Ruling =
  /** The known generation's bytes are here: go on at its cursor. */
  | { readonly is: 'continued'; readonly known: number; readonly how: 'itself' | 'copy' }
  /** Not read so far: a source begins here. `missed`: it was rotated away before it was seen. */
  | { readonly is: 'new'; readonly from: number; readonly missed: boolean }
  /** Holds nothing but what was read. */
  | { readonly is: 'read_before'; readonly known: number }
  /** Perhaps a copy of the current file on the way to copytruncate: to be looked at again. */
  | { readonly is: 'held'; readonly known: number }
  | { readonly is: 'not_ours' };

export interface Plan {
  /** For each standing file. */
  readonly rulings: readonly Ruling[];
  /** The files that begin sources, oldest first. */
  readonly begin: readonly number[];
  /** Unfinished generations whose bytes are nowhere: truncated in place, gone, or (`unclear`) not told apart from others. */
  readonly lost: readonly { readonly known: number; readonly why: 'truncated' | 'gone' | 'unclear' | 'went_back' }[];
}

/** Content alone, without the inode, names a file only if it is longer than what files may have in common at their start. */
export const commonStartBytesMax = 16 * 1024;

/** Compressed files keep the time of what they were made from, but some tools only the whole second of it. */
const compressedGrainMs = 1000;

/**
 * `startsAlike`: the shorter of two standing files holds the same bytes as the other's beginning. `sinceMs`: rotated files of a
 * path of which nothing is known are read if they were modified since then; infinite at the first start.
 */
export function planRotation(
  known: readonly KnownGeneration[],
  standing: readonly StandingFile[],
  likeness: (known: number, standing: number) => Likeness,
  startsAlike: (one: number, other: number) => boolean,
  sinceMs: number,
): Plan {
  const rulings: (Ruling | undefined)[] = standing.map(() => undefined);
  const placed = new Set<number>();
  const lost = new Map<number, Plan['lost'][number]['why']>();
  const indexes = standing.map((_, index) => index);
  const rule = (index: number, ruling: Ruling) => {
    rulings[index] = ruling;
    if (ruling.is === 'continued' || ruling.is === 'read_before') placed.add(ruling.known);
  };

  // 1. The same object with the same bytes before the cursor: that is the file, whatever its name.
  for (const file of indexes) {
    if (standing[file]!.compressed) continue;
    const match = known.findLastIndex((_, at) => !placed.has(at) && likeness(at, file).kind === 'itself');
    if (match !== -1) rule(file, { is: 'continued', known: match, how: 'itself' });
  }

  // 2. The same object with other bytes: gone back (after a power cut), or truncated.
  for (let at = known.length - 1; at >= 0; at--) {
    if (placed.has(at) || known[at]!.finished) continue;
    const back = indexes.find((file) => !rulings[file] && likeness(at, file).kind === 'went_back');
    if (back !== undefined) {
      rule(back, { is: 'new', from: likeness(at, back).at, missed: false });
      lost.set(at, 'went_back');
    } else if (indexes.some((file) => likeness(at, file).kind === 'truncated')) lost.set(at, 'truncated');
    else if (!known[at]!.open) lost.set(at, 'gone');
  }

  // 3. A copy or archive that holds exactly what was read of one: nothing more to be had from it.
  for (const file of indexes) {
    if (rulings[file] || (standing[file]!.current && !standing[file]!.compressed)) continue;
    const match = longest(known, (at) => {
      const { offset, finished } = known[at]!;
      if (placed.has(at) || offset === 0 || offset !== standing[file]!.sizeBytes) return false;
      const mayBe = standing[file]!.compressed || offset >= commonStartBytesMax || lost.get(at) === 'truncated';
      return mayBe && (finished || lost.has(at)) && isCopy(likeness(at, file));
    });
    if (match === -1) continue;
    rule(
      file,
      known[match]!.finished ? { is: 'read_before', known: match } : { is: 'continued', known: match, how: 'copy' },
    );
    lost.delete(match);
  }

  // 4. Another file with the same bytes up to the cursor: a copy, moved here, or compressed.
  for (let at = 0; at < known.length; at++) {
    const why = lost.get(at);
    if ((why !== 'truncated' && why !== 'gone') || known[at]!.offset === 0) continue; // of which nothing was read: no matter
    const alike = indexes.filter((file) => !rulings[file] && isCopy(likeness(at, file)));
    const free = alike.filter((file) => mayBeCopy(known[at]!, standing[file]!));
    if (free.length === 0) continue;
    if (known[at]!.offset >= commonStartBytesMax || tellsApart(standing, free, why)) {
      rule(preferred(standing, free), { is: 'continued', known: at, how: 'copy' });
      lost.delete(at);
    } else {
      for (const file of free) rule(file, { is: 'new', from: 0, missed: true });
      lost.set(at, 'unclear');
    }
  }

  // 5. What is left: a copy in the making, or new.
  const newest = known.length - 1;
  const current = indexes.find((file) => standing[file]!.current);
  const currentRuling = current === undefined ? undefined : rulings[current];
  const currentIsNewest = currentRuling?.is === 'continued' && currentRuling.known === newest;
  /** A generation that is read through its descriptor, of which this seems to be a copy (its compressed form, most likely). */
  const openUnplaced = (file: number) =>
    known.findLastIndex(
      (one, at) => one.open && !one.finished && !placed.has(at) && !lost.has(at) && isAlike(likeness(at, file)),
    );
  const newerThanMs = sinceMs === Number.POSITIVE_INFINITY ? sinceMs : (known[newest]?.modifiedMs ?? sinceMs);
  const isYoung = ({ modifiedMs, compressed }: StandingFile) =>
    modifiedMs + (compressed ? compressedGrainMs : 0) >= newerThanMs;
  for (const file of indexes) {
    if (rulings[file]) continue;
    const { current: isCurrent, related } = standing[file]!;
    if (isCurrent) rule(file, { is: 'new', from: 0, missed: false });
    else if (currentIsNewest && known[newest]!.offset > 0)
      rule(file, isAlike(likeness(newest, file)) ? { is: 'held', known: newest } : { is: 'not_ours' });
    else if (currentIsNewest && startsAlike(current!, file)) rule(file, { is: 'held', known: newest });
    else if (openUnplaced(file) !== -1) rule(file, { is: 'held', known: openUnplaced(file) });
    else if (related && isYoung(standing[file]!)) rule(file, { is: 'new', from: 0, missed: true });
    else rule(file, { is: 'not_ours' });
  }

  return {
    rulings: rulings as Ruling[],
    begin: indexes.filter((file) => rulings[file]!.is === 'new').sort((a, b) => byAge(standing[a]!, standing[b]!)),
    lost: [...lost].map(([at, why]) => ({ known: at, why })),
  };
}

/** At the path itself a file that only starts alike is more likely the next generation. */
function mayBeCopy(known: KnownGeneration, file: StandingFile): boolean {
  return !file.current || file.compressed || known.offset >= commonStartBytesMax;
}

/**
 * A short start that several files share names none of them; a file and its compressed form count as one. And a plain file of
 * its own is no copy unless the original was truncated: who renames keeps the inode.
 */
function tellsApart(standing: readonly StandingFile[], free: readonly number[], why: 'truncated' | 'gone'): boolean {
  const names = new Set(free.map((file) => standing[file]!.plainName));
  return names.size === 1 && (why === 'truncated' || free.every((file) => standing[file]!.compressed));
}

function longest(known: readonly KnownGeneration[], matches: (at: number) => boolean): number {
  let best = -1;
  known.forEach(({ offset }, at) => {
    if (matches(at) && (best === -1 || offset >= known[best]!.offset)) best = at;
  });
  return best;
}

/** A compressed form may still be being written while the plain file stands. */
function preferred(standing: readonly StandingFile[], free: readonly number[]): number {
  return free.find((file) => !standing[file]!.compressed) ?? free[0]!;
}

function isCopy(likeness: Likeness): boolean {
  return likeness.kind === 'copy' || likeness.kind === 'itself';
}

function isAlike(likeness: Likeness): boolean {
  return likeness.kind === 'copy' || likeness.kind === 'prefix';
}

function byAge(one: StandingFile, other: StandingFile): number {
  if (one.current !== other.current) return one.current ? 1 : -1;
  return one.modifiedMs - other.modifiedMs || other.age - one.age;
}
