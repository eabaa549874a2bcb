/**
 * A small durable list: a file of lines, each `crc32 json`, to which lines are appended. A torn or damaged line costs that
 * line only. What was found and what was appended is durable once `flush` resolves; `rewrite` replaces the whole file atomically.
 */
import { crc32 } from 'node:zlib';
import type { Files, OpenFile } from '../../spool/ports.ts';
import { directoryOf, hasCode, writeAll } from './filework.ts';

export const lineBytesMax = 128 * 1024;
const chunkBytes = 64 * 1024;

export class Journal {
  readonly #files: Files;
  readonly #path: string;
  #pending: string[] = [];
  #lengthBytes: number;
  #exists: boolean;
  #lines: number;
  /** What was found was perhaps written by a process that was cut off before it could sync it. */
  #settled: boolean;

  private constructor(files: Files, path: string, found: Found) {
    this.#files = files;
    this.#path = path;
    this.#lengthBytes = found.goodBytes;
    this.#exists = found.exists;
    this.#lines = found.lines;
    this.#settled = !found.exists;
  }

  /** Hands every readable entry to `take`, in order. `damagedLines` could not be read. */
  static open(files: Files, path: string, take: (entry: unknown) => void): { journal: Journal; damagedLines: number } {
    const found = readLines(files, path, take);
    return { journal: new Journal(files, path, found), damagedLines: found.damagedLines };
  }

  /** Lines in the file and waiting for it. */
  get lines(): number {
    return this.#lines;
  }

  get dirty(): boolean {
    return this.#pending.length > 0 || !this.#settled;
  }

  append(entry: unknown): void {
    this.#pending.push(lineOf(entry));
    this.#lines++;
  }

  async flush(): Promise<void> {
    if (!this.dirty) return;
    const bytes = Buffer.from(this.#pending.join(''));
    if (this.#exists && !this.#settled) return await this.#renew(bytes);
    const isNew = !this.#exists;
    const file = isNew ? createOver(this.#files, this.#path) : this.#files.open(this.#path, 'write');
    this.#exists = true;
    this.#settled = false; // a sync that fails may have lost what it was to make safe
    try {
      if (file.stat().sizeBytes > this.#lengthBytes) file.truncate(this.#lengthBytes);
      if (bytes.length > 0) writeAll(file, bytes, this.#lengthBytes);
      await file.datasync();
    } finally {
      file.close();
    }
    if (isNew) await this.#files.syncDirectory(directoryOf(this.#path));
    this.#settled = true;
    this.#lengthBytes += bytes.length;
    this.#pending = [];
  }

  /** A sync says nothing about what an earlier one failed to make safe: the same lines into another file. */
  async #renew(pending: Uint8Array): Promise<void> {
    const lengthBytes = this.#lengthBytes;
    const known = this.#files.open(this.#path, 'read');
    try {
      await this.#replace(copyOf(known, lengthBytes, pending));
    } finally {
      known.close();
    }
    this.#lengthBytes = lengthBytes + pending.length;
    this.#pending = [];
  }

  /** Replaces everything, what is pending included. */
  async rewrite(entries: Iterable<unknown>): Promise<void> {
    let lines = 0;
    this.#lengthBytes = await this.#replace(inChunks(entries, () => lines++));
    this.#lines = lines;
    this.#pending = [];
  }

  /** The whole file at once; how long it is then. */
  async #replace(content: Iterable<Uint8Array>): Promise<number> {
    const draft = `${this.#path}.new`;
    const file = createOver(this.#files, draft);
    let length = 0;
    try {
      for (const bytes of content) {
        writeAll(file, bytes, length);
        length += bytes.length;
      }
      await file.datasync();
    } finally {
      file.close();
    }
    this.#files.rename(draft, this.#path);
    await this.#files.syncDirectory(directoryOf(this.#path));
    this.#exists = true;
    this.#settled = true;
    return length;
  }
}

interface Found {
  readonly exists: boolean;
  /** Up to the end of the last line that is whole. */
  readonly goodBytes: number;
  readonly lines: number;
  readonly damagedLines: number;
}

function readLines(files: Files, path: string, take: (entry: unknown) => void): Found {
  let file: OpenFile;
  try {
    file = files.open(path, 'read');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { exists: false, goodBytes: 0, lines: 0, damagedLines: 0 };
    throw error;
  }
  try {
    return scan(file, take);
  } finally {
    file.close();
  }
}

function scan(file: OpenFile, take: (entry: unknown) => void): Found {
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  let goodBytes = 0;
  let lines = 0;
  let damagedLines = 0;
  for (;;) {
    const count = file.read(chunk, position);
    if (count === 0) break;
    position += count;
    let bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      const entry = entryOf(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
      goodBytes = position - bytes.length;
      lines++;
      if (entry === undefined) damagedLines++;
      else take(entry.value);
    }
    // A line longer than any of ours is damage: only its end matters.
    rest = Buffer.from(bytes.length > lineBytesMax ? bytes.subarray(-1) : bytes);
  }
  return { exists: true, goodBytes, lines, damagedLines };
}

function lineOf(entry: unknown): string {
  const json = JSON.stringify(entry);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function entryOf(line: Buffer): { readonly value: unknown } | undefined {
  const json = line.subarray(9);
  if (line.toString('latin1', 0, 9) !== `${crc32(json).toString(16).padStart(8, '0')} `) return undefined;
  try {
    return { value: JSON.parse(json.toString('utf8')) };
  } catch {
    // The checksum matches what is no JSON: not written by us; counted as damaged like the rest.
    return undefined;
  }
}

function* inChunks(entries: Iterable<unknown>, count: () => void): Generator<Buffer> {
  let text = '';
  for (const entry of entries) {
    text += lineOf(entry);
    count();
    if (text.length < chunkBytes) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function* copyOf(file: OpenFile, lengthBytes: number, more: Uint8Array): Generator<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  for (let position = 0; position < lengthBytes; ) {
    const count = file.read(chunk.subarray(0, Math.min(chunkBytes, lengthBytes - position)), position);
    if (count === 0) throw new Error(`a file of the mirror's state became shorter than ${lengthBytes} bytes`);
    yield chunk.subarray(0, count);
    position += count;
  }
  yield more;
}

/** A new empty file, whatever a crash left under the name. */
function createOver(files: Files, path: string): OpenFile {
  try {
    return files.open(path, 'create');
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const file = files.open(path, 'write');
    file.truncate(0);
    return file;
  }
}
