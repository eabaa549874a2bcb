/**
 * The fast codec: libzstd through zstd-napi's binding, with one reused context a direction that works straight into the
 * caller's buffer.
 */
import type { Codec } from '../../spool/ports.ts';
import { checkFrameRoom, checkRoom, damaged, frameBytesMax, minMatchOfBlocks, soleFrame } from './zstd-frame.ts';

/** What is used of `zstd-napi/binding`. */
export interface ZstdBinding {
  readonly CCtx: new () => {
    setParameter(parameter: number, value: number): void;
    compress2(into: Uint8Array, from: Uint8Array): number;
  };
  readonly DCtx: new () => { decompress(into: Uint8Array, from: Uint8Array): number };
  readonly CParameter: Readonly<Record<'compressionLevel' | 'minMatch' | 'contentSizeFlag' | 'checksumFlag', number>>;
}

export function openNapiCodec(binding: ZstdBinding, level = 1): Codec {
  const compressor = new binding.CCtx();
  compressor.setParameter(binding.CParameter.compressionLevel, level);
  if (level === 1) compressor.setParameter(binding.CParameter.minMatch, minMatchOfBlocks);
  compressor.setParameter(binding.CParameter.contentSizeFlag, 1);
  compressor.setParameter(binding.CParameter.checksumFlag, 1);
  const expander = new binding.DCtx();
  return {
    name: 'zstd-napi',
    frameBytesMax,
    compress(raw, into) {
      checkFrameRoom(raw, into);
      return compressor.compress2(into, raw);
    },
    expand(frame, into) {
      const extent = soleFrame(frame);
      checkRoom(extent, into);
      const bytes = expander.decompress(into.subarray(0, extent.contentBytes), frame);
      if (bytes !== extent.contentBytes) throw damaged('it expands to another size than it says');
      return bytes;
    },
  };
}
