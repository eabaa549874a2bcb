/**
 * Another thread that compresses, as a simulated clock has it: each second frame takes some milliseconds. What it was given is read when it
 * has ended, so that whoever touches it meanwhile spoils the frame. With `failing` it refuses each seventh.
 */
import type { Clock, Codec, Press } from '../../spool/ports.ts';

/** So small that the blocks of a simulation come on both sides of it. */
const rawBytesMin = 40;
const slowMs = 3;

export function simulatedPress(codec: Codec, clock: Clock, failing = false): Press {
  let count = 0;
  return {
    rawBytesMin,
    compress(raw, into) {
      count++;
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const end = () => {
        if (failing && count % 7 === 0) reject(new Error('the other thread cannot'));
        else resolve(codec.compress(raw, into));
      };
      if (count % 2 === 0) clock.after(slowMs, end);
      else clock.soon(end);
      return promise;
    },
  };
}
