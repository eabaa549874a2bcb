/**
 * Picks the codec: zstd-napi where its addon loads and passes a test of its own, else Node's. `name` says which one it is.
 */
import type { Codec } from '../../spool/ports.ts';
import { loadZstdBinding } from './addon.ts';
import { openZlibCodec } from './codec-zlib.ts';
import { openNapiCodec, type ZstdBinding } from './codec-zstd-napi.ts';

/** Loads the addon; throws where it cannot be had. */
export type LoadBinding = () => ZstdBinding;

export interface ChosenCodec {
  readonly codec: Codec;
  /** Why it is not the fast one; undefined where it is. */
  readonly fallbackReason: string | undefined;
}

export function chooseCodec(load: LoadBinding = loadZstdBinding): ChosenCodec {
  try {
    const codec = openNapiCodec(load());
    selfTest(codec);
    return { codec, fallbackReason: undefined };
  } catch (error) {
    return { codec: openZlibCodec(), fallbackReason: (error as Error).message.split('\n', 1)[0]! };
  }
}

function selfTest(codec: Codec): void {
  const raw = Buffer.from('a line of a log\n'.repeat(1000));
  const into = Buffer.alloc(codec.frameBytesMax(raw.length));
  const frame = into.subarray(0, codec.compress(raw, into));
  const back = Buffer.alloc(raw.length);
  if (codec.expand(frame, back) !== raw.length || !back.equals(raw))
    throw new Error('zstd-napi does not return what it was given');
}
