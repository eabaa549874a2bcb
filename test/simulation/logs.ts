/**
 * The log files of a simulated machine and the programs that write and rotate them, by somebody else's hand: nothing of it is
 * counted as an operation of the agent's disk. Keeps the account of every line that was ever whole: in which files it
 * stands, and if in none any more, what the world did to it.
 */
import type { SimulatedDisk } from './disk.ts';
import { dropLine, type Entry, type Line, type Log, newLog } from './log-account.ts';
import type { SeededRandom } from './random.ts';
import { type Draft, plainLines, type Script } from './scripts.ts';
import { type Opened, type Standing, StandingFiles } from './standing-files.ts';

/** Where they stand. */
export const folder = '/var/log/app';

export type RotationStyle = 'rename' | 'copytruncate' | 'compress' | 'delaycompress' | 'dateext' | 'dateext_compress';
export const rotationStyles: readonly RotationStyle[] = [
  'rename',
  'copytruncate',
  'compress',
  'delaycompress',
  'dateext',
  'dateext_compress',
];

const rotatedMax = 6;
/** What is written in two within so little time reaches no time limit of a collector. */
const uncutMs = 500;
const lateMsMax = 5000;

export class SimulatedLogs {
  readonly folder: string;
  readonly logs: readonly Log[];
  readonly counts = { lines: 0, rotations: 0, truncations: 0, vanished: 0, wentBack: 0, compressed: 0 };
  /** A file is about to be cut to nothing. */
  onEmpty: (log: Log) => void = () => {};
  readonly #disk: () => SimulatedDisk;
  readonly #files: StandingFiles;
  readonly #generations = new Map<string, number>();
  /** By log: what goes on in the next file. */
  readonly #carried = new Map<string, { readonly open: string; readonly opened: Opened }>();
  #number = 0;

  constructor(folder: string, names: readonly string[], disk: () => SimulatedDisk, scripts: readonly Script[] = []) {
    this.folder = folder;
    this.#disk = disk;
    this.logs = names.map((name, at) => newLog(`${name}.log`, scripts[at] ?? plainLines));
    this.#files = new StandingFiles(folder, disk);
  }

  get fileNames(): readonly string[] {
    return [...this.#files.all.keys()].sort();
  }

  /** Writes lines to the end of the log; `half`: and the beginning of one more. `lazily`: the machine's cache has it, the disk not yet. */
  append(log: Log, random: SeededRandom, count: number, { half = false, lazily = false } = {}): void {
    const file = this.#current(log);
    let text = '';
    for (let left = count; left > 0; left--) text += this.#line(log, file, random, false);
    if (half && file.open === '') {
      if (file.torn !== '') text += this.#endTorn(log, file);
      text += this.#half(log, file, random);
    }
    this.#files.append(log.name, text);
    if (!lazily) this.#files.settle();
  }

  /**
   * The program still has the descriptor of the file that was rotated last, and writes to it: for some seconds, which is what
   * the agent promises to wait for. Not to one that was rotated empty. `unread`: nothing of the log is being read.
   */
  appendLate(log: Log, random: SeededRandom, count: number, unread: boolean): void {
    const name = this.#files.rotated(log.name).at(-1);
    const file = name === undefined ? undefined : this.#files.get(name);
    if (name === undefined || file === undefined || file.compressed || file.lines.length === 0 || file.spans) return;
    if (this.#disk().clock.now() - file.rotatedAt > lateMsMax) return;
    let text = '';
    for (let left = count; left > 0; left--) text += this.#line(log, file, random, true);
    if (unread) for (const line of file.lines) line.late = true;
    this.#files.append(name, text);
    this.#files.settle();
  }

  /**
   * What logrotate does in this style, as the steps between which others may have their turn. `racing`: so many lines are
   * written between the copying and the truncating, and are lost.
   */
  rotate(log: Log, style: RotationStyle, random: SeededRandom, { create = true, racing = 0 } = {}): (() => void)[] {
    if (!this.#files.has(log.name) || this.#files.rotated(log.name).length >= rotatedMax) return [];
    const steps: (() => void)[] = [];
    const dated = style.startsWith('dateext');
    const moved = dated ? `${log.name}-${this.#date()}` : `${log.name}.1`;
    if (dated && this.#files.has(moved)) return [];
    this.counts.rotations++;
    const staysPlain = style === 'rename' || style === 'dateext' || style === 'delaycompress';
    if (!staysPlain || !this.#carry(log)) this.#finishLine(log);
    if (!dated) steps.push(() => this.#shift(log));
    if (style === 'copytruncate') {
      steps.push(() => this.#files.copy(log.name, moved));
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
    this.#files.remove(log.name, 'deleted');
  }

  /** The oldest rotated file is deleted, as logrotate does above `rotate n`. */
  expire(log: Log): void {
    const oldest = this.#files.rotated(log.name)[0];
    if (oldest !== undefined) this.#files.remove(oldest, 'expired');
  }

  /** The lines of the file at the path, as they stand in it; none where more than lines stands there. */
  standing(log: Log): readonly Line[] {
    const file = this.#files.get(log.name);
    return file === undefined || file.torn !== '' || log.wentBack ? [] : file.lines;
  }

  /** Power is back: what does the disk have of each file? `untold`: the agent had been stopped. */
  resync(untold: boolean): void {
    for (const [name, file] of this.#files.all) {
      if (file.compressed) continue;
      const found = this.#files.content(name).toString('latin1');
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
    this.#files.settle();
  }

  #goBack(name: string, file: Standing, found: string): void {
    this.counts.wentBack++;
    const log = this.#logOf(name);
    log.wentBack = true;
    const kept: Line[] = [];
    let at = 0;
    for (const line of file.lines) {
      if (found.startsWith(line.text, at)) kept.push(line);
      else dropLine(line, 'went_back');
      at += line.text.length;
    }
    file.lines = kept;
    file.open = '';
    for (const part of found.split('\n')) for (const reading of readings(part)) log.fragments.add(`${reading}\n`);
    file.torn = found.slice(found.lastIndexOf('\n') + 1);
  }

  /** The next line after a power cut may stand behind the rest of another: some programs begin a new line first, some do not. */
  #line(log: Log, file: Standing, random: SeededRandom, late: boolean): string {
    const text = this.#write(log, file, random, late);
    const before = this.#rest(file);
    if (file.torn === '') return before + text;
    if (random.chance(0.5)) return this.#endTorn(log, file) + text;
    for (const torn of readings(file.torn)) log.fragments.add(torn + text);
    file.torn = '';
    dropLine(file.lines.pop()!, 'glued');
    return text;
  }

  /** The beginning of what is written in two. */
  #half(log: Log, file: Standing, random: SeededRandom): string {
    const known = file.lines.length;
    const text = this.#write(log, file, random, false, true);
    const cut = log.script.cut(text, 1 + random.below(text.length - 2));
    if (cut === 0) return text;
    const added = file.lines.slice(known);
    const ahead: Line[] = [];
    for (let at = 0, next = 0; next < added.length; at += added[next++]!.text.length)
      if (at >= cut) ahead.push(added[next]!);
    file.open = text.slice(cut);
    file.opened = { entry: added[0]!.entry, sinceMs: this.#disk().clock.now(), ahead };
    return text.slice(0, cut);
  }

  /** What is still to come of what was begun. */
  #rest(file: Standing): string {
    const { open, opened } = file;
    if (opened && this.#disk().clock.now() - opened.sinceMs > uncutMs) opened.entry.mayBeCut = true;
    file.open = '';
    file.opened = undefined;
    return open;
  }

  /** The rest of what was begun goes into the next file. */
  #carry(log: Log): boolean {
    const file = this.#files.get(log.name);
    if (!log.script.spans || file?.opened === undefined || file.spans) return false;
    const { open, opened } = file;
    file.lines = file.lines.filter((line) => !opened.ahead.includes(line));
    file.spans = true;
    [file.open, file.opened] = ['', undefined];
    this.#carried.set(log.name, { open, opened });
    return true;
  }

  #endTorn(log: Log, file: Standing): string {
    for (const torn of readings(file.torn)) log.fragments.add(`${torn}\n`);
    file.torn = '';
    return '\n';
  }

  /** What the program writes next, which is in the account from now on. */
  #write(log: Log, file: Standing, random: SeededRandom, late: boolean, alone = false): string {
    const { generation } = file;
    const place = { generation, isFirst: file.lines.length === 0, nowMs: this.#disk().clock.now() };
    const { entries, order } = log.script.write(log.name[0]!, () => this.#number++, random, place, alone);
    const lines = new Map<Draft, Line>();
    for (const { lines: drafts, says } of entries) {
      const entry: Entry = { lines: [], says, mayBeCut: false };
      for (const draft of drafts) {
        const line: Line = { ...draft, generation, late, copies: 1, gone: undefined, entry };
        this.counts.lines++;
        entry.lines.push(line);
        log.lines.push(line);
        lines.set(draft, line);
      }
    }
    for (const draft of order) file.lines.push(lines.get(draft)!);
    return order.map(({ text }) => text).join('');
  }

  #finishLine(log: Log): void {
    const file = this.#files.get(log.name);
    if (file === undefined) return;
    const rest = this.#rest(file);
    this.#files.append(log.name, file.torn === '' ? rest : this.#endTorn(log, file));
  }

  #current(log: Log): Standing {
    const known = this.#files.get(log.name);
    if (known !== undefined) return known;
    const generation = this.#nextGeneration(log.name);
    const { open, opened } = this.#carried.get(log.name) ?? { open: '', opened: undefined };
    this.#carried.delete(log.name);
    const lines = [...(opened?.ahead ?? [])];
    for (const line of lines) line.generation = generation;
    const ends = { torn: '', compressed: false, rotatedAt: 0 };
    const file: Standing = { lines, generation, open, opened, spans: opened !== undefined, ...ends };
    this.#files.begin(log.name, file);
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
        if (age === rotatedMax) this.#files.remove(from, 'expired');
        else this.#move(from, `${log.name}.${age + 1}${ending}`);
      }
    }
  }

  #move(from: string, to: string): void {
    const file = this.#files.move(from, to);
    if (file && from === this.#logOf(from).name) file.rotatedAt = this.#disk().clock.now();
  }

  #empty(log: Log, why: string): void {
    const file = this.#files.get(log.name);
    if (file === undefined) return;
    this.#finishLine(log);
    this.onEmpty(log);
    this.#files.empty(log.name, why);
    file.generation = this.#nextGeneration(log.name);
    this.#files.settle();
  }

  #compressing(name: string, random: SeededRandom): (() => void)[] {
    return this.#files.compressing(name, random.chance(0.5) ? '.gz' : '.zst', () => void this.counts.compressed++);
  }

  #logOf(name: string): Log {
    return this.logs.find((log) => name.startsWith(log.name))!;
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
