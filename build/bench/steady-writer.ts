/**
 * Appends a made log over and over at so many bytes a second, in whole lines at its end. Where it would grow without end it is
 * rotated by renaming, and the generation before the last is removed.
 */
import * as fs from 'node:fs';
import type { Made } from './texts/text.ts';

const tickMs = 10;
/** One tick that comes late writes at most so much at once. */
const pieceBytesMax = 4 << 20;

export class SteadyWriter {
  readonly #path: string;
  readonly #text: Buffer;
  readonly #bytesPerSecond: number;
  readonly #rotateBytes: number;
  #descriptor: number;
  #generationBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  bytes = 0;

  constructor(path: string, made: Made, bytesPerSecond: number, rotateBytes = Number.POSITIVE_INFINITY) {
    this.#path = path;
    this.#text = fs.readFileSync(made.path);
    this.#bytesPerSecond = bytesPerSecond;
    this.#rotateBytes = rotateBytes;
    this.#descriptor = fs.openSync(path, 'a');
  }

  start(): void {
    const [start, before] = [performance.now(), this.bytes];
    this.#timer = setInterval(() => {
      const due = before + ((performance.now() - start) * this.#bytesPerSecond) / 1000;
      while (this.bytes < due) this.#write(Math.min(due - this.bytes, pieceBytesMax));
    }, tickMs);
  }

  /** The line that is begun is ended. */
  stop(): void {
    clearInterval(this.#timer);
    const at = this.bytes % this.#text.length;
    if (at > 0 && this.#text[at - 1] !== 10) this.#write(this.#text.indexOf(10, at) + 1 - at);
  }

  #write(bytes: number): void {
    const at = this.bytes % this.#text.length;
    const written = fs.writeSync(this.#descriptor, this.#text, at, Math.min(Math.ceil(bytes), this.#text.length - at));
    this.bytes += written;
    this.#generationBytes += written;
    const atLineEnd = this.#text[at + written - 1] === 10;
    if (this.#generationBytes >= this.#rotateBytes && atLineEnd) this.#rotate();
  }

  #rotate(): void {
    fs.closeSync(this.#descriptor);
    fs.renameSync(this.#path, `${this.#path}.1`);
    this.#descriptor = fs.openSync(this.#path, 'a');
    this.#generationBytes = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    fs.closeSync(this.#descriptor);
  }
}
