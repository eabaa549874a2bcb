/**
 * What arrived, against what was written: lines lost and lines that came more than once. Order counts for nothing here; where
 * the bytes are the same in the same order, as they should be, that is found at once and nothing has to be counted.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

const pieceBytes = 1 << 20;

export interface Count {
  readonly lost: number;
  readonly duplicated: number;
}

/** Begins to read what arrived; may be called again. */
export type Arrived = () => AsyncIterable<Buffer>;

/** `written`: what was to arrive, source by source. */
export async function countArrived(written: readonly Arrived[], arrived: Arrived): Promise<Count> {
  if (written.length === 1 && (await sameBytes(written[0]!(), arrived()))) return { lost: 0, duplicated: 0 };
  const sent = new LineBag();
  for (const source of written) {
    for await (const chunk of source()) sent.add(chunk);
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
    const segments = fs.readdirSync(folder).filter((name) => name.endsWith('.zst'));
    const child = spawn('zstdcat', ['-q', ...segments.sort()], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    return child.stdout;
  };
}

export function bytesOf(path: string): Arrived {
  return () => fs.createReadStream(path, { highWaterMark: pieceBytes });
}

/** A file again and again, up to so many bytes in all. */
export function cyclic(path: string, bytes: number): Arrived {
  return async function* () {
    let left = bytes;
    while (left > 0) {
      for await (const chunk of bytesOf(path)()) {
        if (left <= 0) break;
        yield chunk.subarray(0, left);
        left -= Math.min(chunk.length, left);
      }
    }
  };
}

/** Also: in the same order. */
export async function sameBytes(one: AsyncIterable<Buffer>, other: AsyncIterable<Buffer>): Promise<boolean> {
  const others = other[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (let chunk of one) {
      while (chunk.length > 0) {
        if (rest.length === 0) {
          const next = await others.next();
          if (next.done) return false;
          rest = next.value;
        }
        const common = Math.min(chunk.length, rest.length);
        if (chunk.compare(rest, 0, common, 0, common) !== 0) return false;
        [chunk, rest] = [chunk.subarray(common), rest.subarray(common)];
      }
    }
    for (; rest.length === 0; rest = Buffer.alloc(0)) {
      const next = await others.next();
      if (next.done) return true;
      if (next.value.length > 0) return false;
    }
    return false;
  } finally {
    await others.return?.();
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
