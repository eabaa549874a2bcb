/** Expands gzip and zstd files through node:zlib, 64 KiB at a time; a piece is asked for only when the one before was used. */
import * as zlib from 'node:zlib';
import type { Inflater } from '../../collectors/ports.ts';
import { collectYoung } from './heap.ts';

const pieceBytes = 64 * 1024;
/** zlib's stream has a new buffer for each piece, and V8 lets 32 MiB of them come together before it looks which are needed. */
const leftBytesMax = 2 * 1024 * 1024;
let left = 0;

export const hostInflater: Inflater = { expand };

async function* expand(
  compression: 'gzip' | 'zstd',
  read: (into: Uint8Array, position: number) => number | Promise<number>,
): AsyncIterable<Uint8Array> {
  const options = { chunkSize: pieceBytes, highWaterMark: pieceBytes };
  const stream = compression === 'gzip' ? zlib.createGunzip(options) : zlib.createZstdDecompress(options);
  const feeding = feed(stream, read).catch((error: unknown) => stream.destroy(error as Error));
  try {
    for await (const piece of stream) {
      yield piece as Uint8Array;
      leave((piece as Uint8Array).length);
    }
    await feeding;
  } catch (error) {
    throw named(error);
  } finally {
    stream.destroy();
    leave(2 * pieceBytes);
  }
}

/** So much is not needed any more. */
function leave(bytes: number): void {
  left += bytes;
  if (left < leftBytesMax) return;
  left = 0;
  collectYoung();
}

/** Writes the file into the stream, waiting whenever it has enough. */
async function feed(
  stream: NodeJS.WritableStream & { readonly destroyed?: boolean },
  read: (into: Uint8Array, position: number) => number | Promise<number>,
): Promise<void> {
  // One for all: a piece has been used when the stream calls back.
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  for (let position = 0; !stream.destroyed; ) {
    const got = await read(piece, position);
    if (got === 0) break;
    position += got;
    await new Promise<void>((resolve, reject) => {
      stream.write(piece.subarray(0, got), (error) => (error ? reject(error) : resolve()));
    });
  }
  stream.end();
}

/** zlib tells a file that ends too early from a broken one by its code. */
function named(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR' || /unexpected end|truncated/i.test(message))
    return Object.assign(new Error(`the compressed file ends too early (${message})`), { code: 'TRUNCATED' });
  if (code?.startsWith('Z_') || code?.startsWith('ZSTD_'))
    return Object.assign(new Error(`the compressed file does not decode (${message})`), { code: 'DAMAGED' });
  return error;
}
