/** Looks for a planted bug: runs seeds from 1 on in a process that has it, until one fails. */
import type { Canary } from './canaries.ts';
import { WorkerProcess } from './worker-process.ts';

export interface Hunt {
  readonly canary: Canary;
  /** The seed that failed; undefined where none did. */
  readonly seed: number | undefined;
  readonly seconds: number;
  /** How it failed. */
  readonly why: string;
}

export async function hunt(canary: Canary): Promise<Hunt> {
  const start = performance.now();
  using worker = new WorkerProcess(canary.name);
  const end = (seed: number | undefined, why: string): Hunt => {
    return { canary, seed, why, seconds: (performance.now() - start) / 1000 };
  };
  for (let seed = 1; seed <= canary.seedsMax; seed++) {
    const reply = await worker.ask({
      kind: canary.by === 'shapes' ? 'run' : canary.by,
      seed,
      shaped: canary.by === 'shapes',
    });
    if (reply.kind === 'failed') return end(seed, reply.why);
  }
  return end(undefined, `held for ${canary.seedsMax} seeds`);
}

/** All of them, so many at once; in their order. */
export async function huntAll(all: readonly Canary[], atOnce: number, done: (hunt: Hunt) => void = () => {}) {
  const hunts: Hunt[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < all.length; at = next++) {
      hunts[at] = await hunt(all[at]!);
      done(hunts[at]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return hunts;
}
