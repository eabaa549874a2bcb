/**
 * What the mirror is about to do, durable before it does it: the place in the spool that it starts from, and how long each
 * file was that it will touch. Two files are written in turn, so that a torn write costs the newest intent only, and
 * nothing was done under that one.
 *
 *     file = "TSMI", u32 length of the JSON, u32 CRC-32 of the JSON, JSON; what follows is left over
 */
import { crc32 } from 'node:zlib';
import type { BlockHash, Id, Position } from '../../spool/nouns.ts';
import type { Files, OpenFile } from '../../spool/ports.ts';
import { directoryOf, hasCode, readAll, writeAll } from './filework.ts';

const magic = 0x494d5354;
const headBytes = 12;
export const intentBytesMax = 128 * 1024 * 1024;

/** A block boundary: where it is, and the block that ends there. */
export interface Place {
  readonly position: Position;
  readonly epoch: Id;
  readonly hash: BlockHash;
}

export interface TouchedFile {
  /** Relative to the mirror's folder. */
  readonly path: string;
  readonly inode: bigint;
  /** Before anything of the batch was written. */
  readonly lengthBytes: number;
}

export interface Intent {
  /** Counts intents from 1. */
  readonly sequence: number;
  readonly spool: Id;
  /** The id of the mirror's folder. */
  readonly folder: Id;
  /** Everything before it is in the mirror, durably. */
  readonly from: Place;
  readonly files: readonly TouchedFile[];
}

export class IntentStore {
  readonly #files: Files;
  readonly #paths: readonly [string, string];
  #known: Intent | undefined;

  constructor(files: Files, directory: string) {
    this.#files = files;
    this.#paths = [`${directory}/intent.0`, `${directory}/intent.1`];
  }

  /** The newest that can be read; undefined where there is none. */
  read(): Intent | undefined {
    const found = this.#paths.map((path) => readIntent(this.#files, path)).filter((intent) => intent !== undefined);
    this.#known = found.sort((a, b) => b.sequence - a.sequence)[0];
    return this.#known;
  }

  async write(intent: Intent): Promise<void> {
    const path = this.#paths[intent.sequence % 2]!;
    const bytes = encodeIntent(intent);
    const { file, created } = openOrCreate(this.#files, path);
    try {
      writeAll(file, bytes, 0);
      await file.datasync();
    } finally {
      file.close();
    }
    if (created || this.#known === undefined) await this.#files.syncDirectory(directoryOf(path));
    this.#known = intent;
  }
}

export function encodeIntent(intent: Intent): Buffer {
  const { sequence, spool, folder, from } = intent;
  const files = intent.files.map((file) => [file.path, file.inode.toString(), file.lengthBytes]);
  const json = Buffer.from(JSON.stringify({ sequence, spool, folder, from, files }));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(json.length, 4);
  head.writeUInt32LE(crc32(json), 8);
  return Buffer.concat([head, json]);
}

/** undefined where the bytes are not a whole intent. */
export function decodeIntent(bytes: Buffer): Intent | undefined {
  if (bytes.length < headBytes || bytes.readUInt32LE(0) !== magic) return undefined;
  const json = bytes.subarray(headBytes, headBytes + bytes.readUInt32LE(4));
  if (json.length !== bytes.readUInt32LE(4) || crc32(json) !== bytes.readUInt32LE(8)) return undefined;
  try {
    return intentOf(JSON.parse(json.toString('utf8')));
  } catch {
    // Its checksum is right, and yet nobody of us wrote it.
    return undefined;
  }
}

type Encoded = Omit<Intent, 'files'> & { readonly files: readonly (readonly [string, string, number])[] };

function intentOf(value: Partial<Encoded> | null): Intent | undefined {
  const { sequence, spool, folder, from, files } = value ?? {};
  if (!isCount(sequence) || typeof spool !== 'string' || typeof folder !== 'string' || !Array.isArray(files))
    return undefined;
  if (!from || !isCount(from.position) || typeof from.epoch !== 'string' || typeof from.hash !== 'string')
    return undefined;
  const touched = files.map(([path, inode, lengthBytes]) => ({ path, inode: BigInt(inode), lengthBytes }));
  if (!touched.every(({ path, lengthBytes }) => typeof path === 'string' && isCount(lengthBytes))) return undefined;
  const { position, epoch, hash } = from;
  return { sequence, spool, folder, from: { position, epoch, hash }, files: touched };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readIntent(files: Files, path: string): Intent | undefined {
  let file: OpenFile;
  try {
    file = files.open(path, 'read');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return decodeIntent(readAll(file, intentBytesMax));
  } finally {
    file.close();
  }
}

function openOrCreate(files: Files, path: string): { readonly file: OpenFile; readonly created: boolean } {
  try {
    return { file: files.open(path, 'write'), created: false };
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return { file: files.open(path, 'create'), created: true };
  }
}
