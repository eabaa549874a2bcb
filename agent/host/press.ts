/**
 * Compresses on one of libuv's threads, with a kept context of Node's own libzstd: the same library, parameters and bytes as the
 * codecs. The handle is internal to Node: where it is not as expected there is no press, and every frame is looked at before it
 * is handed on. Where there is one processor only, handing over gains nothing.
 */
import { availableParallelism } from 'node:os';
import { constants, createZstdCompress, zstdDecompressSync } from 'node:zlib';
import type { Press } from '../../spool/ports.ts';
import { checkFrameRoom, parametersOf, soleFrame } from './zstd-frame.ts';

const rawBytesMin = 64 * 1024;

interface Handle {
  onerror: (message: string) => void;
  init(
    parameters: Uint32Array,
    pledgedBytes: undefined,
    state: Uint32Array,
    done: () => void,
    dictionary: undefined,
  ): void;
  /** On another thread; `done` or `onerror` is called once. Neither buffer may go or move until then. */
  write(
    flush: number,
    from: Uint8Array,
    at: number,
    length: number,
    into: Uint8Array,
    intoAt: number,
    room: number,
  ): void;
}

/** undefined where it would gain nothing, or where Node's insides are not as expected. */
export function hostPress(processors = availableParallelism()): Press | undefined {
  if (processors < 2) return undefined;
  const context = new Lazily(openContext);
  let last: Promise<unknown> = Promise.resolve();
  return {
    rawBytesMin,
    compress(raw, into) {
      const next = last.then(() => compressAlone(context.value(), raw, into));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

async function compressAlone({ run, isFirst }: Context, raw: Uint8Array, into: Uint8Array): Promise<number> {
  checkFrameRoom(raw, into);
  const frame = into.subarray(0, await run(raw, into));
  if (soleFrame(frame).contentBytes !== raw.length) throw new Error('the frame is not of what was compressed');
  if (isFirst() && !zstdDecompressSync(frame).equals(raw)) throw new Error('what was compressed does not come back');
  return frame.length;
}

/** Most agents are never so busy that they need it: it is made with the first block. */
class Lazily<T> {
  readonly #make: () => T;
  #value: T | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  value(): T {
    this.#value ??= this.#make();
    return this.#value;
  }
}

interface Context {
  run(raw: Uint8Array, into: Uint8Array): Promise<number>;
  /** True once. */
  isFirst(): boolean;
}

/** Throws where Node's insides are not as expected. */
function openContext(): Context {
  const state = new Uint32Array(2);
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const handle = newHandle();
  const ended = () => {
    const { resolve } = waiting!;
    waiting = undefined;
    resolve();
  };
  handle.onerror = (message) => {
    waiting?.reject(new Error(message));
    waiting = undefined;
  };
  handle.init(parameterArray(), undefined, state, ended, undefined);
  let first = true;
  return {
    async run(raw, into) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting = { resolve, reject };
      handle.write(constants.ZSTD_e_end, raw, 0, raw.length, into, 0, into.length);
      await promise;
      if (state[1] !== 0) throw new Error('the zstd frame does not fit its buffer');
      return into.length - state[0]!;
    },
    isFirst() {
      const was = first;
      first = false;
      return was;
    },
  };
}

function newHandle(): Handle {
  const stream = createZstdCompress();
  const { _handle: handle } = stream as unknown as { _handle?: { constructor: new () => Handle } };
  if (handle === undefined) throw new Error('node:zlib has no handle');
  const { constructor: Made } = handle;
  stream.destroy();
  return new Made();
}

/** As Node's own streams hand them over: by their number, −1 for those that are not given. */
function parameterArray(): Uint32Array {
  const given = Object.entries(parametersOf(1)).map(([number, value]) => [Number(number), value] as const);
  const all = new Uint32Array(Math.max(...given.map(([number]) => number)) + 1).fill(-1);
  for (const [number, value] of given) all[number] = value;
  return all;
}
