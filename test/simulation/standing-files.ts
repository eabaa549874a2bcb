/**
 * The files of a folder of logs on a simulated machine, and which lines stand in each: moved, copied, compressed, emptied and removed by
 * somebody else's hand, so that nothing of it is counted as an operation of the agent's disk.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { UnixMs } from '../../spool/ports.ts';
import type { SimulatedDisk } from './disk.ts';
import { dropLine, type Entry, type Line } from './log-account.ts';

export interface Standing {
  lines: Line[];
  generation: number;
  /** The beginning of a line whose rest is still to come. */
  open: string;
  opened: Opened | undefined;
  /** The rest of something that began in it was written to the next file, or the other way round. */
  spans: boolean;
  /** After a power cut the file ends with something that is no line. */
  torn: string;
  readonly compressed: boolean;
  rotatedAt: UnixMs;
}

/** What is written in two: since when, and those of its lines of which nothing stands there yet. */
export interface Opened {
  readonly entry: Entry;
  readonly sinceMs: UnixMs;
  readonly ahead: readonly Line[];
}

export class StandingFiles {
  readonly #folder: string;
  readonly #disk: () => SimulatedDisk;
  /** By file name. */
  readonly #files = new Map<string, Standing>();

  constructor(folder: string, disk: () => SimulatedDisk) {
    this.#folder = folder;
    this.#disk = disk;
    disk().world.makeDirectory(folder);
    disk().makeSafe();
  }

  get all(): ReadonlyMap<string, Standing> {
    return this.#files;
  }

  get(name: string): Standing | undefined {
    return this.#files.get(name);
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** Of a log, oldest first. */
  rotated(log: string): string[] {
    const names = [...this.#files.keys()].filter((name) => name.startsWith(log) && name !== log);
    return names.sort((one, other) => this.#files.get(one)!.generation - this.#files.get(other)!.generation);
  }

  content(name: string): Buffer {
    return this.#disk().readFile(this.#path(name));
  }

  /** An empty file on the disk. */
  begin(name: string, file: Standing): void {
    this.#disk().world.open(this.#path(name), 'create').close();
    this.#files.set(name, file);
    this.settle();
  }

  append(name: string, text: string): void {
    if (text === '') return;
    const file = this.#disk().world.open(this.#path(name), 'write');
    file.write(Buffer.from(text, 'latin1'), file.stat().sizeBytes);
    file.close();
  }

  move(from: string, to: string): Standing | undefined {
    const file = this.#files.get(from);
    if (file === undefined) return undefined;
    if (this.#files.has(to)) this.remove(to, 'replaced');
    this.#disk().world.rename(this.#path(from), this.#path(to));
    this.#files.delete(from);
    this.#files.set(to, file);
    this.settle();
    return file;
  }

  copy(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) return;
    if (this.#files.has(to)) this.remove(to, 'replaced');
    this.#create(to, this.content(from));
    for (const line of file.lines) line.copies++;
    this.#files.set(to, { ...file, lines: [...file.lines] });
    this.settle();
  }

  empty(name: string, why: string): void {
    const file = this.#files.get(name)!;
    const open = this.#disk().world.open(this.#path(name), 'write');
    open.truncate(0);
    open.close();
    for (const line of file.lines) dropLine(line, why);
    file.lines = [];
    file.torn = '';
  }

  remove(name: string, why: string): void {
    for (const line of this.#files.get(name)?.lines ?? []) dropLine(line, why);
    this.#files.delete(name);
    this.#disk().world.unlink(this.#path(name));
    this.settle();
  }

  /** As gzip does, in two steps: beside the plain file first, in pieces, then the plain one goes. */
  compressing(name: string, ending: '.gz' | '.zst', done: () => void): (() => void)[] {
    const target = `${name}${ending}`;
    let bytes: Uint8Array = new Uint8Array(0);
    let lines: Line[] = [];
    const half = () => {
      if (!this.#files.has(name) || this.#files.get(name)!.compressed || this.#files.has(target)) return;
      const content = this.content(name);
      lines = [...this.#files.get(name)!.lines];
      bytes = ending === '.gz' ? gzipSync(content, { level: 1 }) : zstdCompressSync(content);
      this.#create(target, bytes.subarray(0, Math.floor(bytes.length / 2)));
      this.settle();
    };
    const whole = () => {
      const plain = this.#files.get(name);
      if (plain === undefined || bytes.length === 0) return;
      const file = this.#disk().world.open(this.#path(target), 'write');
      file.write(bytes, 0);
      file.close();
      this.#disk().setModified(this.#path(target), this.#disk().world.stat(this.#path(name)).modifiedMs);
      for (const line of lines) line.copies++;
      // What goes on in another file is not put together with what is compressed.
      if (plain.spans) for (const { entry } of lines) entry.mayBeCut = true;
      this.#files.set(target, { ...plain, lines, compressed: true });
      done();
      this.remove(name, 'compressed');
    };
    return [half, whole];
  }

  /** All of it is on the disk. */
  settle(): void {
    this.#disk().makeSafe(this.#folder);
  }

  #create(name: string, bytes: Uint8Array): void {
    const file = this.#disk().world.open(this.#path(name), 'create');
    file.write(bytes, 0);
    file.close();
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}
