/**
 * A clock that jumps, for one of our processes only: libfaketime reads from a file what the clock is ahead. The monotonic
 * clock goes on, as when a machine's time is set.
 */
import * as fs from 'node:fs';

const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => fs.existsSync(path));

export const haveFaketime = library !== undefined;

export class JumpingClock {
  readonly #file: string;
  #aheadMs = 0;

  constructor(file: string) {
    this.#file = file;
    this.jump(0);
  }

  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** The process sees it within a second. */
  jump(byMs: number): void {
    this.#aheadMs += byMs;
    const seconds = (this.#aheadMs / 1000).toFixed(3);
    fs.writeFileSync(`${this.#file}.new`, `${this.#aheadMs < 0 ? '' : '+'}${seconds}\n`);
    fs.renameSync(`${this.#file}.new`, this.#file);
  }

  /** For the process whose clock this is. Times of files are those that the files have. */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: library!,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }
}

/** What libfaketime leaves in shared memory of a process that was killed; a later process with its id would end over it. */
export function sweepAfter(pid: number): void {
  for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`]) fs.rmSync(`/dev/shm/${name}`, { force: true });
}
