/** A small file system of its own (a tmpfs), to be filled to the last byte and freed. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

export class SmallDisk implements Disposable {
  readonly #folder: string;

  /** undefined where mounting is not allowed. */
  static mount(folder: string, mebibytes: number): SmallDisk | undefined {
    fs.mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
      return new SmallDisk(folder);
    } catch {
      return undefined;
    }
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes all that is free. What somebody else frees meanwhile is theirs, so it may be called again. */
  fill(): void {
    for (const size of [1 << 20, 1 << 12, 1]) {
      const piece = Buffer.alloc(size, 'x');
      try {
        for (;;) fs.appendFileSync(this.#filler, piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  }

  free(): void {
    fs.rmSync(this.#filler, { force: true });
  }

  /** What is on it is gone then, unless it is copied to `copy` before. */
  unmount(copy?: string): void {
    if (copy !== undefined)
      fs.cpSync(this.#folder, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    execFileSync('umount', ['--lazy', this.#folder], { stdio: 'ignore' });
  }

  [Symbol.dispose](): void {
    this.unmount();
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }
}
