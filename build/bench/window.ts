/** What a process takes during a stretch of time, without asking it anything in between. */
import { type Figures, percentOfCore } from './figures.ts';
import { usageFigures } from './measure.ts';
import type { Running } from './program.ts';

export interface Window {
  /** CPU, memory, writes and syncs since it began. */
  end(): Promise<Figures>;
}

/** Memory, too, is the highest since now, not since the process began. */
export async function beginWindow(running: Running): Promise<Window> {
  const { spool } = await running.status();
  running.watch.restart();
  const start = performance.now();
  return {
    async end() {
      const usage = running.watch.read();
      const seconds = (performance.now() - start) / 1000;
      const syncs = (await running.status()).spool.syncs - spool.syncs;
      return {
        ...usageFigures(usage),
        cpuPercent: percentOfCore(usage.cpuSeconds, seconds),
        fsyncsPerSecond: syncs / seconds,
      };
    },
  };
}
