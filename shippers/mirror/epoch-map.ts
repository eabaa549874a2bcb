/**
 * The paths of one spool's sources as one of its openings (epochs) numbers them. Numbers are unique along one line of
 * openings only: two agents that were copied from one data_dir number their new sources alike, each in its own epoch.
 */
import type { RecordFormat, SourceNumber } from '../../spool/nouns.ts';
import type { Files } from '../../spool/ports.ts';
import { Journal } from './journal.ts';
import { formatPath } from './names.ts';

const formats = ['text', 'json'] as const satisfies readonly RecordFormat[];

export class EpochMap {
  readonly #journal: Journal;
  /** 'f' or 'o' (see BaseName.kind), then the path with its host's folder. */
  readonly #bases: Map<SourceNumber, string>;
  /** By `<number>.<format>`: files that could not stand where they belong. */
  readonly #moved: Map<string, string>;
  /** Taken over from another epoch without a word about the source in this one: what is said of it later decides. */
  readonly #guessed = new Set<SourceNumber>();
  readonly damagedLines: number;

  constructor(files: Files, path: string) {
    const bases = new Map<SourceNumber, string>();
    const moved = new Map<string, string>();
    const { journal, damagedLines } = Journal.open(files, path, (entry) => {
      if (!isLine(entry)) return;
      const [number, base, format] = entry;
      if (format === undefined) {
        bases.set(number, base);
        for (const each of formats) moved.delete(`${number}.${each}`);
      } else moved.set(`${number}.${format}`, base);
    });
    this.#journal = journal;
    this.#bases = bases;
    this.#moved = moved;
    this.damagedLines = damagedLines;
  }

  get size(): number {
    return this.#bases.size + this.#moved.size;
  }

  /** The hosts' folders that its sources are in. */
  folders(): Set<string> {
    return new Set([...this.#bases.values()].map((base) => base.slice(1, base.indexOf('/'))));
  }

  get dirty(): boolean {
    return this.#journal.dirty;
  }

  /** Whether it is settled where the source belongs. */
  has(source: SourceNumber): boolean {
    return this.#bases.has(source) && !this.#guessed.has(source);
  }

  /** Whether the source may be the one that is described so: the same path, whatever its host's folder was called. */
  isAt(source: SourceNumber, kind: 'file' | 'other', path: string): boolean {
    const base = this.#bases.get(source);
    return base?.[0] === letterOf(kind) && base.slice(base.indexOf('/') + 1) === path;
  }

  /** Settles where a source belongs, for its life. */
  put(source: SourceNumber, kind: 'file' | 'other', path: string): void {
    const base = letterOf(kind) + path;
    this.#forget(source);
    this.#bases.set(source, base);
    this.#journal.append([source, base]);
  }

  /** Relative to the mirror's folder; undefined where nobody described the source. */
  path(source: SourceNumber, format: RecordFormat): string | undefined {
    const moved = this.#moved.size > 0 ? this.#moved.get(`${source}.${format}`) : undefined;
    if (moved !== undefined) return moved;
    const base = this.#bases.get(source);
    return base === undefined
      ? undefined
      : formatPath({ kind: base[0] === 'f' ? 'file' : 'other', path: base.slice(1) }, format);
  }

  /** A file could not stand where it belongs. */
  move(source: SourceNumber, format: RecordFormat, path: string): void {
    this.#moved.set(`${source}.${format}`, path);
    this.#journal.append([source, path, format]);
  }

  /** Takes over everything that another epoch of the same spool settled: the best guess, until something is said. */
  inheritAll(from: EpochMap): void {
    for (const source of from.#bases.keys()) if (this.inherit(from, source)) this.#guessed.add(source);
  }

  /** The same for one source; false where there is nothing to take over. */
  inherit(from: EpochMap, source: SourceNumber): boolean {
    const base = from.#bases.get(source);
    if (base === undefined) return false;
    this.#guessed.delete(source);
    this.#bases.set(source, base);
    this.#journal.append([source, base]);
    for (const format of from.#moved.size > 0 ? formats : []) {
      const path = from.#moved.get(`${source}.${format}`);
      if (path !== undefined) this.move(source, format, path);
    }
    return true;
  }

  /** Forgets sources below `next` that are not in `live`: they never come again. */
  prune(live: ReadonlySet<SourceNumber>, next: SourceNumber): void {
    for (const source of this.#bases.keys()) {
      if (source >= next || live.has(source)) continue;
      this.#forget(source);
    }
  }

  #forget(source: SourceNumber): void {
    this.#bases.delete(source);
    this.#guessed.delete(source);
    for (const format of formats) this.#moved.delete(`${source}.${format}`);
  }

  /** Durable when it resolves; the file is written anew once most of it is about forgotten sources. */
  async flush(): Promise<void> {
    if (this.#journal.lines > 2 * this.size + 256) await this.#journal.rewrite(this.#entries());
    else await this.#journal.flush();
  }

  *#entries(): Generator<unknown> {
    yield* this.#bases;
    for (const [key, path] of this.#moved) {
      const [number, format] = key.split('.');
      yield [Number(number), path, format];
    }
  }
}

function isLine(entry: unknown): entry is [SourceNumber, string, RecordFormat | undefined] {
  if (!Array.isArray(entry)) return false;
  const [number, base, format] = entry as unknown[];
  const isFormat = format === undefined || formats.some((known) => known === format);
  return Number.isSafeInteger(number) && typeof base === 'string' && isFormat;
}

function letterOf(kind: 'file' | 'other'): string {
  return kind === 'file' ? 'f' : 'o';
}
