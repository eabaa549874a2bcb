/** The folder for what could not be read: copies of torn tails and rotten stretches, with a cap. */
import { closing } from './cursor-file.ts';
import type { Folders } from './layout.ts';
import type { Clock, Files } from './ports.ts';
import { readFully } from './scan.ts';

const chunkBytes = 1024 * 1024;

export type Kept = { readonly done: true; readonly path: string } | { readonly done: false; readonly why: string };

export class Damaged {
  readonly #files: Files;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(files: Files, folders: Folders, clock: Clock, bytesMax: number) {
    this.#files = files;
    this.#folder = folders.damaged;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.measure();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * At its cap nothing more may be set aside: the spool holds and says so, until somebody has looked and made room. Where nothing
   * is to be kept (a cap of 0), there is nothing to look at.
   */
  get full(): boolean {
    return this.#bytesMax > 0 && this.#bytes >= this.#bytesMax;
  }

  /** Looks at the folder again: somebody may have cleared it. Where the disk does not tell, it is as it was. */
  measure(): void {
    let bytes = 0;
    try {
      for (const entry of this.#files.list(this.#folder))
        if (entry.kind === 'file') bytes += this.#files.stat(`${this.#folder}/${entry.name}`).sizeBytes;
    } catch {
      return;
    }
    this.#bytes = bytes;
  }

  /**
   * Copies a stretch of a file, durably; rot (a `name` that begins so) only once. Says why not rather than throwing: the original
   * is then left as it is.
   */
  async keep(path: string, offset: number, bytes: number, name: string): Promise<Kept> {
    const before = name.startsWith('rot-') ? this.#keptAs(name, bytes) : undefined;
    if (before !== undefined) return { done: true, path: before };
    if (this.#bytes + bytes > this.#bytesMax)
      return { done: false, why: `${this.#folder} has reached its cap of ${this.#bytesMax} bytes` };
    const to = `${this.#folder}/${this.#clock.now()}-${name}.zst`;
    try {
      using source = closing(this.#files.open(path, 'read'));
      using target = closing(this.#files.open(to, 'create'));
      const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(bytes, chunkBytes)));
      for (let done = 0; done < bytes; ) {
        const piece = readFully(source.value, buffer.subarray(0, Math.min(chunkBytes, bytes - done)), offset + done);
        if (!piece) return { done: false, why: `${path} cannot be read` };
        if (piece.length === 0) break;
        if (target.value.write(piece, done) < piece.length) return { done: false, why: 'the disk is full' };
        done += piece.length;
      }
      await target.value.datasync();
      await this.#files.syncDirectory(this.#folder);
    } catch (error) {
      return { done: false, why: (error as Error).message };
    }
    this.#bytes += bytes;
    return { done: true, path: to };
  }

  /** Moves a whole file here, durably, without reading it; what it takes it took before. Throws what the disk throws. */
  async take(path: string, name: string): Promise<string> {
    const to = `${this.#folder}/${this.#clock.now()}-${name}.zst`;
    this.#files.rename(path, to);
    for (const folder of [this.#folder, path.slice(0, path.lastIndexOf('/'))]) await this.#files.syncDirectory(folder);
    this.measure();
    return to;
  }

  /** Rot stays where it is until its segment goes, and is met again after every restart. */
  #keptAs(name: string, bytes: number): string | undefined {
    try {
      const paths = this.#files.list(this.#folder).map((entry) => `${this.#folder}/${entry.name}`);
      return paths.find((path) => path.endsWith(`-${name}.zst`) && this.#files.stat(path).sizeBytes === bytes);
    } catch {
      // Then it is kept once more.
      return undefined;
    }
  }
}
