/**
 * The log files of a simulated machine and the programs that write and rotate them, by somebody else's hand: nothing of it is
 * counted as an operation of the agent's disk. Keeps the account of every line that was ever whole: in which files it
 * stands, and if in none any more, what the world did to it.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { UnixMs } from '../../spool/ports.ts';
import type { SimulatedDisk } from './disk.ts';
import type { SeededRandom } from './random.ts';

/** Where they stand. */
export const folder = '/var/log/app';

/** One line of a log, with its line feed. */
export interface Line {
  readonly text: string;
  /** Which file of its path it was written to, from 0: the order in which the mirror has to have it. */
  readonly generation: number;
  /** Written to a file that had been rotated already; or that got such lines before anything of it was read: by its time it is younger then. */
  late: boolean;
  /** In so many files it stands. */
  copies: number;
  /** Why it stands in none any more; undefined while it does. */
  gone: string | undefined;
}

/** The lines of one path, in the order in which they were written. */
export interface Log {
  readonly name: string;
  readonly lines: Line[];
  /** Lines that came about in other ways: what a power cut left, glued together. May arrive, need not. */
  readonly fragments: Set<string>;
  wentBack: boolean;
  /** It did so after the agent was stopped, which then takes it for truncated: what was read comes again. */
  wentBackUntold: boolean;
}

export type RotationStyle = 'rename' | 'copytruncate' | 'compress' | 'delaycompress' | 'dateext' | 'dateext_compress';
export const rotationStyles: readonly RotationStyle[] = [
  'rename',
  'copytruncate',
  'compress',
  'delaycompress',
  'dateext',
  'dateext_compress',
];

interface Standing {
  lines: Line[];
  generation: number;
  /** The beginning of a line whose rest is still to come. */
  open: string;
  /** After a power cut the file ends with something that is no line. */
  torn: string;
  readonly compressed: boolean;
  rotatedAt: UnixMs;
}

const rotatedMax = 6;
const lateMsMax = 5000;

export class SimulatedLogs {
  readonly folder: string;
  readonly logs: readonly Log[];
  readonly counts = { lines: 0, rotations: 0, truncations: 0, vanished: 0, wentBack: 0, compressed: 0 };
  /** A file is about to be cut to nothing. */
  onEmpty: (log: Log) => void = () => {};
  readonly #disk: () => SimulatedDisk;
  /** By file name. */
  readonly #files = new Map<string, Standing>();
  readonly #generations = new Map<string, number>();
  #number = 0;

  constructor(folder: string, names: readonly string[], disk: () => SimulatedDisk) {
    this.folder = folder;
    this.#disk = disk;
    this.logs = names.map((name) => ({
      name: `${name}.log`,
      lines: [],
      fragments: new Set(),
      ...{ wentBack: false, wentBackUntold: false },
    }));
    disk().world.makeDirectory(folder);
    disk().makeSafe();
  }

  get fileNames(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  /** Writes lines to the end of the log; `half`: and the beginning of one more. `lazily`: the machine's cache has it, the disk not yet. */
  append(log: Log, random: SeededRandom, count: number, { half = false, lazily = false } = {}): void {
    const file = this.#current(log);
    let text = '';
    for (let left = count; left > 0; left--) text += this.#line(log, file, random, false);
    if (half && file.open === '') {
      if (file.torn !== '') text += this.#endTorn(log, file);
      const line = this.#text(log, random);
      const cut = 1 + random.below(line.length - 2);
      file.open = line.slice(cut);
      text += line.slice(0, cut);
      this.#add(log, file, line, false);
    }
    this.#write(log.name, text);
    if (!lazily) this.#settle();
  }

  /**
   * The program still has the descriptor of the file that was rotated last, and writes to it: for some seconds, which is what
   * the agent promises to wait for. Not to one that was rotated empty. `unread`: nothing of the log is being read.
   */
  appendLate(log: Log, random: SeededRandom, count: number, unread: boolean): void {
    const name = this.#rotated(log).at(-1);
    const file = name === undefined ? undefined : this.#files.get(name);
    if (name === undefined || file === undefined || file.compressed || file.lines.length === 0) return;
    if (this.#disk().clock.now() - file.rotatedAt > lateMsMax) return;
    let text = '';
    for (let left = count; left > 0; left--) text += this.#line(log, file, random, true);
    if (unread) for (const line of file.lines) line.late = true;
    this.#write(name, text);
    this.#settle();
  }

  /**
   * What logrotate does in this style, as the steps between which others may have their turn. `racing`: so many lines are
   * written between the copying and the truncating, and are lost.
   */
  rotate(log: Log, style: RotationStyle, random: SeededRandom, { create = true, racing = 0 } = {}): (() => void)[] {
    if (!this.#files.has(log.name) || this.#rotated(log).length >= rotatedMax) return [];
    const steps: (() => void)[] = [];
    const dated = style.startsWith('dateext');
    const moved = dated ? `${log.name}-${this.#date()}` : `${log.name}.1`;
    if (dated && this.#files.has(moved)) return [];
    this.counts.rotations++;
    this.#finishLine(log);
    if (!dated) steps.push(() => this.#shift(log));
    if (style === 'copytruncate') {
      steps.push(() => this.#copy(log.name, moved));
      if (racing > 0) steps.push(() => this.append(log, random, racing));
      steps.push(() => this.#empty(log, 'copytruncate'));
    } else {
      steps.push(() => this.#move(log.name, moved));
      if (create) steps.push(() => void this.#current(log));
    }
    if (style === 'compress' || style === 'dateext_compress') steps.push(...this.#compressing(moved, random));
    else if (style === 'delaycompress') steps.push(...this.#compressing(`${log.name}.2`, random));
    return steps;
  }

  truncate(log: Log): void {
    if (!this.#files.has(log.name)) return;
    this.counts.truncations++;
    this.#empty(log, 'truncated');
  }

  /** The file is deleted; the next append makes another, often with the same inode. */
  vanish(log: Log): void {
    if (!this.#files.has(log.name)) return;
    this.counts.vanished++;
    this.#finishLine(log);
    this.#remove(log.name, 'deleted');
  }

  /** The oldest rotated file is deleted, as logrotate does above `rotate n`. */
  expire(log: Log): void {
    const oldest = this.#rotated(log)[0];
    if (oldest !== undefined) this.#remove(oldest, 'expired');
  }

  /** The lines of the file at the path, as they stand in it; none where more than lines stands there. */
  standing(log: Log): readonly Line[] {
    const file = this.#files.get(log.name);
    return file === undefined || file.torn !== '' || log.wentBack ? [] : file.lines;
  }

  /** Power is back: what does the disk have of each file? `untold`: the agent had been stopped. */
  resync(untold: boolean): void {
    for (const [name, file] of this.#files) {
      if (file.compressed) continue;
      const found = this.#disk().readFile(`${this.folder}/${name}`).toString('latin1');
      const expected = file.lines.map((line) => line.text).join('') + file.torn;
      const whole = file.open === '' ? expected : expected.slice(0, expected.length - file.open.length);
      if (found === whole) continue;
      this.#goBack(name, file, found);
      if (untold) this.#logOf(name).wentBackUntold = true;
    }
  }

  /** Lines that were begun are finished, and each program has its file again, though it may be empty. */
  settle(): void {
    for (const log of this.logs) {
      if (log.lines.length > 0) this.#current(log);
      this.#finishLine(log);
    }
    this.#settle();
  }

  #goBack(name: string, file: Standing, found: string): void {
    this.counts.wentBack++;
    const log = this.#logOf(name);
    log.wentBack = true;
    const kept: Line[] = [];
    let at = 0;
    for (const line of file.lines) {
      if (found.startsWith(line.text, at)) kept.push(line);
      else this.#drop(line, 'went_back');
      at += line.text.length;
    }
    file.lines = kept;
    file.open = '';
    for (const part of found.split('\n')) for (const reading of readings(part)) log.fragments.add(`${reading}\n`);
    file.torn = found.slice(found.lastIndexOf('\n') + 1);
  }

  /** The next line after a power cut may stand behind the rest of another: some programs begin a new line first, some do not. */
  #line(log: Log, file: Standing, random: SeededRandom, late: boolean): string {
    const text = this.#text(log, random);
    this.#add(log, file, text, late);
    const before = file.open;
    file.open = '';
    if (file.torn === '') return before + text;
    if (random.chance(0.5)) return this.#endTorn(log, file) + text;
    for (const torn of readings(file.torn)) log.fragments.add(torn + text);
    file.torn = '';
    this.#drop(file.lines.pop()!, 'glued');
    return text;
  }

  #endTorn(log: Log, file: Standing): string {
    for (const torn of readings(file.torn)) log.fragments.add(`${torn}\n`);
    file.torn = '';
    return '\n';
  }

  #text(log: Log, random: SeededRandom): string {
    this.counts.lines++;
    const kind = random.fraction();
    const filling = kind < 0.02 ? random.below(3000) : random.below(random.chance(0.3) ? 200 : 40);
    return `${log.name[0]} ${this.#number++} ${'abcdefgh'.repeat(Math.ceil(filling / 8)).slice(0, filling)}\n`;
  }

  #add(log: Log, file: Standing, text: string, late: boolean): void {
    const line: Line = { text, generation: file.generation, late, copies: 1, gone: undefined };
    log.lines.push(line);
    file.lines.push(line);
  }

  #finishLine(log: Log): void {
    const file = this.#files.get(log.name);
    if (file === undefined) return;
    this.#write(log.name, file.torn === '' ? file.open : this.#endTorn(log, file));
    file.open = '';
  }

  #current(log: Log): Standing {
    const known = this.#files.get(log.name);
    if (known !== undefined) return known;
    this.#disk().world.open(this.#path(log.name), 'create').close();
    const generation = this.#nextGeneration(log.name);
    const file = { lines: [], generation, open: '', torn: '', compressed: false, rotatedAt: 0 };
    this.#files.set(log.name, file);
    this.#settle();
    return file;
  }

  #nextGeneration(name: string): number {
    const generation = this.#generations.get(name) ?? 0;
    this.#generations.set(name, generation + 1);
    return generation;
  }

  /** x.1 becomes x.2 and so on; what falls off the end is deleted. */
  #shift(log: Log): void {
    const endings = ['', '.gz', '.zst'];
    for (let age = rotatedMax; age >= 1; age--) {
      for (const ending of endings) {
        const from = `${log.name}.${age}${ending}`;
        if (!this.#files.has(from)) continue;
        if (age === rotatedMax) this.#remove(from, 'expired');
        else this.#move(from, `${log.name}.${age + 1}${ending}`);
      }
    }
  }

  #move(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) return;
    if (this.#files.has(to)) this.#remove(to, 'replaced');
    this.#disk().world.rename(this.#path(from), this.#path(to));
    this.#files.delete(from);
    this.#files.set(to, file);
    if (from === this.#logOf(from).name) file.rotatedAt = this.#disk().clock.now();
    this.#settle();
  }

  #copy(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) return;
    if (this.#files.has(to)) this.#remove(to, 'replaced');
    this.#create(to, this.#disk().readFile(this.#path(from)));
    for (const line of file.lines) line.copies++;
    this.#files.set(to, { ...file, lines: [...file.lines] });
    this.#settle();
  }

  #empty(log: Log, why: string): void {
    const file = this.#files.get(log.name);
    if (file === undefined) return;
    this.#finishLine(log);
    this.onEmpty(log);
    const open = this.#disk().world.open(this.#path(log.name), 'write');
    open.truncate(0);
    open.close();
    for (const line of file.lines) this.#drop(line, why);
    file.lines = [];
    file.torn = '';
    file.generation = this.#nextGeneration(log.name);
    this.#settle();
  }

  #remove(name: string, why: string): void {
    for (const line of this.#files.get(name)?.lines ?? []) this.#drop(line, why);
    this.#files.delete(name);
    this.#disk().world.unlink(this.#path(name));
    this.#settle();
  }

  /** As gzip does: beside the plain file first, in pieces, then the plain one goes. */
  #compressing(name: string, random: SeededRandom): (() => void)[] {
    const ending = random.chance(0.5) ? '.gz' : '.zst';
    const target = `${name}${ending}`;
    let bytes: Uint8Array = new Uint8Array(0);
    let lines: Line[] = [];
    const half = () => {
      if (!this.#files.has(name) || this.#files.get(name)!.compressed || this.#files.has(target)) return;
      const content = this.#disk().readFile(this.#path(name));
      lines = [...this.#files.get(name)!.lines];
      bytes = ending === '.gz' ? gzipSync(content, { level: 1 }) : zstdCompressSync(content);
      this.#create(target, bytes.subarray(0, Math.floor(bytes.length / 2)));
      this.#settle();
    };
    const whole = () => {
      const plain = this.#files.get(name);
      if (plain === undefined || bytes.length === 0) return;
      const file = this.#disk().world.open(this.#path(target), 'write');
      file.write(bytes, 0);
      file.close();
      this.#disk().setModified(this.#path(target), this.#disk().world.stat(this.#path(name)).modifiedMs);
      for (const line of lines) line.copies++;
      this.#files.set(target, { ...plain, lines, compressed: true });
      this.counts.compressed++;
      this.#remove(name, 'compressed');
    };
    return [half, whole];
  }

  #drop(line: Line, why: string): void {
    line.copies--;
    if (line.copies === 0) line.gone = why;
  }

  #create(name: string, bytes: Uint8Array): void {
    const file = this.#disk().world.open(this.#path(name), 'create');
    file.write(bytes, 0);
    file.close();
  }

  #write(name: string, text: string): void {
    if (text === '') return;
    const file = this.#disk().world.open(this.#path(name), 'write');
    file.write(Buffer.from(text, 'latin1'), file.stat().sizeBytes);
    file.close();
  }

  #settle(): void {
    this.#disk().makeSafe(this.folder);
  }

  /** Oldest first. */
  #rotated(log: Log): string[] {
    const names = [...this.#files.keys()].filter((name) => name.startsWith(log.name) && name !== log.name);
    return names.sort((one, other) => this.#files.get(one)!.generation - this.#files.get(other)!.generation);
  }

  #logOf(name: string): Log {
    return this.logs.find((log) => name.startsWith(log.name))!;
  }

  #path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** As `dateformat -%Y%m%d-%s` gives it. */
  #date(): string {
    const now = this.#disk().clock.now();
    return `${new Date(now).toISOString().slice(0, 10).replaceAll('-', '')}-${Math.floor(now / 1000)}`;
  }
}

/** With the NUL bytes of sectors that never reached the disk, and without. */
function readings(torn: string): string[] {
  return torn.includes('\0') ? [torn, torn.replaceAll('\0', '')] : [torn];
}
