/**
 * Knows for every source which file of the mirror is its own: host claims, and per spool and epoch the path of each source.
 * Durable with `flush`, which comes before the mirror's cursor moves. In memory it keeps the maps that were used last.
 */
import type { DescriptionEntry } from '../../spool/format-descriptions.ts';
import type { Statement } from '../../spool/format-nesting.ts';
import type { Id, RecordFormat, SourceNumber } from '../../spool/nouns.ts';
import type { Files } from '../../spool/ports.ts';
import { Claims } from './claims.ts';
import { EpochMap } from './epoch-map.ts';
import { hasCode } from './filework.ts';
import { baseName, unknownPath } from './names.ts';

/** Paths that stay in memory beyond the maps that a batch needs. */
export const cachedSourcesMax = 100_000;
/** Openings of one spool that are remembered; agents go on with their newest one. */
export const epochsKeptMax = 16;

export interface SourceKey {
  readonly spool: Id;
  readonly epoch: Id;
  readonly source: SourceNumber;
  readonly format: RecordFormat;
}

export interface BookNotes {
  /** A host name was taken: its records go to `folder`. */
  hostRenamed(hostName: string, folder: string, spool: Id): void;
  stateDamaged(path: string, lines: number): void;
}

export class Book {
  readonly #files: Files;
  readonly #directory: string;
  readonly #notes: BookNotes;
  readonly #claims: Claims;
  /** By `<spool>/<epoch>`, the one used last at the end. */
  readonly #maps = new Map<string, EpochMap>();
  readonly #unsynced = new Set<string>();
  /** What was asked for last, for it is asked for again and again. */
  #latest: { readonly spool: Id; readonly epoch: Id; readonly map: EpochMap } | undefined;

  constructor(files: Files, directory: string, notes: BookNotes) {
    this.#files = files;
    this.#directory = directory;
    this.#notes = notes;
    files.makeDirectory(`${directory}/sources`);
    // What a process made that was cut off before it could sync it.
    this.#unsynced.add(directory).add(`${directory}/sources`);
    this.#claims = new Claims(files, `${directory}/hosts`);
    const { damagedLines, count } = this.#claims;
    const spools = files.list(`${directory}/sources`).map((entry) => entry.name);
    if (damagedLines === 0 && (count > 0 || spools.length === 0)) return;
    notes.stateDamaged(`${directory}/hosts`, damagedLines);
    this.#findClaims(spools);
  }

  /** Claims were lost: nobody else may get the folders that sources are in already. */
  #findClaims(spools: readonly string[]): void {
    for (const spool of spools) {
      const directory = `${this.#directory}/sources/${spool}`;
      for (const name of this.#epochFiles(directory).slice(-1))
        for (const folder of this.#load(`${directory}/${name}`).folders()) this.#claims.found(spool, folder);
    }
  }

  get hosts(): number {
    return this.#claims.count;
  }

  get cachedSources(): number {
    let count = 0;
    for (const map of this.#maps.values()) count += map.size;
    return count;
  }

  /** Learns what a block says about sources. A source keeps the first path that it got. */
  learn(statement: Statement): void {
    const { spool, epoch, entries, table } = statement;
    const { map, parent } = this.#enter(spool, epoch, statement.parent);
    if (parent && !table) map.inheritAll(parent);
    const live = new Set<SourceNumber>();
    for (const entry of entries) {
      if (table) live.add(entry.number);
      if (!map.has(entry.number)) this.#settle(map, spool, entry, parent);
    }
    if (table?.complete()) map.prune(live, table.next);
  }

  /** Where the records of a source go, relative to the mirror's folder. */
  path(key: SourceKey): { readonly path: string; readonly described: boolean } {
    const path = this.#map(key.spool, key.epoch).path(key.source, key.format);
    if (path !== undefined) return { path, described: true };
    return { path: unknownPath(key.spool, key.source, key.format), described: false };
  }

  move(key: SourceKey, path: string): void {
    this.#map(key.spool, key.epoch).move(key.source, key.format, path);
  }

  async flush(): Promise<void> {
    await this.#claims.flush();
    for (const map of this.#maps.values()) if (map.dirty) await map.flush();
    for (const directory of this.#unsynced) await this.#files.syncDirectory(directory);
    this.#unsynced.clear();
    this.#forgetSome();
  }

  /** What the epoch before settled stays, moved files too, if it speaks of the same source: numbers given after two openings parted are others'. */
  #settle(map: EpochMap, spool: Id, { number, description }: DescriptionEntry, parent: EpochMap | undefined): void {
    // Streams of other spools: their records are those of the nested header.
    if (description.type === 'blocks') return;
    const base = baseName(description);
    for (const known of [map, parent])
      if (known?.isAt(number, base.kind, base.path) && map.inherit(known, number)) return;
    const hostName = description.resource['host.name'];
    const claim = this.#claims.claim(spool, hostName);
    if (!claim) return;
    if (claim.renamedNow) this.#notes.hostRenamed(hostName ?? '', claim.folder, spool);
    map.put(number, base.kind, `${claim.folder}/${base.path}`);
  }

  #map(spool: Id, epoch: Id): EpochMap {
    if (this.#latest?.spool === spool && this.#latest.epoch === epoch) return this.#latest.map;
    const { map, parent } = this.#enter(spool, epoch, undefined);
    // No table came with the epoch (it fell into a gap): all of its parent's sources are the best guess.
    if (parent) map.inheritAll(parent);
    this.#latest = { spool, epoch, map };
    return map;
  }

  /**
   * The map of an epoch; where it is new, with that of the epoch it goes on from. It takes over only the sources in its first
   * table, for what its parent numbered after the two parted is not the same.
   */
  #enter(
    spool: Id,
    epoch: Id,
    parentId: Id | undefined,
  ): { readonly map: EpochMap; readonly parent: EpochMap | undefined } {
    const key = `${spool}/${epoch}`;
    const cached = this.#maps.get(key);
    if (cached) {
      this.#maps.delete(key);
      this.#maps.set(key, cached);
      return { map: cached, parent: undefined };
    }
    const directory = `${this.#directory}/sources/${spool}`;
    const names = this.#epochFiles(directory);
    const own = names.find((name) => name.endsWith(epoch));
    if (!own) this.#makeFolder(directory);
    const map = this.#load(`${directory}/${own ?? `${String(orderAfter(names)).padStart(12, '0')}-${epoch}`}`);
    this.#maps.set(key, map);
    const before = own ? undefined : (names.find((name) => parentId && name.endsWith(parentId)) ?? names.at(-1));
    const parent =
      before === undefined
        ? undefined
        : (this.#maps.get(`${spool}/${before.slice(-32)}`) ?? this.#load(`${directory}/${before}`));
    this.#dropOldest(spool, names);
    return { map, parent };
  }

  #makeFolder(directory: string): void {
    this.#files.makeDirectory(directory);
    this.#unsynced.add(`${this.#directory}/sources`);
  }

  #dropOldest(spool: Id, names: readonly string[]): void {
    for (const name of names.slice(0, -epochsKeptMax))
      if (!this.#maps.has(`${spool}/${name.slice(-32)}`))
        this.#files.unlink(`${this.#directory}/sources/${spool}/${name}`);
  }

  #load(path: string): EpochMap {
    const map = new EpochMap(this.#files, path);
    if (map.damagedLines > 0) this.#notes.stateDamaged(path, map.damagedLines);
    return map;
  }

  #epochFiles(directory: string): string[] {
    try {
      const names = this.#files.list(directory).map((entry) => entry.name);
      return names.filter((name) => /^\d{12}-[0-9a-f]{32}$/.test(name)).sort();
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  #forgetSome(): void {
    let cached = this.cachedSources;
    for (const [key, map] of this.#maps) {
      if (cached <= cachedSourcesMax || this.#maps.size === 1) return;
      if (map.dirty) continue;
      this.#maps.delete(key);
      this.#latest = undefined;
      cached -= map.size;
    }
  }
}

function orderAfter(names: readonly string[]): number {
  return names.length === 0 ? 0 : Number(names.at(-1)!.slice(0, 12)) + 1;
}
