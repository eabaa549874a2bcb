/** The host's clocks and timers. Timers never keep the process alive by themselves. */
import type { Clock } from '../../spool/ports.ts';

/** The longest delay that Node's timers take (2^31 − 1 ms); longer ones would fire at once. */
const delayMsMax = 2_147_483_647;

export const hostClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, Math.min(Math.max(delayMs, 0), delayMsMax));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  soon(call) {
    setImmediate(call);
  },
};
