/**
 * The files that may be generations of one path: what stands at the path, its rotated siblings, what the `rotated:` patterns
 * find, and (where something is still missing) any sibling by its inode. Files are opened, and archives expanded, only when
 * their content is asked for.
 */
import type { FileStat, OpenFile } from '../../spool/ports.ts';
import { archiveOf, openArchive, type Probe, probeArchive } from './archive.ts';
import type { Context } from './context.ts';
import { walk } from './discovery.ts';
import { type Head, headBytesMax, noHead, type Point } from './fingerprint.ts';
import type { Generation } from './generation.ts';
import { type Content, compare, type Likeness } from './identity.ts';
import type { Lineage } from './lineage.ts';
import type { Listing } from './listings.ts';
import { lookingAt } from './looking.ts';
import { type Compression, compressionOf, directoryOf, nameOf, rotatedNames } from './names.ts';
import { objectOf } from './object-at.ts';
import type { Parting } from './parting.ts';
import { RemoteFile } from './remote.ts';
import { commonStartBytesMax } from './standing.ts';

interface Facts {
  /** Without links. */
  readonly path: string;
  readonly stat: FileStat;
  /** It stands at the path itself. */
  readonly current: boolean;
  /** Its name is a rotated form of the path's. */
  readonly related: boolean;
  readonly age: number;
  readonly compression: Compression | undefined;
}

/** Compressed files keep the time of what they were made from, but often only in whole seconds. */
const timeGrainMs = 2000;

export class Candidates implements Disposable {
  readonly list: Candidate[] = [];
  readonly #lineage: Lineage;
  readonly #context: Context;
  readonly #archives: Facts[] = [];
  /** What stood under each name that was looked at: `missing`, or the object. */
  readonly #seen = new Map<string, string>();
  #listing: Listing | undefined;
  #directory = '';
  #originals: readonly string[] = [];
  /** An archive that may be needed is still being written. */
  unfinished = false;
  /** The first file that could not be looked into. */
  failure: Error | undefined;

  constructor(lineage: Lineage, context: Context) {
    this.#lineage = lineage;
    this.#context = context;
  }

  [Symbol.dispose](): void {
    for (const candidate of this.list) candidate.release();
  }

  /** Takes the file that stands at the path itself. Throws where it cannot be opened. */
  async addCurrent(path: string, stat: FileStat): Promise<void> {
    const facts = { path, stat, current: true, related: true, age: 0, compression: compressionOf(path) };
    if (facts.compression === undefined) await this.#add(facts);
    else await this.#addArchive(facts, this.#lineage.known);
  }

  /**
   * Adds what stands under rotated names of the lineage's path, or holds one of its generations under any other. `asked` is an
   * archive to be looked into in any case.
   */
  async addRotated(known: readonly Generation[], asked: string | undefined): Promise<void> {
    const { path } = this.#lineage;
    const directory = directoryOf(this.list[0]?.path ?? known.at(-1)?.place?.path ?? path);
    const siblings = await lookingAt(directory, this.#context).list(directory);
    this.#directory = directory;
    this.#listing = siblings;
    this.#originals = [...new Set([nameOf(path), ...known.map((one) => nameOf(one.place?.path ?? path))])];
    for (const original of this.#originals)
      for (const sibling of siblings.rotatedFrom(original)) await this.#addRelated(sibling, original);
    for (const found of walk(this.#context.rotated, this.#context)) await this.#addRelated(found, nameOf(path), true);
    await this.#addByInode(siblings, known);
    await this.#addArchives(known, asked);
  }

  /**
   * False where rotated names came, went or were given to other files since the look began: one may have been passed by while it
   * changed its name. What happens at the path itself after the look began is noticed when it is read.
   */
  async areStill(): Promise<boolean> {
    if (this.#listing === undefined) return true;
    const listing = await lookingAt(this.#directory, this.#context).list(this.#directory);
    const isSame = listing === this.#listing; // the folder did not change
    const namesOf = (one: Listing) =>
      this.#originals.map((original) => one.rotatedFrom(original).join('\0')).join('\n');
    if (!isSame && namesOf(listing) !== namesOf(this.#listing)) return false;
    for (const [path, object] of this.#seen) {
      if (isSame && directoryOf(path) === this.#directory) continue;
      if ((await lookingAt(path, this.#context).object(path)) !== object) return false;
    }
    return true;
  }

  /** False where the file at the path was cut off since it was opened: what was compared since then was not what is listed. */
  get currentIsWhole(): boolean {
    return this.list.every((file) => !file.current || file.isWhole);
  }

  async #addRelated(path: string, original: string, elsewhere = false): Promise<void> {
    const name = nameOf(path);
    const rotated = rotatedNames(name).find((one) => one.original === original);
    const related = rotated !== undefined || (elsewhere && name === original);
    if (!related && !elsewhere) return;
    await this.#addByName(path, related, rotated?.age ?? 0, rotated?.compression ?? compressionOf(name));
  }

  /** "Under any name": the siblings' inodes, if a generation that is not open has not been found yet. */
  async #addByInode(siblings: Listing, known: readonly Generation[]): Promise<void> {
    for (const { finished, file, inode, place } of known) {
      if (file !== undefined || inode === 0n || this.list.some(({ stat }) => stat.inode === inode)) continue;
      for (const path of finished ? [] : siblings.withInode(inode))
        if (compressionOf(path) === undefined) await this.#addByName(path, false, 0, undefined);
      // It was seen in another folder that is looked through; more may have come even if it was done with.
      if (place !== undefined && place.compression === undefined)
        await this.#addByName(place.path, false, 0, undefined);
    }
  }

  async #addByName(path: string, related: boolean, age: number, compression: Compression | undefined): Promise<void> {
    if (path === this.#lineage.path || this.#archives.some((facts) => facts.path === path)) return;
    const found = await lookingAt(path, this.#context).inspect(path);
    if (found.kind === 'unreadable') this.failure ??= new Error(found.message);
    if (found.kind === 'missing') this.#seen.set(path, 'missing');
    if (found.kind !== 'file') return;
    this.#seen.set(path, objectOf(found.stat));
    const facts = { path: found.path, stat: found.stat, current: false, related, age, compression };
    if (compression !== undefined) this.#archives.push(facts);
    else if (!this.list.some((file) => sameFile(file.stat, found.stat))) await this.#tryToAdd(facts);
  }

  async #tryToAdd(facts: Facts): Promise<void> {
    try {
      await this.#add(facts);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.failure ??= error as Error;
      else this.#seen.set(facts.path, 'replaced');
    }
  }

  async #add(facts: Facts): Promise<void> {
    this.#context.births.learn(facts.stat);
    const {
      file,
      stat: opened,
      content,
    } = await lookingAt(facts.path, this.#context).open(facts.path, this.#offsets());
    const candidate = new Candidate({ ...facts, stat: opened }, file, content);
    if (opened.kind === 'file' && sameFile(opened, facts.stat)) {
      if (this.#belongsToAnother(candidate)) candidate.release();
      else this.list.push(candidate);
      return;
    }
    candidate.release();
    throw Object.assign(new Error(`${facts.path} was replaced while it was looked at`), { code: 'ENOENT' });
  }

  /** Where content will be compared: at the cursors of this path's generations, and where they can have gone back to. */
  #offsets(): number[] {
    return this.#lineage.known.flatMap((one) => [...offsetsOf(one), ...one.points.map((point) => point.offset)]);
  }

  /** A file that is read as another path's goes on as that, under its new name. */
  #belongsToAnother(candidate: Candidate): boolean {
    const { registry, clock, wake } = this.#context;
    const other = readElsewhere(candidate, this.#lineage, this.#context);
    if (other === undefined) return false;
    const { lineage: owner } = other.home!;
    if (other.place?.path !== candidate.path) {
      other.moveTo({ path: candidate.path, compression: undefined });
      registry.note(other, owner);
      if (owner.missing.includes(other)) owner.resolveAt = clock.monotonic();
      wake(owner.path);
    }
    return true;
  }

  /** Expands those archives that may hold what is still missing, or what was never seen. */
  async #addArchives(known: readonly Generation[], asked: string | undefined): Promise<void> {
    if (this.#archives.length === 0) return;
    const isHere = (one: Generation) =>
      this.list.some((file) => file.compareWith(one, this.#context).kind === 'itself');
    const lost = known.filter(
      (one) => !one.finished && !isHere(one) && (one.file === undefined || one.lastTurn === 'changed'),
    );
    const newest = known.at(-1);
    const current = this.list.find((file) => file.current);
    const mayHaveMissed =
      !newest || newest.offset === 0 || current?.compareWith(newest, this.#context).kind !== 'itself';
    const times = lost.map((one) => one.certainMs);
    if (mayHaveMissed) times.push(newest?.stoodMs ?? this.#context.sinceMs);
    const sinceMs = Math.min(...times) - timeGrainMs;
    // What grows at the path itself is in no archive; asking for its cursor would expand all of them again each time.
    const elsewhere = known.filter((one) => current?.compareWith(one, this.#context).kind !== 'itself');
    const isOfTime = ({ stat }: Facts) => stat.modifiedMs >= sinceMs;
    const countedMax = this.#countedSince(newest, isOfTime);
    for (const facts of this.#archives) {
      const isWanted = isOfTime(facts) || facts.path === asked || (facts.age >= 1 && facts.age < countedMax);
      if (newest && mayHoldTheStartOf(newest, facts, known)) await this.#addArchive(facts, known);
      else if (isWanted) await this.#addArchive(facts, elsewhere);
    }
  }

  /** Times say nothing where the clock was set back since: archives with lower counters than this were made later than those that are known. */
  #countedSince(newest: Generation | undefined, isOfTime: (facts: Facts) => boolean): number {
    if (newest === undefined || newest.certainMs <= this.#context.clock.now()) return 0;
    const isKnown = ({ stat }: Facts) => this.#lineage.known.some((one) => one.archive === archiveOf(stat));
    const counted = [
      ...this.#archives.filter((facts) => isOfTime(facts) || isKnown(facts)),
      ...this.list.map(({ facts }) => facts),
    ];
    return Math.max(0, ...counted.map(({ age }) => age));
  }

  async #expand(facts: Facts, offsets: readonly number[]): Promise<Probe> {
    const file = await openArchive(facts.path, this.#context);
    if (archiveOf(file.stat()) !== archiveOf(facts.stat)) {
      file.close();
      throw Object.assign(new Error(`${facts.path} was replaced while it was looked at`), { code: 'ENOENT' });
    }
    return probeArchive(file, facts.compression!, offsets, this.#context).finally(() => file.close());
  }

  async #addArchive(facts: Facts, known: readonly Generation[]): Promise<void> {
    if (this.list.some((file) => sameFile(file.stat, facts.stat))) return;
    const offsets = known.flatMap(offsetsOf);
    const { archives } = this.#context;
    try {
      const probe = await archives.probe(archiveOf(facts.stat), offsets, () => this.#expand(facts, offsets));
      if (probe.kind === 'whole') this.list.push(new Candidate(facts, undefined, probe.content));
      else if (probe.kind === 'unfinished') this.unfinished = true;
      else this.failure ??= new Error(`${facts.path}: ${probe.message}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.failure ??= error as Error;
      else this.#seen.set(facts.path, 'replaced');
    }
  }
}

/** As what another path reads a file. undefined: nobody does, or this lineage has read further in it (two names may lead to one file). */
export function readElsewhere(candidate: Candidate, lineage: Lineage, context: Context): Generation | undefined {
  const isIt = (one: Generation) => candidate.compareWith(one, context).kind === 'itself';
  const own = lineage.known.filter(isIt).sort(byClaim)[0];
  for (const other of context.registry.withInode(candidate.stat.inode)) {
    if (other.home === undefined || other.home.lineage === lineage || !isIt(other)) continue;
    if (own === undefined || byClaim(other, own) < 0) return other;
  }
  return undefined;
}

function byClaim(one: Generation, other: Generation): number {
  return other.offset - one.offset || one.order - other.order;
}

export class Candidate {
  readonly facts: Facts;
  readonly stat: FileStat;
  readonly content: Content;
  /** Set where the file went back in a power cut. */
  parted: Parting | undefined;
  /** How it began, and how it ended, when it was opened. */
  readonly head: Head;
  readonly end: Point | undefined;
  #file: OpenFile | undefined;

  constructor(facts: Facts, file: OpenFile | undefined, content: Content) {
    this.facts = facts;
    this.stat = facts.stat;
    this.content = content;
    const { sizeBytes } = content;
    this.head = content.headOf(Math.min(sizeBytes, headBytesMax)) ?? noHead;
    const crc = sizeBytes > 0 ? content.fingerprintAt(sizeBytes) : undefined;
    this.end = crc === undefined ? undefined : { offset: sizeBytes, crc };
    this.#file = file;
  }

  get path(): string {
    return this.facts.path;
  }

  get current(): boolean {
    return this.facts.current;
  }

  get compression(): Compression | undefined {
    return this.facts.compression;
  }

  /** The name without what compressing added. */
  get plainName(): string {
    return this.compression === undefined ? this.path : this.path.replace(/\.[^.]+$/, '');
  }

  /** Tells an archive from any other, and from itself when it was written anew. */
  get object(): string {
    return archiveOf(this.stat);
  }

  /** It still begins as it did, and its bytes up to its end then are the same. */
  get isWhole(): boolean {
    if (this.#file === undefined || this.head.length === 0) return true;
    const { head, end, content } = this;
    if (end && content.fingerprintAt(end.offset) !== end.crc) return false;
    return this.#file.stat().sizeBytes >= content.sizeBytes && content.headOf(head.length)?.crc === head.crc;
  }

  /** The file at the path as it is by now; undefined where asking might hang. */
  get now(): FileStat | undefined {
    return this.current && !(this.#file instanceof RemoteFile) ? this.#file?.stat() : undefined;
  }

  compareWith(generation: Generation, { births, rebooted, powerCut }: Context): Likeness {
    const { stat, compression, content, parted } = this;
    if (parted?.generation === generation) return { kind: 'went_back', at: parted.at };
    if (compression !== undefined && generation.archive === this.object)
      return { kind: 'itself', at: generation.offset };
    const object = compression === undefined ? stat : { ...stat, inode: -1n };
    const birthIsReal = births.areReal(stat.device);
    const { seen } = generation;
    return compare(generation, object, content, {
      birthIsReal,
      rebooted: rebooted && !seen,
      powerCut: powerCut && !seen,
    });
  }

  /** The open file, to keep; undefined for an archive. */
  takeFile(): OpenFile | undefined {
    const file = this.#file;
    this.#file = undefined;
    return file;
  }

  readLater(into: Uint8Array, position: number): Promise<number> {
    return this.#file?.readLater(into, position) ?? Promise.resolve(0);
  }

  release(): void {
    this.takeFile()?.close();
  }
}

/** Of a little that was read, another file may hold the same: it may have been copied, cut off and begun alike since. */
function mayHoldTheStartOf({ offset, certainMs }: Generation, { stat }: Facts, known: readonly Generation[]): boolean {
  if (offset === 0 || offset >= commonStartBytesMax || stat.modifiedMs < certainMs - timeGrainMs) return false;
  return known.every((one) => one.archive !== archiveOf(stat));
}

/** Where a file's content tells whether it is this one. */
function offsetsOf({ offset, end }: Generation): readonly number[] {
  return end ? [offset, end.offset] : [offset];
}

function sameFile(one: FileStat, other: FileStat): boolean {
  return one.inode === other.inode && one.device === other.device;
}
