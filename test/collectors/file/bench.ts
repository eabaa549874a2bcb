/** A folder, a file collector over it, and an intake in memory: what the tests of tailing have in common. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostFiles } from '../../../agent/host/files.ts';
import { hostInflater } from '../../../agent/host/inflater.ts';
import { hostWatcher } from '../../../agent/host/watcher.ts';
import { createFileCollector } from '../../../collectors/file/collector.ts';
import type { FileCollectorOptions, FileCollectorPorts } from '../../../collectors/file/options.ts';
import type { Collector, Watcher } from '../../../collectors/ports.ts';
import type { Clock, FileStat, Files, LogEntry, OpenFile } from '../../../spool/ports.ts';
import { MemoryIntake } from './memory-intake.ts';

const patienceMs = 20_000;

/** Nothing is told of changes. */
export const noHints: Watcher = { watch: () => ({ [Symbol.dispose]() {} }) };

/** Lines that differ, so that content tells files apart. */
export function lines(from: number, to: number, what = 'of a log that is written by a test'): string {
  let text = '';
  for (let number = from; number < to; number++) text += `line ${number} ${what}\n`;
  return text;
}

export function causes(bench: Bench): string[] {
  return bench.collector!.status().problems.map(({ cause }) => cause);
}

export class Bench implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-tail-'));
  readonly logged: LogEntry[] = [];
  onLog: (message: string) => void = () => {};
  intake = new MemoryIntake();
  collector: Collector | undefined;
  options: Partial<FileCollectorOptions> = {};
  ports: Partial<FileCollectorPorts> = {};
  creator: (options: FileCollectorOptions, ports: FileCollectorPorts) => Collector = createFileCollector;
  /** So much later it is for the collector than it is. */
  skewMs = 0;
  #boots = 1;

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Uint8Array): void {
    fs.mkdirSync(join(this.path(name), '..'), { recursive: true });
    fs.appendFileSync(this.path(name), content);
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.path(from), this.path(to));
  }

  remove(name: string): void {
    fs.rmSync(this.path(name));
  }

  async start(options: Partial<FileCollectorOptions> = {}): Promise<void> {
    assert(!this.collector, 'one at a time');
    Object.assign(this.options, options);
    this.collector = this.create();
    await this.collector.start();
  }

  /** One more collector over the same folder and intake; whoever asks for it starts and stops it. */
  create(options: Partial<FileCollectorOptions> = {}): Collector {
    return this.creator(
      {
        ...{ name: 'logs', include: [this.path('*.log')], exclude: [], rotated: [], startAt: 'beginning' },
        ...{
          maxLineBytes: 1024 * 1024,
          partialTimeoutMs: 100,
          networkFs: false,
          encoding: undefined,
          multiline: undefined,
          deletedFileLimitMs: undefined,
        },
        ...{ scanIntervalMs: 200, forgetAfterMs: 86_400_000, openFilesMax: 100, sourcesMax: 10_000 },
        ...{ attributes: {}, resource: { 'host.name': 'here' }, never: [], configuredCollectors: ['logs'] },
        ...this.options,
        ...options,
      },
      {
        ...{ intake: this.intake, files: hostFiles, clock: this.#clock, watcher: hostWatcher, inflater: hostInflater },
        ...{
          log: { write: (entry) => this.#note(entry) },
          mounts: { typeOf: () => 'ext4' },
          bootId: `boot ${this.#boots}`,
        },
        ...this.ports,
      },
    );
  }

  get #clock(): Clock {
    return { ...hostClock, monotonic: () => hostClock.monotonic() + this.skewMs };
  }

  #note(entry: LogEntry): void {
    if (entry.severity !== 'debug') this.logged.push(entry);
    this.onLog(`  ${entry.message}`);
  }

  /** True once the collector, from now on, has said what it took something for in such words. */
  told(words: string | ((message: string) => boolean)): () => boolean {
    let isSo = false;
    this.onLog = (message) => {
      isSo ||= typeof words === 'string' ? message.includes(words) : words(message);
    };
    return () => isSo;
  }

  async stop(): Promise<void> {
    await this.collector?.stop();
    this.collector = undefined;
  }

  /** Stops it, and opens the intake again as it was durable (all of it, or up to an entry). */
  async restart(
    between: () => void = () => {},
    options: Partial<FileCollectorOptions> = {},
    entries?: number,
  ): Promise<void> {
    await this.stop();
    this.intake = this.intake.reopened(entries);
    between();
    await this.start(options);
  }

  /** The machine loses power with everything so far durable; `between` is what files went back to. Then it is booted again. */
  async powerCut(between: () => void): Promise<void> {
    const entries = this.intake.entries.length;
    await this.stop();
    this.intake = this.intake.reopened(entries);
    between();
    this.ports = { ...this.ports, bootId: `boot ${++this.#boots}` };
    await this.start();
  }

  /** Writes a line to a log while the collector runs (which it starts at first), and waits until all of the log is read. */
  async appears(name: string, whole = 'one\n'): Promise<void> {
    if (!this.collector) await this.start();
    this.write(name, whole.split(/(?<=\n)/).at(-1)!);
    await this.holds(name, whole);
  }

  /** Writes the first of a log, starts, and waits until that is read. */
  async started(text = lines(0, 10), options: Partial<FileCollectorOptions> = {}, name = 'a.log'): Promise<void> {
    this.write(name, text);
    await this.start(options);
    await this.holds(name, text);
  }

  /** Waits until a path's mirror holds as much as is expected, and that is what it holds. */
  async holds(name: string, expected: string): Promise<void> {
    const path = this.path(name);
    await this.until(
      () => this.intake.mirrored(path).length >= expected.length,
      () => this.explain(name, expected),
    );
    assert.equal(this.intake.mirrored(path), expected, this.explain(name, expected));
  }

  async until(
    condition: () => boolean,
    explain: () => string = () => condition.toString(),
    limitMs = patienceMs,
  ): Promise<void> {
    const limit = Date.now() + limitMs;
    while (!condition()) {
      if (Date.now() > limit) assert.fail(`waited too long for ${explain()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  explain(name: string, expected: string): string {
    const status = JSON.stringify(this.collector?.status(), undefined, 1);
    return `${name}:\n${this.intake.mirrored(this.path(name)).slice(0, 2000)}\nexpected:\n${expected.slice(0, 2000)}\n${status}\n${JSON.stringify(this.logged)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The host's files, of which other facts are told than the host tells. */
export function filesWith(change: (stat: FileStat, path: string) => FileStat): Files {
  const opened = (file: OpenFile, path: string): OpenFile =>
    new Proxy(file, {
      get(target, key) {
        if (key === 'stat') return () => change(target.stat(), path);
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return {
    ...hostFiles,
    open: (path, mode) => opened(hostFiles.open(path, mode), path),
    stat: (path) => change(hostFiles.stat(path), path),
    lstat: (path) => change(hostFiles.lstat(path), path),
  };
}
