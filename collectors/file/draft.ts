/**
 * A rotation's plan in the making: what is known and what stands there, what was ruled of it so far, and the questions that the steps of
 * `rotation.ts` ask of both. Decides nothing by itself but the order.
 */
import type { Likeness } from './identity.ts';
import { byCounter, byTime, type Comparison, isYoung, type KnownGeneration, type StandingFile } from './standing.ts';

export type Ruling =
  /** The known generation's bytes are here: go on at its cursor. */
  | { readonly is: 'continued'; readonly known: number; readonly how: 'itself' | 'copy' }
  /** Not read so far: a source begins here. `missed`: it was rotated away before it was seen. */
  | { readonly is: 'new'; readonly from: number; readonly missed: boolean }
  /** Holds nothing but what was read. */
  | { readonly is: 'read_before'; readonly known: number }
  /**
   * Perhaps a copy in the making, or what it is made from: to be looked at again; nothing of it is begun until then. `known`: the
   * generation that is read through its descriptor, of which this is the compressed form.
   */
  | { readonly is: 'held'; readonly known?: number }
  | { readonly is: 'not_ours' };

/** Why a generation's unread bytes are nowhere; `unclear`: other files start alike, and none can be told to be it. */
export type Loss = 'truncated' | 'gone' | 'unclear' | 'went_back';

export interface Plan {
  /** For each standing file. */
  readonly rulings: readonly Ruling[];
  /** The files that begin sources, oldest first; one that is held among them: there its generation has its place. */
  readonly begin: readonly number[];
  readonly lost: readonly { readonly known: number; readonly why: Loss }[];
}

export interface Bounds {
  /** A file under a rotated name that was modified before was there before; infinite leaves all of them alone. */
  readonly newerThanMs: number;
  /** Where a file that was not read yet stands beside another that starts alike, it may be waited for what becomes of them. */
  readonly mayWait: boolean;
}

export class Draft {
  protected readonly known: readonly KnownGeneration[];
  protected readonly standing: readonly StandingFile[];
  protected readonly comparison: Comparison;
  protected readonly bounds: Bounds;
  protected readonly rulings: (Ruling | undefined)[];
  protected readonly placed = new Set<number>();
  protected readonly lost = new Map<number, Loss>();

  constructor(
    known: readonly KnownGeneration[],
    standing: readonly StandingFile[],
    comparison: Comparison,
    bounds: Bounds,
  ) {
    this.known = known;
    this.standing = standing;
    this.comparison = comparison;
    this.bounds = bounds;
    this.rulings = standing.map(() => undefined);
  }

  plan(): Plan {
    const rulings = this.rulings.map((ruling): Ruling => ruling ?? { is: 'not_ours' });
    const begin = [...rulings.keys()].filter((file) => {
      const ruling = rulings[file]!;
      return ruling.is === 'new' || (ruling.is === 'held' && ruling.known !== undefined);
    });
    return { rulings, begin: this.oldestFirst(begin), lost: [...this.lost].map(([known, why]) => ({ known, why })) };
  }

  /** Of nothing there is no copy. */
  protected startsAsCurrent(file: number): boolean {
    const { current } = this.atThePath();
    return current !== -1 && this.standing[file]!.sizeBytes > 0 && this.comparison.startsAlike(current, file);
  }

  /** −1 without one. */
  protected knownOf(file: number): number {
    const ruling = this.rulings[file];
    return ruling?.is === 'continued' || ruling?.is === 'read_before' ? ruling.known : -1;
  }

  protected isTheObject(file: number): boolean {
    const ruling = this.rulings[file];
    return ruling?.is === 'continued' && ruling.how === 'itself';
  }

  protected beginAnew(at: number): void {
    this.placed.delete(at);
    this.lost.set(at, 'gone');
  }

  /** `current`: the file there, −1 without one. `isUnread`: nothing was read of it. */
  protected atThePath(): { current: number; ruling: Ruling | undefined; isUnread: boolean } {
    const current = this.standing.findIndex((file) => file.current);
    const ruling = this.rulings[current];
    const isUnread = ruling === undefined || (ruling.is === 'continued' && this.known[ruling.known]!.offset === 0);
    return { current, ruling, isUnread };
  }

  protected isYoung(file: number): boolean {
    return isYoung(this.standing[file]!, this.bounds.newerThanMs);
  }

  /** By their times; by their counters where these are seen to grow with age: clocks are set back, and late lines change times. */
  protected oldestFirst(files: readonly number[]): number[] {
    const isCounted = files.every((file) => this.standing[file]!.current || this.standing[file]!.age >= 1);
    const order = isCounted && this.#countersGrowWithAge() ? byCounter : byTime;
    return files.toSorted((one, other) => order(this.standing[one]!, this.standing[other]!));
  }

  /** Of those that were read, most have a lower counter the later they were read; and what was missed, a lower one than all of them. */
  #countersGrowWithAge(): boolean {
    const counted = [...this.rulings.keys()].filter((file) => this.knownOf(file) >= 0 && this.standing[file]!.age >= 1);
    counted.sort((one, other) => this.knownOf(one) - this.knownOf(other));
    let votes = this.#voteOfTheMissed(counted.at(-1));
    for (let at = 1; at < counted.length; at++)
      votes += Math.sign(this.standing[counted[at - 1]!]!.age - this.standing[counted[at]!]!.age);
    return votes > 0;
  }

  /** All that was missed is younger than what was read. */
  #voteOfTheMissed(newest: number | undefined): number {
    const missed = this.standing.filter((_, file) => {
      const ruling = this.rulings[file];
      return ruling?.is === 'new' && ruling.missed;
    });
    if (newest === undefined || missed.length === 0) return 0;
    const { age } = this.standing[newest]!;
    if (missed.every((one) => one.age >= 1 && one.age < age)) return 1;
    return missed.every((one) => one.age > age) ? -1 : 0;
  }

  /** The files without a ruling so far. */
  protected open(): number[] {
    return [...this.rulings.keys()].filter((file) => this.rulings[file] === undefined);
  }

  protected rule(file: number, ruling: Ruling): void {
    this.rulings[file] = ruling;
    if (ruling.is === 'continued' || ruling.is === 'read_before') this.placed.add(ruling.known);
  }

  protected isItself(at: number, file: number): boolean {
    return !this.placed.has(at) && this.like(at, file) === 'itself';
  }

  protected isBlankThatStands(at: number): boolean {
    return this.known[at]!.blank && this.standing.some((_, file) => this.like(at, file) === 'itself');
  }

  protected like(at: number, file: number): Likeness['kind'] {
    return this.comparison.likeness(at, file).kind;
  }

  protected isCopy(at: number, file: number): boolean {
    return ['copy', 'itself'].includes(this.like(at, file));
  }

  protected isAlike(at: number, file: number): boolean {
    return ['copy', 'prefix'].includes(this.like(at, file));
  }
}
