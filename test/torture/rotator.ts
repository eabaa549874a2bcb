/**
 * Rotates each log on its own, in a style of its own, at random moments down to a few milliseconds apart: what logrotate does
 * once an hour, and what programs do that rotate their own logs. Some of the logs always begin with the same 4 KiB.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { sleep } from '../end-to-end/tailspool.ts';
import { SeededRandom } from '../simulation/random.ts';

const styles = [
  'rename',
  'rename, compress',
  'rename, compress the one before',
  'copy and truncate',
  'copy and truncate, compress',
  'date',
] as const;
type Style = (typeof styles)[number];

const turnMs = 10;
const pauseMsMax = 8_000;

interface Log {
  readonly path: string;
  readonly style: Style;
  rotations: number;
  dueMs: number;
}

export class Rotator {
  readonly #random: SeededRandom;
  readonly #logs: readonly Log[];
  #stopped = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(folder: string, files: readonly string[], seed: number) {
    this.#random = new SeededRandom(seed);
    this.#logs = files.map((file, at) => ({
      ...{ path: join(folder, file), style: styles[at % styles.length]!, rotations: 0, dueMs: 0 },
    }));
  }

  get rotations(): number {
    return this.#logs.reduce((sum, { rotations }) => sum + rotations, 0);
  }

  begin(): void {
    this.#idle = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#idle;
  }

  async #run(): Promise<void> {
    for (; !this.#stopped; await sleep(turnMs)) {
      for (const log of this.#logs) {
        if (Date.now() < log.dueMs || !fs.statSync(log.path, { throwIfNoEntry: false })?.size) continue;
        if (log.dueMs > 0) this.#rotate(log);
        log.dueMs = Date.now() + this.#random.fraction() ** 3 * pauseMsMax;
      }
    }
  }

  #rotate(log: Log): void {
    const { path, style } = log;
    log.rotations += 1;
    if (style === 'date') {
      fs.renameSync(path, `${path}-20260101-${String(log.rotations).padStart(5, '0')}`);
      return;
    }
    this.#numberOn(log);
    if (style.startsWith('copy')) {
      fs.copyFileSync(path, `${path}.1`);
      fs.truncateSync(path);
    } else fs.renameSync(path, `${path}.1`);
    if (style.endsWith('compress')) this.#compress(`${path}.1`);
    if (style.endsWith('before') && fs.existsSync(`${path}.2`)) this.#compress(`${path}.2`);
  }

  #numberOn({ path, rotations }: Log): void {
    for (let age = rotations; age >= 1; age -= 1)
      for (const ending of ['', '.gz'])
        if (fs.existsSync(`${path}.${age}${ending}`))
          fs.renameSync(`${path}.${age}${ending}`, `${path}.${age + 1}${ending}`);
  }

  /** With the time of the original, as gzip and logrotate do; at once under its name, or under another one first. */
  #compress(plain: string): void {
    const { atime, mtime } = fs.statSync(plain);
    const written = this.#random.chance(0.5) ? `${plain}.gz` : `${plain}.gz.part`;
    fs.writeFileSync(written, zlib.gzipSync(fs.readFileSync(plain)));
    fs.utimesSync(written, atime, mtime);
    if (written !== `${plain}.gz`) fs.renameSync(written, `${plain}.gz`);
    fs.rmSync(plain);
  }
}

const head = Array.from({ length: 64 }, (_, line) => `# ${String(line).padEnd(61, '=')}\n`).join('');

/** The 4 KiB that a quarter of the logs begin with. */
export function commonHeadOf(file: string): string {
  return Number(/\d+/.exec(file)?.[0]) % 4 === 3 ? head : '';
}
