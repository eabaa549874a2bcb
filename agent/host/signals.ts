/**
 * Signals from the process's first moment on. Until somebody asks for them nothing was begun, so a stop ends the process at
 * once, with exit 0; the default would end it by the signal, which supervisors report as a failure.
 */
import { endProcess } from './exit.ts';

export type HandledSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

export type SignalHandler = (signal: HandledSignal) => void;

export interface Signals {
  /** Calls `handle` for each signal, and keeps the process alive, until disposed; after that the process is about to end. */
  onSignal(handle: SignalHandler): Disposable;
}

/** Takes the signals over, for good. To be called before anything else is loaded. */
export function takeSignals(): Signals {
  let current: SignalHandler = (signal) => {
    // The configuration that SIGHUP asks for is about to be read.
    if (signal !== 'SIGHUP') endProcess(0);
  };
  // One listener for all times: a signal that came while something was loading is delivered afterwards, to whoever is there then.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => current(signal));
  return {
    onSignal(handle) {
      // Timers and sockets of the agent need not keep it alive.
      const alive = setInterval(() => {}, 2 ** 30);
      current = handle;
      return {
        [Symbol.dispose]() {
          clearInterval(alive);
          current = () => {};
        },
      };
    },
  };
}
