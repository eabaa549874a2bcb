/**
 * The world of log files at random: many files are created, appended to, renamed, copied and truncated, compressed, deleted and
 * made anew, while the agent runs, is stopped, or is cut off and starts from what was durable. At the end every line that was
 * written and not destroyed unread is there once, and each file generation's lines are in order.
 *
 * SEED=n replays one run; STEPS=n makes it longer.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { textOf } from '../shared/text-of.ts';
import { Bench } from './bench.ts';

/** What stands in the files, and what the collector is to make of it. */
interface Kind {
  readonly what: string;
  readonly options: Bench['options'];
  readonly encode: (text: string) => Buffer;
  /** From what a mirror holds to the lines' text. */
  readonly textOf: (mirrored: string) => string;
}

const groups = { continue: undefined, traces: [], timeoutMs: 20, linesMax: 50, bytesMax: 8192 } as const;
const plain: Kind = { what: '', options: {}, encode: (text) => Buffer.from(text), textOf: (mirrored) => mirrored };
const grouped: Kind = {
  ...plain,
  what: ' in groups',
  options: { multiline: { ...groups, start: /#\d*[05]\b|^banner \d*0 / } },
  textOf: (mirrored) => textOf(mirrored.split('\n').slice(0, -1)).toString(),
};
const encoded: Kind = {
  ...plain,
  what: ' in UTF-16',
  options: { encoding: 'utf-16be' },
  encode: (text) => Buffer.from(text, 'utf16le').swap16(),
};
const encodedGroups: Kind = {
  ...grouped,
  what: ' in groups and UTF-16',
  options: { ...grouped.options, encoding: 'utf-16le' },
  encode: (text) => Buffer.from(text, 'utf16le'),
};

const seeds = process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3, 4].map((at) => at * 1000 + (Date.now() % 1000));
const steps = Number(process.env.STEPS ?? 250);
/** A seed of each other kind, of shorter runs. */
const kindSteps = Math.round(steps / 2);
const pathsMax = 12;

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What was written under one name, generation by generation. */
interface Log {
  readonly name: string;
  readonly generations: string[][];
  /** Lines that a truncation or deletion may have destroyed before they were read. */
  readonly destroyed: Set<string>;
  exists: boolean;
  /** With the same first 4 KiB as the others. */
  readonly banner: boolean;
}

class World {
  readonly random: () => number;
  readonly bench: Bench;
  readonly logs: Log[] = [];
  readonly story: string[] = [];
  running = false;
  #line = 0;
  #durableAtLeast = 0;

  readonly kind: Kind;

  constructor(seed: number, bench: Bench, kind: Kind) {
    this.kind = kind;
    this.random = randomFrom(seed);
    this.bench = bench;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  tell(what: string): void {
    if (this.story.at(-1) !== what) this.story.push(what);
  }

  create(log: Log): void {
    log.exists = true;
    log.generations.push([]);
    fs.writeFileSync(this.bench.path(log.name), '');
    this.tell(`create ${log.name}`);
    if (log.banner) this.append(log, bannerLines.length, (at) => `${bannerLines[at]}`);
    else if (this.random() < 0.8) this.append(log, Math.floor(this.random() * 4));
  }

  append(log: Log, count: number, make: (at: number) => string = () => this.line(log)): void {
    let text = '';
    for (let at = 0; at < count; at++) {
      const line = make(at);
      log.generations.at(-1)!.push(line);
      text += `${line}\n`;
    }
    fs.appendFileSync(this.bench.path(log.name), this.kind.encode(text));
    this.tell(`append ${count} to ${log.name}, up to #${this.#line - 1}`);
  }

  line(log: Log): string {
    const kind = this.random();
    const id = `${log.name}#${this.#line++}`;
    if (kind < 0.2) return id;
    return `${id} ${'x'.repeat(Math.floor(kind * kind * 400))}`;
  }

  /** a.log → a.log.1 → a.log.2 …, the oldest deleted. Archives move along. */
  shift(log: Log, ages: number): void {
    for (let age = ages; age >= 1; age--) {
      for (const ending of ['', '.gz', '.zst']) {
        const from = this.bench.path(`${log.name}.${age}${ending}`);
        if (fs.existsSync(from)) fs.renameSync(from, this.bench.path(`${log.name}.${age + 1}${ending}`));
      }
    }
  }

  rotate(log: Log): void {
    this.shift(log, 30);
    fs.renameSync(this.bench.path(log.name), this.bench.path(`${log.name}.1`));
    log.exists = false;
    this.tell(`rotate ${log.name}`);
    if (this.random() < 0.8) this.create(log);
  }

  copyTruncate(log: Log): void {
    this.shift(log, 30);
    fs.copyFileSync(this.bench.path(log.name), this.bench.path(`${log.name}.1`));
    fs.truncateSync(this.bench.path(log.name));
    log.generations.push([]);
    this.tell(`copytruncate ${log.name}`);
    if (this.random() < 0.7) this.append(log, 1 + Math.floor(this.random() * 30));
  }

  compress(log: Log): void {
    for (let age = 1; age < 4; age++) {
      const plain = this.bench.path(`${log.name}.${age}`);
      if (!fs.existsSync(plain)) continue;
      const [ending, deflate] = this.pick([['.gz', zlib.gzipSync] as const, ['.zst', zlib.zstdCompressSync] as const]);
      const { atime, mtime } = fs.statSync(plain);
      fs.writeFileSync(`${plain}${ending}`, deflate(fs.readFileSync(plain)));
      fs.utimesSync(`${plain}${ending}`, atime, mtime);
      fs.rmSync(plain);
      this.tell(`compress ${log.name}.${age}${ending}`);
      return;
    }
  }

  /** Destroys what was not read: allowed to be missing. */
  truncate(log: Log): void {
    this.loseNewest(log);
    fs.truncateSync(this.bench.path(log.name));
    log.generations.push([]);
    this.tell(`truncate ${log.name}`);
    if (this.random() < 0.7) this.append(log, 1 + Math.floor(this.random() * 10));
  }

  remove(log: Log): void {
    this.loseNewest(log);
    fs.rmSync(this.bench.path(log.name));
    log.exists = false;
    this.tell(`remove ${log.name}`);
    if (this.random() < 0.6) this.create(log); // often with the same inode
  }

  loseNewest(log: Log): void {
    for (const line of log.generations.at(-1) ?? []) log.destroyed.add(line);
  }

  async step(): Promise<void> {
    const log = this.pick(this.logs);
    const dice = this.random();
    if (!log.exists) this.create(log);
    else if (dice < 0.45) this.append(log, Math.floor(this.random() * 40));
    else if (dice < 0.58) this.rotate(log);
    else if (dice < 0.68) this.copyTruncate(log);
    else if (dice < 0.78) this.compress(log);
    else if (dice < 0.82) this.truncate(log);
    else if (dice < 0.86) this.remove(log);
    else if (dice < 0.91) await this.bench.pause(Math.floor(this.random() * 30));
    else if (dice < 0.97) await this.toggle();
    else if (this.running) await this.cutOff();
  }

  async toggle(): Promise<void> {
    this.tell(this.running ? 'stop' : 'start');
    if (this.running) {
      await this.bench.stop();
      this.bench.intake = this.bench.intake.reopened();
    } else {
      await this.bench.start();
      // A first start that no disk remembers has not been: what stood there then may have been rotated since.
      this.#durableAtLeast ||= this.bench.intake.entries.length;
    }
    this.running = !this.running;
  }

  /** A crash that loses the newest runs. */
  async cutOff(): Promise<void> {
    const lost = Math.floor(this.random() * 5);
    const kept = Math.max(this.#durableAtLeast, this.bench.intake.entries.length - lost);
    this.tell(`crash, losing ${lost} runs`);
    await this.bench.stop();
    this.bench.intake = this.bench.intake.reopened(kept);
    this.running = false;
    if (this.random() < 0.5) await this.toggle();
  }
}

const bannerLines = Array.from({ length: 60 }, (_, at) => `banner ${at} ${'='.repeat(60)}`);

for (const seed of seeds) check1(seed, plain, steps);
for (const kind of [grouped, encoded, encodedGroups]) check1(seeds[0]! + 1, kind, kindSteps);

function check1(seed: number, kind: Kind, stepsOfIt: number): void {
  test(`every line${kind.what} comes once and in order, whatever happens to the files (SEED=${seed})`, async () => {
    await using bench = new Bench();
    bench.options = { partialTimeoutMs: 20, ...kind.options };
    bench.intake.shaped = kind !== plain;
    const world = new World(seed, bench, kind);
    for (let at = 0; at < pathsMax; at++)
      world.logs.push({
        name: `${at}.log`,
        generations: [],
        destroyed: new Set(),
        exists: false,
        banner: at % 4 === 3,
      });
    bench.onLog = (message) => world.tell(message.replaceAll(`${bench.folder}/`, '/'));
    await world.toggle();
    for (let at = 0; at < stepsOfIt; at++) await world.step();
    if (!world.running) await world.toggle();
    for (const log of world.logs) await check(world, log);
    checkOrder(world);
  });
}

async function check(world: World, log: Log): Promise<void> {
  const { bench } = world;
  const path = bench.path(log.name);
  const wanted = log.generations.flat().filter((line) => !line.startsWith('banner') && !log.destroyed.has(line));
  const got = () => world.kind.textOf(bench.intake.mirrored(path)).split('\n').slice(0, -1);
  const story = () =>
    world.story
      .filter(
        (what) => what.includes(`/${log.name}`) || what.includes(` ${log.name}`) || /^(stop|start|crash)/.test(what),
      )
      .join('\n');
  const missing = () => {
    const seen = new Set(got());
    return wanted.filter((line) => !seen.has(line));
  };
  await bench
    .until(
      () => missing().length === 0,
      () =>
        `lines of ${log.name}: ${missing()
          .map((line) => line.split(' ')[0])
          .join(' ')}\n${story()}`,
    )
    .catch((error: Error) => {
      throw new Error(`${error.message}\n${JSON.stringify(bench.collector?.status(), undefined, 1)}`);
    });
  const seen = new Set<string>();
  const isUnclear = bench.logged.some(({ event, subject }) => event === 'file.unclear' && subject === path);
  for (const line of got()) {
    if (line.startsWith('banner')) continue;
    assert(isUnclear || !seen.has(line), `${line} came twice\n${story()}`);
    assert(line.startsWith(log.name), `${line} does not belong to ${log.name}\n${story()}`);
    seen.add(line);
  }
}

/** One source's lines come in the order in which they were written. */
function checkOrder({ bench, kind }: World): void {
  const texts = new Map<number, string>();
  for (const { run, bytes } of bench.intake.entries)
    texts.set(
      run.source,
      (texts.get(run.source) ?? '') + bytes.toString('utf8', 0, bytes.length - (run.unterminated ? 1 : 0)),
    );
  for (const [source, text] of texts) {
    const numbers = [...kind.textOf(text).matchAll(/^\S+#(\d+)/gm)].map(([, number]) => Number(number));
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
      `source ${source} is in order`,
    );
  }
}
