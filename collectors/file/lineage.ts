/**
 * The generations of one path, in order: the older one is read to its end before the newer one, and looked at again right
 * before the newer one is read, since its writer may keep the old descriptor for a while.
 */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { ArchiveEnd } from './archive.ts';
import type { Context } from './context.ts';
import { windowBytes } from './fingerprint.ts';
import type { Generation } from './generation.ts';
import { failedWith, lookAt, openAgain } from './look-at.ts';
import { folderChangedNs, inspectQuickly, objectOf } from './object-at.ts';
import { pace } from './options.ts';
import { inspect } from './permission.ts';
import { RemoteFile } from './remote.ts';

/**
 * How a turn ended. `more`: there is more to take. `done`: nothing more for now. `held`: the spool takes nothing.
 * `resolve`: what stands there is not what was read: find out what happened. `expand`: the next bytes are in a compressed file.
 * `prefetch`: they are on a mount that may hang, and come asynchronously.
 */
export type LineageTurn = 'more' | 'done' | 'held' | 'resolve' | 'expand' | 'prefetch';

/** Why a path is not read; shown in status. */
export interface Trouble {
  readonly state: 'refused' | 'unreadable';
  readonly cause: string;
  readonly message: string;
  readonly hint: string;
  readonly since: number;
}

const none: readonly string[] = [];

export class Lineage {
  readonly path: string;
  /** Being read, oldest first; the last one stands at the path, or stood there last. */
  live: Generation[] = [];
  /** Read to the end, kept so that they are known when they turn up again; oldest first. */
  past: Generation[] = [];
  /** Not read to the end, and nowhere to be found. */
  missing: Generation[] = [];
  trouble: Trouble | undefined;
  /** Paths of files that hold nothing of their own: copies of what is read or was read here. */
  claims: readonly string[] = none;
  /** Somebody is finding out what happened, or reads from a compressed file: no turns meanwhile. */
  work: Promise<void> | undefined;
  /** What stood at the path when it was last found out what happened; nothing new while that stays. */
  settled = '';
  /** When the folder had last changed before that: where nothing stands at the path, a file may have come and been renamed since. */
  settledFolderNs = 0n;
  /**
   * Of an empty file at the path, when it had last changed before that: changed since, and empty again, it was filled, copied and
   * truncated. −1: it may have changed once more at that time; undefined: it was not empty.
   */
  settledBlankNs: bigint | undefined;
  /** A copy in the making, or a file being compressed: find out again then. */
  resolveAt: MonotonicMs | undefined;
  /** It changes faster than it can be looked at: what is known of it is not what stands there. */
  moving = false;
  /** How often in a row something could not be looked into. */
  tries = 0;
  resolvedAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  /** What its last turns that gave data gave until there was no more: where that was little, more is gathered for the next look. */
  lastTookBytes = 0;
  /** When a generation last gave data: decides how often to look. */
  lastData: MonotonicMs = Number.NEGATIVE_INFINITY;
  readonly #context: Context;
  /** What stood at the path when this turn's bytes were fetched; only for files on mounts that may hang. */
  #fetched: string | undefined;
  #fetchedNs = 0n;
  #takingBytes = 0;
  #heldSince: MonotonicMs | undefined;
  #waits: { readonly copies: string; readonly since: MonotonicMs } | undefined;
  /** When the newest generation began. */
  #grewAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #verifiedAt: MonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, context: Context) {
    this.path = path;
    this.#context = context;
  }

  get busy(): boolean {
    return this.work !== undefined;
  }

  /** Somebody finds out what happened, or will: though it is empty now, something may be found. */
  get isLookedAt(): boolean {
    return this.busy || this.resolveAt !== undefined;
  }

  get current(): Generation | undefined {
    return this.live.at(-1);
  }

  get isEmpty(): boolean {
    return this.live.length + this.past.length + this.missing.length === 0;
  }

  get known(): Generation[] {
    return [...this.past, ...this.missing, ...this.live].sort((one, other) => one.order - other.order);
  }

  /** When to look again at the latest, hints or not. */
  get dueAt(): MonotonicMs | undefined {
    let due = this.resolveAt ?? Number.POSITIVE_INFINITY;
    for (const { openLineDue } of this.live) if (openLineDue !== undefined && openLineDue < due) due = openLineDue;
    const oldest = this.live[0];
    if (oldest && (this.live.length > 1 || oldest.deleted))
      due = Math.min(due, Math.max(oldest.lastProgress, this.#grewAt) + pace.lingerMs);
    return due === Number.POSITIVE_INFINITY ? undefined : due;
  }

  /** Takes a generation among those that are read. */
  join(generation: Generation): void {
    this.past = this.past.filter((one) => one !== generation);
    this.missing = this.missing.filter((one) => one !== generation);
    if (!this.live.includes(generation)) this.live.push(generation);
    this.live.sort((one, other) => one.order - other.order);
    this.#grewAt = this.#context.clock.monotonic();
    this.#verifiedAt = this.#grewAt;
  }

  /** Behind all that are known: older ones were found after it. */
  putLast(generation: Generation, order: number): void {
    generation.order = order;
    this.live.sort((one, other) => one.order - other.order);
  }

  /** What could not be looked into is looked at again, soon at first and then less and less often. */
  tryAgain(): void {
    const delayMs = Math.min(pace.retryMsMax, pace.pollMs * 2 ** this.tries++);
    this.resolveAt = this.#context.clock.monotonic() + delayMs;
  }

  /** Copies in the making are looked at again; the longer they stand, the seldomer. */
  holds(any: boolean): void {
    const now = this.#context.clock.monotonic();
    this.#heldSince = any ? (this.#heldSince ?? now) : undefined;
    if (this.#heldSince === undefined) return;
    const delayMs = Math.min(pace.retryMsMax, Math.max(pace.pollMs, (now - this.#heldSince) / 2));
    this.resolveAt = Math.min(this.resolveAt ?? Number.POSITIVE_INFINITY, now + delayMs);
  }

  /** Whether what stands at the path may be left unread while another file looks like a copy of it that is being made. */
  get mayWait(): boolean {
    const { since } = this.#waits ?? {};
    return since === undefined || this.#context.clock.monotonic() - since < pace.copyWaitMs;
  }

  /** `copies`: the files that are waited for, with their sizes, for the wait begins anew while they grow; undefined without any. */
  waitsFor(copies: string | undefined): void {
    if (copies === undefined) this.#waits = undefined;
    else if (copies !== this.#waits?.copies) this.#waits = { copies, since: this.#context.clock.monotonic() };
  }

  /** Whether another file stands at the path is to be looked at even if this one still gives data. */
  verifySoon(): void {
    this.#verifiedAt = Number.NEGATIVE_INFINITY;
  }

  /** A cheap look at a quiet file: true where nothing changed since it was read to its end. */
  isQuiet(): boolean {
    const current = this.live[0];
    if (this.live.length !== 1 || this.missing.length > 0 || this.resolveAt !== undefined || !current) return false;
    if (this.#context.isRemote(this.path)) return false;
    if (current.isBlank && this.#wasFilledMeanwhile()) return false;
    if (current.lastTurn !== 'idle' || current.place?.path !== this.path || current.deleted) return false;
    try {
      const { inode, device, sizeBytes, modifiedMs } = this.#context.files.stat(this.path);
      if (inode !== current.inode || device !== current.device || sizeBytes !== current.offset) return false;
      return modifiedMs === current.modifiedMs;
    } catch {
      return false;
    }
  }

  /** Called where it is quiet. Puts it away where nothing happened for long, and all that is known of it stands in the spool. */
  fallAsleep(now: MonotonicMs): void {
    const { registry, unregistered } = this.#context;
    const current = this.live[0];
    if (this.past.length > 0 || this.busy || this.moving || this.trouble || this.claims.length > 0) return;
    if (!current || current.source === 0 || current.offset === 0 || current.unterminated || current.failure) return;
    if (now - Math.max(current.lastProgress, this.#grewAt) < pace.idleCloseMs || unregistered.has(current)) return;
    if (current.file || current.certainMs !== current.modifiedMs) return; // it is closed first, if it could be opened again

    current.writeDown();
    const { source, device, inode, offset: sizeBytes, modifiedMs } = current;
    const { path } = this;
    registry.putAway(this, { path, source, device, inode, sizeBytes, modifiedMs, compared: true });
  }

  turn(now: MonotonicMs): LineageTurn {
    if (this.resolveAt !== undefined && now >= this.resolveAt) return 'resolve';
    if (this.#fetched === undefined && this.#context.isRemote(this.path)) return 'prefetch';
    const turn = this.#turn(now);
    const wantsMore = turn === 'more' || this.live.some(needsMore);
    if (turn !== 'held' && this.#fetched !== undefined) {
      this.#fetched = undefined;
      if (wantsMore && turn !== 'resolve') return 'prefetch';
    }
    return turn;
  }

  /** What the next turn needs, of a file on a mount that may hang. */
  async prefetch(): Promise<void> {
    const { remote, options, tools } = this.#context;
    try {
      for (const generation of this.live) {
        const { file, lastTurn, offset } = generation;
        if (!(file instanceof RemoteFile)) continue;
        // A line that did not end in what was fetched last needs more.
        const openBytesMax = tools.shape?.openBytesMax ?? options.maxLineBytes;
        const wanted = lastTurn === 'open_line' && file.hasMore ? openBytesMax + windowBytes : 0;
        const hole = lastTurn === 'nul_tail' ? await file.endOfNuls() : undefined;
        await file.prefetch(hole ?? offset, Math.max(pace.quantumBytes, wanted));
        if (hole !== undefined && tools.intake.hold === undefined) generation.skipTo(hole, 'hole');
        generation.failure = undefined;
        if (file.stat().sizeBytes > offset) break; // the newer ones wait anyway
      }
      const stat = await remote.stat(this.path);
      this.#fetched = objectOf(stat);
      this.#fetchedNs = stat.changedNs;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#fetched = code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : `failed:${code}`;
      const reading = this.live[0];
      if (reading && this.#fetched !== 'missing') failedWith(reading, this.path, error, this.#context);
    }
  }

  #turn(now: MonotonicMs): LineageTurn {
    const before = this.#offsets();
    const turn = this.#readInOrder(now);
    const took = this.#offsets() - before;
    const progress = took !== 0;
    if (progress) {
      this.lastData = now;
      this.#takingBytes += took;
    }
    if (turn !== 'done') return turn;
    if (this.#takingBytes > 0) this.lastTookBytes = this.#takingBytes;
    this.#takingBytes = 0;
    if (progress && now - this.#verifiedAt < pace.verifyMs) return turn; // what rotates gives a name to something: a hint of its own
    this.#verifiedAt = now;
    return this.#stillStands() ? 'done' : 'resolve';
  }

  #readInOrder(now: MonotonicMs): LineageTurn {
    for (let at = 0; at < this.live.length; ) {
      const generation = this.live[at]!;
      const isLast = at === this.live.length - 1;
      if (generation.offset === 0 && this.#context.tools.shape?.joinsRotation) this.#goOnFrom(generation);
      // What comes late to an older file would stand between the halves of a line: as long as one is watched, halves wait.
      const turn = lookAt(generation, this.path, this.#context, [now, isLast && at > 0 ? pace.lingerMs : 0]);
      if (turn === 'more' || turn === 'held') return turn;
      if (turn === 'changed' || turn === 'absent') return 'resolve';
      if (turn === 'compressed') return 'expand';
      const isQuiet = now - Math.max(generation.lastProgress, this.#grewAt) >= pace.lingerMs;
      if (turn === 'nul_tail' && !isLast && isQuiet) {
        generation.skipTo(generation.sizeBytes, 'hole');
        continue;
      }
      if (turn === 'open_line' && !isLast && this.#takesTogether(generation, this.live[at + 1]!)) return 'more';
      if (['open_line', 'torn_line', 'nul_tail'].includes(turn) && !isLast) return 'done';
      if (turn === 'idle' && isQuiet && (!isLast || this.#isDeleted(generation))) {
        // Its inode is free from here on: the next file at the path may be given it.
        if (isLast) this.settled = 'missing';
        this.finish(generation);
      } else at++;
    }
    return 'done';
  }

  /** Where the one right before it ended within a line. That may be done with though an older one is still watched. */
  #goOnFrom(generation: Generation): void {
    const before = this.known.findLast(({ order }) => order < generation.order);
    if (before && !this.missing.includes(before)) generation.follows(before);
  }

  /** A record that began in an older generation may end in the next. */
  #takesTogether(older: Generation, newer: Generation): boolean {
    if (!this.#context.tools.shape?.joinsRotation || newer.place?.compression !== undefined) return false;
    if (older.file instanceof RemoteFile || newer.file instanceof RemoteFile) return false;
    try {
      if (newer.file === undefined && openAgain(newer, this.#context) !== 'opened') return false;
      return newer.takeTogether(older);
    } catch (error) {
      failedWith(newer, this.path, error, this.#context);
      return false;
    }
  }

  /** What came of reading from a compressed file. */
  expanded(generation: Generation, end: ArchiveEnd): void {
    switch (end) {
      case 'end':
        this.finish(generation);
        return;
      case 'stopped':
        return;
      case 'changed':
        this.seekAgain(generation);
        return;
      case 'unfinished':
      case 'damaged':
        generation.moveTo(undefined);
        this.live = this.live.filter((one) => one !== generation);
        this.missing.push(generation);
        this.tryAgain();
        return;
      default:
        end satisfies never;
    }
  }

  /** It does not stand where it was found any more: nothing newer is read before it was looked for. */
  seekAgain(generation: Generation): void {
    generation.moveTo(undefined);
    this.resolveAt = this.#context.clock.monotonic();
  }

  failed(generation: Generation, error: unknown): void {
    if (failedWith(generation, this.path, error, this.#context) === 'absent') this.seekAgain(generation);
    else this.tryAgain();
  }

  #isDeleted(generation: Generation): boolean {
    generation.observeOpen();
    return generation.deleted;
  }

  /** Read to its end; what happens to it from now on is only followed by the slow looks. */
  finish(generation: Generation): void {
    generation.finish();
    this.retire(generation);
  }

  retire(generation: Generation): void {
    this.#context.descriptors.close(generation);
    this.live = this.live.filter((one) => one !== generation);
    this.missing = this.missing.filter((one) => one !== generation);
    if (generation.source !== 0 && !this.past.includes(generation)) this.past.push(generation);
    this.past.sort((one, other) => one.order - other.order);
  }

  /** False where another file stands at the path than the one that is being read, or none where there was one. */
  #stillStands(): boolean {
    const { rules, clock } = this.#context;
    const current = this.current;
    const found = this.#fetched ?? inspectQuickly(this.path, this.#context);
    if (found === this.settled || this.#fetched?.startsWith('failed:')) {
      if (current?.file && found === 'missing') this.#isDeleted(current);
      if (current?.isBlank && this.#wasFilledMeanwhile()) return false;
      if (current && found === this.settled && found !== 'missing') current.stoodMs = current.certainMs;
      return (
        found !== 'missing' ||
        this.#fetched !== undefined ||
        folderChangedNs(this.path, this.#context) === this.settledFolderNs
      );
    }
    if (this.#fetched !== undefined) return false;
    const inspection = inspect(this.path, rules);
    if (inspection.kind === 'refused' || inspection.kind === 'unreadable') {
      const { kind: state, cause, message, hint } = inspection;
      this.trouble = { state, cause, message, hint, since: this.trouble?.since ?? clock.now() };
      return true;
    }
    return false;
  }

  /** Asked of a file that was empty: whether it was something else since what stands around it was looked at. */
  #wasFilledMeanwhile(): boolean {
    if (this.settledBlankNs === undefined || this.#fetched?.startsWith('failed:')) return false;
    if (this.#fetched !== undefined) return this.#fetchedNs !== this.settledBlankNs;
    try {
      return this.#context.files.stat(this.path).changedNs !== this.settledBlankNs;
    } catch {
      return false; // it is gone: that is noticed without this
    }
  }

  #offsets(): number {
    let sum = 0;
    for (const generation of this.live) sum += generation.offset;
    return sum;
  }
}

/** What the next turn needs was not fetched yet. A line that NUL bytes tear waits for its time. */
function needsMore({ file, lastTurn }: Generation): boolean {
  return file instanceof RemoteFile && file.hasMore && lastTurn !== 'torn_line';
}
