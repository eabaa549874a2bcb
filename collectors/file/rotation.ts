/**
 * What happened to a path's generations, decided from what is known and what stands there now. Pure; `README.md` has the
 * table. Three rules stand above all: nothing is passed over that was not read; where content does not tell two files apart,
 * both are read from their beginnings; and what was missed is read before anything newer.
 */
import { findCutOff } from './cut-off.ts';
import { type Bounds, Draft, type Plan, type Ruling } from './draft.ts';
import {
  byRotation,
  type Comparison,
  commonStartBytesMax,
  isCopiedBeforeCut,
  isOfTime,
  type KnownGeneration,
  type StandingFile,
} from './standing.ts';

export function planRotation(
  known: readonly KnownGeneration[],
  standing: readonly StandingFile[],
  comparison: Comparison,
  bounds: Bounds,
): Plan {
  const impossible = new Set<string>();
  const cutOff = findCutOff(known, standing, comparison, bounds.newerThanMs);
  const possible: Comparison = {
    likeness(one, other) {
      if (one === cutOff && standing[other]!.current) return { kind: 'truncated', at: 0 };
      return impossible.has(`${one},${other}`) ? { kind: 'other', at: 0 } : comparison.likeness(one, other);
    },
    startsAlike: (one, other) => comparison.startsAlike(one, other),
    isWithin: (one, other) => comparison.isWithin(one, other),
  };
  for (;;) {
    const planner = new Planner(known, standing, possible, bounds);
    planner.findThemselves();
    planner.findTheLost();
    planner.findWhatWasReadBefore();
    planner.findCopies();
    planner.holdCopiesInTheMaking();
    planner.judgeTheRest();
    const mistaken = planner.findMistaken();
    if (mistaken === undefined) {
      planner.putTheUnreadInOrder();
      return planner.plan();
    }
    impossible.add(mistaken);
  }
}

/** Each step only looks at what those before it left open. */
class Planner extends Draft {
  /** The same object with the same bytes before the cursor: that is the file, whatever its name. */
  findThemselves(): void {
    for (const file of this.open()) {
      const match = this.known.findLastIndex((one, at) => !one.blank && this.isItself(at, file));
      if (match !== -1) this.rule(file, { is: 'continued', known: match, how: 'itself' });
    }
  }

  /** The same object with other bytes has gone back (after a power cut), or was truncated. */
  findTheLost(): void {
    for (let at = this.known.length - 1; at >= 0; at--) {
      if (this.placed.has(at) || this.known[at]!.finished || this.isBlankThatStands(at)) continue;
      const back = this.open().find((file) => this.like(at, file) === 'went_back');
      if (back !== undefined) {
        this.rule(back, { is: 'new', from: this.comparison.likeness(at, back).at, missed: false });
        this.lost.set(at, 'went_back');
      } else if (this.#wasTruncated(at)) this.lost.set(at, 'truncated');
      else if (!this.known[at]!.open) this.lost.set(at, 'gone');
    }
  }

  #wasTruncated(at: number): boolean {
    return this.known[at]!.cutOff || this.rulings.some((_, file) => this.like(at, file) === 'truncated');
  }

  /** A copy or archive of exactly what was read of one: nothing more is to be had from it. */
  findWhatWasReadBefore(): void {
    for (const file of this.oldestFirst(this.open())) {
      const { current, compressed } = this.standing[file]!;
      if (current && !compressed) continue;
      const match = this.known.findIndex((_, at) => this.#holdsJustWhatWasRead(at, file));
      if (match === -1) continue;
      const isLost = this.lost.delete(match);
      this.rule(file, isLost ? { is: 'continued', known: match, how: 'copy' } : { is: 'read_before', known: match });
    }
  }

  /** A plain file of its own with a few common bytes is none: who renames keeps the inode. */
  #holdsJustWhatWasRead(at: number, file: number): boolean {
    const { offset, finished, open } = this.known[at]!;
    const { sizeBytes, compressed, related } = this.standing[file]!;
    if (this.placed.has(at) || offset === 0 || offset !== sizeBytes) return false;
    const mayBe = (compressed && related) || offset >= commonStartBytesMax || this.lost.get(at) === 'truncated';
    return mayBe && (finished || open || this.lost.has(at)) && this.isCopy(at, file);
  }

  /** Another file with the same bytes up to the cursor: the copy of copytruncate, an archive, or moved here from elsewhere. */
  findCopies(): void {
    // Who has more bytes in common has the better claim.
    const byLength = [...this.known.keys()].sort((one, other) => this.known[other]!.offset - this.known[one]!.offset);
    for (const at of byLength) {
      const why = this.lost.get(at);
      const { offset } = this.known[at]!;
      if (why !== 'truncated' && why !== 'gone') continue;
      const alike = this.open().filter((file) => this.#mayBeCopy(offset, file) && this.isCopy(at, file));
      if (alike.length === 0) continue;
      if (this.#tellsApart(offset, alike, why)) {
        this.rule(this.#preferred(alike), { is: 'continued', known: at, how: 'copy' });
        this.lost.delete(at);
      } else {
        for (const file of alike) this.rule(file, { is: 'new', from: 0, missed: true });
        this.lost.set(at, offset > 0 ? 'unclear' : 'gone'); // of which nothing was read: nothing comes twice
      }
    }
  }

  /** At the path itself a file that only starts alike is more likely the next generation; under a strange name, a stranger. */
  #mayBeCopy(offset: number, file: number): boolean {
    const { current, related, compressed } = this.standing[file]!;
    return offset >= commonStartBytesMax || (related && (!current || compressed));
  }

  /**
   * A short start that several files share names none of them (a file and its compressed form count as one), and a plain file
   * of its own is no copy unless the original was truncated.
   */
  #tellsApart(offset: number, alike: readonly number[], why: 'truncated' | 'gone'): boolean {
    if (offset >= commonStartBytesMax) return true;
    const names = new Set(alike.map((file) => this.standing[file]!.plainName));
    return names.size === 1 && (why === 'truncated' || alike.every((file) => this.standing[file]!.compressed));
  }

  /** A compressed form may still be being written while the plain file stands. */
  #preferred(alike: readonly number[]): number {
    return alike.find((file) => !this.standing[file]!.compressed) ?? alike[0]!;
  }

  /**
   * A young rotated name that starts as the file at the path does, of which nothing was read yet: most likely that file is being
   * copied, to be truncated then. Neither is read before that is clear.
   */
  holdCopiesInTheMaking(): void {
    const { current, isUnread } = this.atThePath();
    if (current === -1 || !isUnread || !this.bounds.mayWait) return;
    const copies = this.open().filter((file) => file !== current && this.#mayBecomeCopy(file));
    if (copies.length === 0) return;
    const ruling = this.rulings[current];
    if (ruling?.is === 'continued') this.beginAnew(ruling.known);
    for (const file of [current, ...copies]) this.rule(file, { is: 'held' });
  }

  #mayBecomeCopy(file: number): boolean {
    const { related, compressed } = this.standing[file]!;
    if (!related || compressed || isCopiedBeforeCut(this.standing[file]!, this.standing[this.atThePath().current]!))
      return false;
    return this.isYoung(file) && !this.#isFollowed(file) && this.startsAsCurrent(file);
  }

  /** Another one was rotated later. */
  #isFollowed(file: number): boolean {
    const isLater = (other: StandingFile) =>
      other.related && !other.current && byRotation(this.standing[file]!, other) > 0;
    return this.standing.some(isLater);
  }

  /** A copy in the making, a generation that was missed, or nothing that concerns this path. */
  judgeTheRest(): void {
    for (const file of this.open()) this.rule(file, this.#judge(file));
    // What was empty, and has been judged to be something else by now.
    this.known.forEach((_, at) => {
      if (!this.placed.has(at) && this.isBlankThatStands(at)) this.lost.set(at, 'gone');
    });
  }

  #judge(file: number): Ruling {
    const { current, related } = this.standing[file]!;
    const blank = this.known.findLastIndex((one, at) => one.blank && this.isItself(at, file));
    const asBefore: Ruling | undefined = blank === -1 ? undefined : { is: 'continued', known: blank, how: 'itself' };
    if (current) return asBefore ?? { is: 'new', from: 0, missed: false };
    const plain = this.#plainFormOf(file);
    // It is about to be replaced by this archive; until then it is the one that is read.
    if (plain !== undefined) return { is: this.#isKnown(plain) ? 'held' : 'not_ours' };
    if (this.#openUnplacedLike(file) !== -1) return { is: 'held' };
    const newest = this.#newestReadAtThePath();
    if (newest !== undefined && this.isAlike(newest, file)) return { is: 'held' };
    // It was seen when it had just been made, and is being filled.
    if (asBefore && newest !== undefined && this.startsAsCurrent(file)) return { is: 'held' };
    if (asBefore) return asBefore;
    const mayBeMissed = newest === undefined && related && (this.isYoung(file) || this.#isCountedBeforeKnown(file));
    return mayBeMissed ? { is: 'new', from: 0, missed: true } : { is: 'not_ours' };
  }

  #isKnown(file: number): boolean {
    const is = this.rulings[file]?.is;
    return is === 'continued' || is === 'read_before' || is === 'held';
  }

  /**
   * A file whose few bytes were taken for a generation's, though it has another time, and by its name and that time was rotated
   * after what was read later, or before what was read earlier: another file that holds the same. (What was missed may have been
   * read late, so the order alone does not say it.)
   */
  findMistaken(): string | undefined {
    const placed = [...this.rulings.keys()].filter(
      (file) => !this.standing[file]!.current && this.knownOf(file) >= 0 && this.known[this.knownOf(file)]!.offset > 0,
    );
    for (const file of placed) {
      const known = this.knownOf(file);
      const { offset, modifiedMs } = this.known[known]!;
      const standing = this.standing[file]!;
      if (this.isTheObject(file) || offset >= commonStartBytesMax || isOfTime(standing, modifiedMs)) continue;
      for (const other of placed) {
        const isSure = this.isTheObject(other) || this.known[this.knownOf(other)]!.offset >= offset;
        const byReading = this.knownOf(other) - known;
        if (isSure && byReading * byRotation(standing, this.standing[other]!) < 0) return `${known},${file}`;
      }
    }
    return undefined;
  }

  /** What was missed comes before a newer one of which nothing was read yet: that is begun anew, so that it comes behind. */
  putTheUnreadInOrder(): void {
    if (!this.rulings.some((ruling) => ruling?.is === 'new' && ruling.missed)) return;
    this.rulings.forEach((ruling, file) => {
      if (ruling?.is !== 'continued') return;
      const { offset, finished } = this.known[ruling.known]!;
      if (offset > 0 || finished) return;
      this.beginAnew(ruling.known);
      this.rule(file, { is: 'new', from: 0, missed: !this.standing[file]!.current });
    });
    this.#placeTheUnreadByArchives();
  }

  /** What has no name any more, and is read through its descriptor: its compressed form tells what was rotated before it. */
  #placeTheUnreadByArchives(): void {
    const placed = new Set<number>();
    this.rulings.forEach((ruling, file) => {
      if (ruling?.is !== 'held' || !this.standing[file]!.compressed) return;
      const known = this.#openUnplacedLike(file);
      if (known === -1 || this.known[known]!.offset > 0 || placed.has(known)) return;
      placed.add(known);
      this.rule(file, { is: 'held', known });
    });
  }

  /** The plain file that stands beside its own archive: who compresses removes it only when the archive is whole. */
  #plainFormOf(file: number): number | undefined {
    const archive = this.standing[file]!;
    if (!archive.compressed || archive.sizeBytes === 0) return undefined;
    const plain = this.standing.findIndex(
      ({ compressed, plainName }) => !compressed && plainName === archive.plainName,
    );
    if (plain === -1 || this.standing[plain]!.sizeBytes < archive.sizeBytes) return undefined;
    return this.comparison.startsAlike(plain, file) ? plain : undefined;
  }

  /** The newest generation, if that still stands at the path and was read from: then none can have come between. */
  #newestReadAtThePath(): number | undefined {
    const { ruling } = this.atThePath();
    const newest = this.known.length - 1;
    return ruling?.is === 'continued' && ruling.known === newest && this.known[newest]!.offset > 0 ? newest : undefined;
  }

  /** A generation that is read through its descriptor, of which this seems to be a copy (its compressed form, most likely). */
  #openUnplacedLike(file: number): number {
    return this.known.findLastIndex(
      ({ open, finished }, at) =>
        open &&
        !finished &&
        !this.placed.has(at) &&
        !this.lost.has(at) &&
        this.isAlike(at, file) &&
        this.comparison.isWithin(at, file),
    );
  }

  /** `.1` was rotated after what is known to be `.2`, whatever the clock said: it may have been set back in between. */
  #isCountedBeforeKnown(file: number): boolean {
    const { age } = this.standing[file]!;
    const isKnownAndOlder = (other: StandingFile, at: number) => {
      const is = this.rulings[at]?.is;
      return other.related && !other.current && other.age > age && (is === 'continued' || is === 'read_before');
    };
    return age >= 1 && this.standing.some(isKnownAndOlder);
  }
}
