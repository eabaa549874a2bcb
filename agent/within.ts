/** Time limits for ends: waits for something, but not for ever, and says so when it gave up. */
import type { Clock, Log } from '../spool/ports.ts';

/** Resolves when `work` has ended (well or not) or after `limitMs`, whichever comes first. Never rejects: an end goes on. */
export async function within(
  clock: Clock,
  log: Log,
  limitMs: number,
  what: string,
  work: Promise<void>,
): Promise<void> {
  const timeUp = Promise.withResolvers<void>();
  const timer = clock.after(limitMs, () => {
    const message = `${what} did not end within ${limitMs} ms and is left behind. Nothing is lost by it.`;
    log.write({ severity: 'warn', event: 'stop.timeout', subject: what, message });
    timeUp.resolve();
  });
  const ended = work.catch((error: unknown) => {
    const message = `${what} ended with an error: ${error instanceof Error ? error.message : String(error)}`;
    log.write({ severity: 'warn', event: 'stop.failed', subject: what, message });
  });
  await Promise.race([ended, timeUp.promise]);
  timer.cancel();
}
