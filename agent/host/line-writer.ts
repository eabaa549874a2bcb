/**
 * Writes lines to a descriptor without ever waiting for whoever reads it: what does not fit a bounded buffer is refused, and a
 * reader that went away costs the lines, nothing else.
 */
import { write } from 'node:fs';

export interface LineWriter {
  /** Takes a line with its line feed, whole; false when it was dropped. */
  write(line: string): boolean;
  /** Resolves when everything taken so far is written or given up. */
  flush(): Promise<void>;
}

const retryMs = 20;

export function openLineWriter(descriptor: number, bufferedBytesMax: number): LineWriter {
  return new DescriptorWriter(descriptor, bufferedBytesMax);
}

class DescriptorWriter implements LineWriter {
  readonly #descriptor: number;
  readonly #bufferedBytesMax: number;
  #lines: Buffer[] = [];
  #bytes = 0;
  #writing = false;
  #flushed: (() => void)[] = [];

  constructor(descriptor: number, bufferedBytesMax: number) {
    this.#descriptor = descriptor;
    this.#bufferedBytesMax = bufferedBytesMax;
  }

  write(line: string): boolean {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > this.#bufferedBytesMax) return false;
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#writing) this.#next();
    return true;
  }

  flush(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => this.#flushed.push(resolve));
  }

  #next(): void {
    this.#writing = this.#lines.length > 0;
    if (this.#writing) this.#send(Buffer.concat(this.#lines.splice(0)));
    else for (const resolve of this.#flushed.splice(0)) resolve();
  }

  #send(bytes: Buffer): void {
    write(this.#descriptor, bytes, 0, bytes.length, null, (error, count) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#send(bytes), retryMs).unref();
      else if (error === null && count < bytes.length) this.#taken(count, () => this.#send(bytes.subarray(count)));
      else this.#taken(bytes.length, () => this.#next());
    });
  }

  #taken(count: number, then: () => void): void {
    this.#bytes -= count;
    then();
  }
}
