/** Waits for something, but not for ever. */
import type { Clock } from '../../spool/ports.ts';

/** True if `promise` resolved within `delayMs`, false if it did not or was rejected. */
export async function within(clock: Clock, delayMs: number, promise: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = clock.after(delayMs, () => resolve(false));
  const done = promise.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([done, late]);
  timer.cancel();
  return result;
}
