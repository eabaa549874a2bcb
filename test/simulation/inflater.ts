/** Expands rotated logs at once instead of in another thread: what takes real time would make one seed run in two ways. */
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { Compression, Inflater } from '../../collectors/ports.ts';

const readBytes = 64 * 1024;
const pieceBytes = 16 * 1024;

export const inflater: Inflater = {
  async *expand(compression, read) {
    const parts: Buffer[] = [];
    for (let position = 0; ; ) {
      const piece = Buffer.alloc(readBytes);
      const got = await read(piece, position);
      if (got === 0) break;
      parts.push(piece.subarray(0, got));
      position += got;
    }
    const content = expanded(compression, Buffer.concat(parts));
    for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
  },
};

function expanded(compression: Compression, compressed: Buffer): Buffer {
  try {
    if (compression === 'deflate') return inflateSync(compressed);
    return compression === 'gzip' ? gunzipSync(compressed) : zstdDecompressSync(compressed);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' ? 'TRUNCATED' : 'DAMAGED';
    throw Object.assign(error as Error, { code });
  }
}
