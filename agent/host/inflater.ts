/**
 * Expands gzip, zstd and deflate through node:zlib, 64 KiB at a time; a piece is asked for only when the one before was used.
 * Node's streams end with the first zstd frame or deflate stream, wherever in a piece that is, and say nothing of what stands
 * behind it: here further zstd frames are expanded too, and what stands behind a deflate stream is damage.
 */
import * as zlib from 'node:zlib';
import type { Compression, Inflater } from '../../collectors/ports.ts';
import { collectYoung } from './heap.ts';

const pieceBytes = 64 * 1024;
/** zlib's stream has a new buffer for each piece, and V8 lets 32 MiB of them come together before it looks which are needed. */
const leftBytesMax = 2 * 1024 * 1024;
let left = 0;

type Read = Parameters<Inflater['expand']>[1];
type Stream = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.ZstdDecompress;

export const hostInflater: Inflater = { expand };

async function* expand(
  compression: Compression,
  read: Read,
  options: { readonly windowBytesMax?: number } = {},
): AsyncIterable<Uint8Array> {
  const input = new Input(read);
  let members = 0;
  try {
    for (; members === 0 || (await input.peek()).length > 0; members++) {
      if (members > 0 && compression !== 'zstd') throw damaged('bytes stand behind its end');
      yield* member(streamFor(compression, await input.peek(), options.windowBytesMax), input);
    }
  } catch (error) {
    throw named(error);
  } finally {
    leave(2 * pieceBytes);
  }
}

/** Up to the end of this stream, which may lie anywhere in the input. */
async function* member(stream: Stream, input: Input): AsyncIterable<Uint8Array> {
  // What it finds wrong when nobody waits for it any more is nobody's business.
  stream.on('error', () => {});
  const feeding = feed(stream, input).catch((error: unknown) => void stream.destroy(error as Error));
  try {
    for await (const piece of stream) {
      yield piece as Uint8Array;
      leave((piece as Uint8Array).length);
    }
    await feeding;
  } finally {
    stream.destroy();
  }
}

/** Writes into the stream, waiting whenever it has enough, until the input or the stream ends. */
async function feed(stream: Stream, input: Input): Promise<void> {
  const ended = new Promise<void>((resolve) => void stream.once('end', resolve).once('close', resolve));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    const piece = await input.peek();
    if (piece.length === 0 || over) break;
    const before = stream.bytesWritten;
    // Where the stream ends inside the piece, it never calls back.
    await Promise.race([ended, new Promise<void>((resolve) => void stream.write(piece, () => resolve()))]);
    input.consumed(stream.bytesWritten - before);
  }
  if (!over) stream.end();
}

/** What is to be expanded, a piece at a time; of a piece the rest stays until it was consumed. */
class Input {
  readonly #read: Read;
  readonly #memory = Buffer.allocUnsafeSlow(pieceBytes);
  #piece = this.#memory.subarray(0, 0);
  #position = 0;

  constructor(read: Read) {
    this.#read = read;
  }

  /** What comes next, at least a byte; nothing at the end. */
  async peek(): Promise<Uint8Array> {
    if (this.#piece.length > 0) return this.#piece;
    const got = await this.#read(this.#memory, this.#position);
    this.#position += got;
    this.#piece = this.#memory.subarray(0, got);
    return this.#piece;
  }

  consumed(bytes: number): void {
    this.#piece = this.#piece.subarray(bytes);
  }
}

function streamFor(compression: Compression, beginning: Uint8Array, windowBytesMax: number | undefined): Stream {
  const options = { chunkSize: pieceBytes, highWaterMark: pieceBytes };
  switch (compression) {
    case 'gzip':
      return zlib.createGunzip(options);
    case 'deflate':
      // RFC 9110 section 8.4.1.2: the zlib format is meant, but some send the bare stream.
      return isZlib(beginning) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
    case 'zstd': {
      const log = Math.floor(Math.log2(windowBytesMax ?? 2 ** 27));
      return zlib.createZstdDecompress({ ...options, params: { [zlib.constants.ZSTD_d_windowLogMax]: log } });
    }
    default:
      return compression satisfies never;
  }
}

/** RFC 1950 section 2.2. */
function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
}

/** So much is not needed any more. */
function leave(bytes: number): void {
  left += bytes;
  if (left < leftBytesMax) return;
  left = 0;
  collectYoung();
}

/** zlib tells what ends too early from what is broken by its code. */
function named(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR' || /unexpected end|truncated/i.test(message))
    return Object.assign(new Error(`what is compressed ends too early (${message})`), { code: 'TRUNCATED' });
  if (code?.startsWith('Z_') || code?.startsWith('ZSTD_')) return damaged(message);
  return error;
}

function damaged(how: string): Error {
  return Object.assign(new Error(`what is compressed does not decode (${how})`), { code: 'DAMAGED' });
}
