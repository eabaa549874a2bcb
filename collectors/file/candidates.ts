/**
 * The files that may be generations of one path: what stands at the path, its rotated siblings, what the `rotated:` patterns
 * find, and (where something is still missing) any sibling by its inode. Opened only when their content is asked for.
 */
import type { FileStat, OpenFile } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import { fingerprintAt, type Head, headOf } from './fingerprint.ts';
import type { Generation } from './generation.ts';
import type { Content } from './identity.ts';
import type { Lineage } from './lineage.ts';
import { type Compression, directoryOf, join, nameOf, rotatedNames } from './names.ts';
import { inspect } from './permission.ts';

export interface CandidateFacts {
  readonly path: string;
  readonly stat: FileStat;
  readonly current: boolean;
  readonly age: number;
  readonly compression: Compression | undefined;
}

export interface Candidate extends CandidateFacts {
  readonly compressed: boolean;
  readonly plainName: string;
  readonly content: Content;
  /** The open file, to keep; undefined where it cannot be opened, or is another by now. */
  takeFile(): OpenFile | undefined;
}

export class Candidates implements Disposable {
  readonly list: PlainCandidate[] = [];
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  add(facts: CandidateFacts): PlainCandidate {
    this.#context.births.learn(facts.stat);
    const candidate = new PlainCandidate(facts, this.#context);
    this.list.push(candidate);
    return candidate;
  }

  /** Adds what stands under rotated names of the lineage's path, or holds one of its generations under any other. */
  async addRotated(lineage: Lineage, known: readonly Generation[]): Promise<void> {
    const original = nameOf(lineage.path);
    const directory = directoryOf(this.list[0]?.path ?? lineage.path);
    const names = this.#context.files.list(directory).map((entry) => entry.name);
    for (const name of names) {
      const rotated = rotatedNames(name).find((one) => one.original === original);
      if (rotated && !rotated.compression) this.#addByName(join(directory, name), rotated.age, rotated.compression);
    }
    const wanted = new Set(known.filter((one) => !one.finished && one.file === undefined).map((one) => one.inode));
    for (const { stat } of this.list) wanted.delete(stat.inode);
    if (wanted.size === 0) return;
    for (const name of names) {
      const path = join(directory, name);
      const inode = this.#inodeOf(path);
      if (inode !== undefined && wanted.has(inode)) this.#addByName(path, 0, undefined);
    }
  }

  #addByName(path: string, age: number, compression: Compression | undefined): void {
    if (path === this.#context.registry.lineages.get(path)?.path && this.list.some((file) => file.path === path))
      return;
    const found = inspect(path, this.#context.rules);
    if (found.kind !== 'file') return;
    const { stat } = found;
    if (this.list.some((file) => file.stat.inode === stat.inode && file.stat.device === stat.device)) return;
    this.add({ path: found.path, stat, current: false, age, compression });
  }

  #inodeOf(path: string): bigint | undefined {
    try {
      return this.#context.files.lstat(path).inode;
    } catch {
      return undefined; // it went away between two looks: the next look decides
    }
  }

  [Symbol.dispose](): void {
    for (const candidate of this.list) candidate.release();
  }
}

class PlainCandidate implements Candidate {
  readonly path: string;
  readonly stat: FileStat;
  readonly current: boolean;
  readonly age: number;
  readonly compression: Compression | undefined;
  readonly content: Content;
  readonly #context: Context;
  #file: OpenFile | undefined;

  constructor(facts: CandidateFacts, context: Context) {
    this.path = facts.path;
    this.stat = facts.stat;
    this.current = facts.current;
    this.age = facts.age;
    this.compression = facts.compression;
    this.#context = context;
    this.content = {
      sizeBytes: facts.stat.sizeBytes,
      fingerprintAt: (offset) => this.#ask((file) => fingerprintAt((into, at) => file.read(into, at), offset)),
      headOf: (length): Head | undefined => this.#ask((file) => headOf((into, at) => file.read(into, at), length)),
    };
  }

  get compressed(): boolean {
    return this.compression !== undefined;
  }

  get plainName(): string {
    return this.path;
  }

  takeFile(): OpenFile | undefined {
    const file = this.open();
    this.#file = undefined;
    return file;
  }

  release(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #ask<T>(read: (file: OpenFile) => T): T | undefined {
    const file = this.open();
    return file && read(file);
  }

  /** Throws where it may not be opened. */
  open(): OpenFile | undefined {
    if (this.#file) return this.#file;
    const file = this.#context.files.open(this.path, 'read-no-follow');
    const { kind, inode, device } = file.stat();
    if (kind === 'file' && inode === this.stat.inode && device === this.stat.device) this.#file = file;
    else file.close();
    return this.#file;
  }
}
