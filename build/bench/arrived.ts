/**
 * What arrived, against what was written: lines lost and lines that came more than once. Order counts for nothing here; where
 * the bytes are the same in the same order, as they should be, that is found at once and nothing has to be counted.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Count {
  readonly lost: number;
  readonly duplicated: number;
}

/** Begins to read what arrived; may be called again. */
export type Arrived = () => AsyncIterable<Buffer>;

/** `written`: the files that were to arrive. */
export async function countArrived(written: readonly string[], arrived: Arrived): Promise<Count> {
  if (written.length === 1 && (await sameBytes(written[0]!, arrived()))) return { lost: 0, duplicated: 0 };
  const sent = new LineBag();
  for (const path of written) {
    for await (const chunk of fs.createReadStream(path, { highWaterMark: 1 << 20 })) sent.add(chunk);
    sent.endFile();
  }
  const got = new LineBag();
  for await (const chunk of arrived()) got.add(chunk);
  got.endFile();
  return compareBags(sent.sorted(), got.sorted());
}

/** Each line once for each time that it is there. Both are sorted. */
export function compareBags(sent: Float64Array, got: Float64Array): Count {
  let [lost, duplicated, at] = [0, 0, 0];
  for (const line of sent) {
    while (at < got.length && got[at]! < line) [at, duplicated] = [at + 1, duplicated + 1];
    if (got[at] === line) at++;
    else lost++;
  }
  return { lost, duplicated: duplicated + got.length - at };
}

/** The records in the spool of a receiver that has ended: `zstdcat` prints each once. */
export function recordsOf(dataDir: string): Arrived {
  return () => {
    const folder = join(dataDir, 'spool');
    const segments = readdirSync(folder).filter((name) => name.endsWith('.zst'));
    const child = spawn('zstdcat', ['-q', ...segments.sort()], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    return child.stdout;
  };
}

export function bytesOf(path: string): Arrived {
  return () => fs.createReadStream(path, { highWaterMark: 1 << 20 });
}

/** Also for a log that was written `times` over. */
export async function sameBytes(path: string, arrived: AsyncIterable<Buffer>, times = 1): Promise<boolean> {
  const descriptor = fs.openSync(path, 'r');
  try {
    const size = fs.fstatSync(descriptor).size;
    let [at, expected] = [0, Buffer.alloc(0)];
    for await (const chunk of arrived) {
      if (at + chunk.length > size * times) return false;
      if (expected.length < chunk.length) expected = Buffer.alloc(chunk.length);
      for (let done = 0; done < chunk.length; ) {
        const place = (at + done) % size;
        const wanted = Math.min(chunk.length - done, size - place);
        const read = fs.readSync(descriptor, expected, done, wanted, place);
        if (read === 0) return false;
        done += read;
      }
      if (expected.compare(chunk, 0, chunk.length, 0, chunk.length) !== 0) return false;
      at += chunk.length;
    }
    return at === size * times;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A hash of 52 bits for each line: 8 bytes a line, so that a GiB of log can be counted in memory. */
export class LineBag {
  #hashes = new Float64Array(1024);
  #count = 0;
  #low = seedLow;
  #high = seedHigh;
  #open = false;

  add(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === 10) this.#endLine();
      else {
        this.#low = Math.imul(this.#low ^ byte, 0x01000193);
        this.#high = Math.imul(this.#high ^ (byte + (this.#low >>> 24)), 0x85ebca6b);
        this.#open = true;
      }
    }
  }

  /** A last line without LF is a line. */
  endFile(): void {
    if (this.#open) this.#endLine();
  }

  sorted(): Float64Array {
    return this.#hashes.slice(0, this.#count).sort();
  }

  #endLine(): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = (this.#high >>> 12) * 2 ** 32 + (this.#low >>> 0);
    [this.#low, this.#high, this.#open] = [seedLow, seedHigh, false];
  }
}

const seedLow = 0x811c9dc5;
const seedHigh = 0x9747b28c;
