/**
 * What is done now and then: quiet files are closed, deleted ones not held for ever, cursors of files that are gone for long
 * forgotten, and copies in the making waited for.
 */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import type { Discovery } from './discovery.ts';
import type { Generation } from './generation.ts';
import type { Lineage } from './lineage.ts';
import { giveUp } from './lost.ts';
import { directoryOf } from './names.ts';
import { pace } from './options.ts';

/** Between two searches for a generation that is missing; grows with the time that it has been away. */
const seekIntervalMsMax = 60_000;

export class Housekeeping {
  readonly #context: Context;
  readonly #discovery: Discovery;
  /** Since when a file with an included name has looked like a copy of another one. */
  readonly #copies = new Map<string, MonotonicMs>();
  readonly #absent = new Map<Generation, MonotonicMs>();
  readonly #deleted = new Map<Generation, MonotonicMs>();
  readonly #sought = new WeakMap<Lineage, MonotonicMs>();

  constructor(context: Context, discovery: Discovery) {
    this.#context = context;
    this.#discovery = discovery;
  }

  /** After each scan. */
  sweep(): void {
    const tooOld = this.#context.clock.monotonic() - 2 * pace.copyHoldMs;
    for (const [path, since] of this.#copies) if (since < tooOld) this.#copies.delete(path);
    this.#context.descriptors.closeIdle((generation) => this.#standsAtItsPlace(generation));
    this.#letDeletedGo();
    this.#forget();
  }

  /** A missing generation is sought often at first, then seldom. */
  isWorthSeeking(lineage: Lineage): boolean {
    const now = this.#context.clock.monotonic();
    const absentMs = Math.max(0, ...lineage.missing.map((one) => now - (this.#absent.get(one) ?? now)));
    const wait = Math.min(seekIntervalMsMax, absentMs / 2);
    if (now - (this.#sought.get(lineage) ?? Number.NEGATIVE_INFINITY) < wait) return false;
    this.#sought.set(lineage, now);
    return true;
  }

  /** True while a file that looks like a copy may still become the rest of a file that is truncated (copytruncate). */
  maySoonBeCopied(path: string): boolean {
    const now = this.#context.clock.monotonic();
    const since = this.#copies.get(path) ?? now;
    this.#copies.set(path, since);
    if (now - since < pace.copyHoldMs) return true;
    this.#copies.delete(path);
    return false;
  }

  #standsAtItsPlace(generation: Generation): boolean {
    const { place, inode, file } = generation;
    if (!place || !file || this.#context.isRemote(place.path)) return false;
    try {
      return this.#context.files.stat(place.path).inode === inode;
    } catch {
      return false;
    }
  }

  /** `deleted_file_limit`: what is still unread of a deleted file after that time is a counted drop. */
  #letDeletedGo(): void {
    const { clock, options, log } = this.#context;
    const now = clock.monotonic();
    const isHeld = this.#context.tools.intake.hold !== undefined;
    const limitMs = options.deletedFileLimitMs ?? Number.POSITIVE_INFINITY;
    for (const generation of [...this.#context.descriptors.held]) {
      // While the spool takes nothing nobody else looks.
      if (isHeld || mayBeDeleted(generation)) generation.observeOpen();
      if (!generation.deleted) continue;
      const since = this.#deleted.get(generation) ?? now;
      this.#deleted.set(generation, since);
      if (now - since < limitMs || generation.lagBytes === 0) continue;
      const { path, offset, sizeBytes } = generation;
      const message = `${path} was deleted and not read to its end within ${limitMs} ms: bytes ${offset} to ${sizeBytes} are given up.`;
      giveUp(generation, sizeBytes, { event: 'file.deleted_limit', reason: 'deleted_limit', message }, log);
      generation.home?.lineage.finish(generation);
    }
    for (const generation of this.#deleted.keys()) if (!generation.file) this.#deleted.delete(generation);
  }

  /** Absent for long from readable directories, or above the cap (finished ones first, oldest first). */
  #forget(): void {
    const { registry, clock, options } = this.#context;
    const now = clock.monotonic();
    let sources = registry.sleepers.size;
    for (const lineage of registry.lineages.values()) {
      sources += lineage.live.length + lineage.past.length + lineage.missing.length;
      for (const generation of [...lineage.past, ...lineage.missing]) {
        if (!this.#isAbsent(generation, lineage)) this.#absent.delete(generation);
        else {
          const since = this.#absent.get(generation) ?? now;
          this.#absent.set(generation, since);
          if (now - since >= this.#keptMs(generation, lineage, options.forgetAfterMs))
            this.#drop(lineage, generation, 'absent');
        }
      }
      if (lineage.isEmpty && !lineage.isLookedAt && !this.#stands(lineage.path)) this.#dropLineage(lineage);
    }
    for (const [lineage, generation] of sources > options.sourcesMax ? this.#oldest(sources - options.sourcesMax) : [])
      this.#drop(lineage, generation, 'cap');
  }

  /**
   * One that was read to its end is needed for as long as its copies could be taken for missed ones: while it is the newest of
   * its path, and that path's folder is there.
   */
  #keptMs(generation: Generation, lineage: Lineage, forgetAfterMs: number): number {
    const isNewest = !lineage.known.some((one) => one.order > generation.order);
    const mayTurnUp = !generation.finished || (isNewest && this.#stands(directoryOf(lineage.path)));
    return mayTurnUp ? forgetAfterMs : Math.min(forgetAfterMs, pace.finishedKeptMs);
  }

  #isAbsent(generation: Generation, lineage: Lineage): boolean {
    const directory = directoryOf(generation.place?.path ?? lineage.path);
    if (!this.#discovery.isReadable(directory)) return generation.finished && !this.#stands(directory);
    return !generation.place || !this.#stands(generation.place.path, generation.inode);
  }

  /** On a mount that may hang: as far as is known. */
  #stands(path: string, inode?: bigint): boolean {
    if (this.#context.isRemote(path)) return true;
    try {
      const found = this.#context.files.stat(path);
      return inode === undefined || found.inode === inode;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code !== 'ENOENT' && code !== 'ENOTDIR';
    }
  }

  #oldest(count: number): [Lineage, Generation][] {
    const all: [Lineage, Generation][] = [];
    for (const lineage of this.#context.registry.lineages.values())
      for (const generation of [...lineage.past, ...lineage.missing]) all.push([lineage, generation]);
    all.sort(([, one], [, other]) => Number(other.finished) - Number(one.finished) || one.order - other.order);
    return all.slice(0, count);
  }

  #drop(lineage: Lineage, generation: Generation, why: 'absent' | 'cap'): void {
    const { tools, registry, log } = this.#context;
    if (!generation.finished && generation.source !== 0) {
      const { path, offset } = generation;
      const to = Math.max(offset, generation.sizeBytes);
      const unread = to > offset ? `; bytes ${offset} to ${to} were seen of it and never read` : '';
      const message = `${path} was not found again; its cursor at byte ${offset} is forgotten${why === 'cap' ? ', since there are more cursors than sources_max' : ''}${unread}.`;
      giveUp(
        generation,
        to,
        { event: 'file.forgotten', reason: why === 'cap' ? 'forgotten' : 'vanished', message },
        log,
      );
    }
    if (generation.source !== 0) tools.intake.forget(generation.source);
    lineage.past = lineage.past.filter((one) => one !== generation);
    lineage.missing = lineage.missing.filter((one) => one !== generation);
    this.#absent.delete(generation);
    registry.drop(generation);
  }

  #dropLineage(lineage: Lineage): void {
    this.#context.registry.lineages.delete(lineage.path);
    this.#sought.delete(lineage);
  }
}

/** Not where it stands at its path and was read to its end: that would cost a call for each of ten thousand quiet files. */
function mayBeDeleted(generation: Generation): boolean {
  const lineage = generation.home?.lineage;
  return (
    lineage?.current !== generation || lineage.settled === 'missing' || generation.lagBytes > 0 || generation.deleted
  );
}
