/**
 * The codec that is always there: libzstd inside Node. Compressing drives the handle of one kept stream, which is internal to
 * Node and so is tried out first; where that fails, `zstdCompressSync` is used, which makes a context for every call (0.76 of
 * C's speed at 256 KiB, against 0.92).
 */
import type { Codec } from '../../spool/ports.ts';
import { checkFrameRoom, checkRoom, damaged, frameBytesMax, minMatchOfBlocks, soleFrame } from './zstd-frame.ts';

/** Loaded only where it is used: with the fast codec it is not, and a start takes less. */
const zlib = () => process.getBuiltinModule('node:zlib');

type Compress = (raw: Uint8Array, into: Uint8Array) => number;

/** `driven: false` leaves the internal handle alone. */
export function openZlibCodec(level = 1, driven = true): Codec {
  const compress = (driven ? drivenHandle(level) : undefined) ?? contextPerCall(level);
  return {
    name: 'node:zlib',
    frameBytesMax,
    compress(raw, into) {
      checkFrameRoom(raw, into);
      return compress(raw, into);
    },
    expand(frame, into) {
      const extent = soleFrame(frame);
      checkRoom(extent, into);
      // maxOutputLength 0 is not allowed; an empty frame has nothing to overflow with.
      const raw = zlib().zstdDecompressSync(frame, { maxOutputLength: Math.max(extent.contentBytes, 1) });
      if (raw.length !== extent.contentBytes) throw damaged('it expands to another size than it says');
      into.set(raw);
      return raw.length;
    },
  };
}

function parameters(level: number): Record<number, number> {
  const matches = level === 1 ? { [zlib().constants.ZSTD_c_minMatch]: minMatchOfBlocks } : {};
  return { [zlib().constants.ZSTD_c_compressionLevel]: level, ...matches, [zlib().constants.ZSTD_c_checksumFlag]: 1 };
}

function contextPerCall(level: number): Compress {
  const options = { params: parameters(level) };
  return (raw, into) => {
    const frame = zlib().zstdCompressSync(raw, options);
    into.set(frame);
    return frame.length;
  };
}

interface StreamWithHandle {
  readonly _handle?: {
    writeSync?(
      flush: number,
      from: Uint8Array,
      at: number,
      length: number,
      into: Uint8Array,
      into0: number,
      room: number,
    ): void;
  };
  /** What was left after a call: room in the output, bytes of the input. */
  readonly _writeState?: Uint32Array;
}

/** A compressor on a kept context, or undefined where Node's insides are not as expected. */
function drivenHandle(level: number): Compress | undefined {
  const stream = zlib().createZstdCompress({ params: parameters(level) });
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  const { _handle: handle, _writeState: state } = stream as unknown as StreamWithHandle;
  if (handle?.writeSync === undefined || state?.length !== 2) return undefined;
  const writeSync = handle.writeSync.bind(handle);
  const compress: Compress = (raw, into) => {
    writeSync(zlib().constants.ZSTD_e_end, raw, 0, raw.length, into, 0, into.length);
    if (failure !== undefined || state[1] !== 0) throw failure ?? new Error('the zstd frame does not fit its buffer');
    return into.length - state[0]!;
  };
  return worksAsExpected(compress) ? compress : undefined;
}

function worksAsExpected(compress: Compress): boolean {
  try {
    return ['', 'one', 'two\n'.repeat(50_000)].every((text) => {
      const raw = Buffer.from(text);
      const into = Buffer.alloc(frameBytesMax(raw.length));
      const frame = into.subarray(0, compress(raw, into));
      return soleFrame(frame).contentBytes === raw.length && zlib().zstdDecompressSync(frame).equals(raw);
    });
  } catch {
    return false;
  }
}
