/**
 * Hints that something changed in a directory: one `fs.watch` (inotify) a directory, never one a file. The kernel drops
 * events silently when too many wait, and network file systems send none: whoever needs the truth scans.
 * A directory that is replaced by another is watched again under its name.
 */
import * as fs from 'node:fs';
import { basename } from 'node:path';
import type { Watcher } from '../../collectors/ports.ts';
import { nameFromBytes, pathForHost } from './names.ts';

const retryMs = 2000;

export const hostWatcher: Watcher = {
  watch: (directory, changed) => new DirectoryWatch(directory, changed),
};

class DirectoryWatch implements Disposable {
  readonly #directory: string;
  readonly #changed: (name: string | undefined) => void;
  #watcher: fs.FSWatcher | undefined;
  #retry: NodeJS.Timeout | undefined;
  #inode = 0n;
  #lastBytes: Buffer | undefined;
  #lastName = '';

  constructor(directory: string, changed: (name: string | undefined) => void) {
    this.#directory = directory;
    this.#changed = changed;
    this.#begin();
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    clearTimeout(this.#retry);
  }

  #begin(): void {
    const path = pathForHost(this.#directory);
    const stat = fs.statSync(path, { bigint: true });
    // Node would watch a file too.
    if (!stat.isDirectory()) throw Object.assign(new Error(`ENOTDIR: ${this.#directory}`), { code: 'ENOTDIR' });
    this.#inode = stat.ino;
    this.#watcher = fs.watch(path, { encoding: 'buffer', persistent: false }, (event, name) => {
      const entry = name === null ? undefined : this.#nameOf(name);
      this.#changed(entry);
      if (event === 'rename') this.#checkReplaced(entry);
    });
    this.#watcher.on('error', () => this.#again());
  }

  /** A file that is being written is named again with each line. */
  #nameOf(bytes: Buffer): string {
    if (!this.#lastBytes?.equals(bytes)) {
      this.#lastBytes = bytes;
      this.#lastName = nameFromBytes(bytes);
    }
    return this.#lastName;
  }

  /**
   * inotify stays with the inode. A directory's own removal or renaming is reported like that of an entry with its name;
   * the number of its inode alone would not tell, a new directory often gets the same.
   */
  #checkReplaced(entry: string | undefined): void {
    const stat = fs.statSync(pathForHost(this.#directory), { bigint: true, throwIfNoEntry: false });
    if (stat?.ino !== this.#inode || entry === basename(this.#directory)) this.#again();
  }

  #again(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    clearTimeout(this.#retry);
    try {
      this.#begin();
      this.#changed(undefined);
    } catch {
      // Gone or out of watches: the scan is the truth meanwhile.
      this.#retry = setTimeout(() => this.#again(), retryMs);
      this.#retry.unref();
    }
  }
}
