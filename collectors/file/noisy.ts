/**
 * Folders whose files are written to all the time: being told of each line costs more than looking at all of them whenever a sync
 * may come, so nobody listens there while that goes on. What stands in the folder is looked at then, and whether a name came or went.
 */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import type { Discovery, Hushed } from './discovery.ts';
import { changedNsOf } from './object-at.ts';
import { pace } from './options.ts';
import { sleepsOn } from './sleepers.ts';

/** Fewer hints between two syncs cost too little. */
const hintsMin = 4;
/** For so many syncs in a row it has to be as it is, noisy or quiet. */
const roundsMin = 5;
/** Of the files in a folder. */
const noisyShareMin = 0.75;
const quietShareMax = 0.25;

interface Noisy extends Hushed {
  /** Looks in a row that found little. */
  quiet: number;
}

export class NoisyFolders {
  readonly #context: Context;
  readonly #discovery: Discovery;
  /** Hints since the last look, by folder. */
  readonly #heard = new Map<string, number>();
  /** How often in a row a folder was noisy. */
  readonly #streaks = new Map<string, number>();
  readonly #noisy = new Map<string, Noisy>();

  constructor(context: Context, discovery: Discovery) {
    this.#context = context;
    this.#discovery = discovery;
  }

  /** Nobody listens to one at least: it has to be looked at. */
  get any(): boolean {
    return this.#noisy.size > 0;
  }

  heard(folder: string): void {
    this.#heard.set(folder, (this.#heard.get(folder) ?? 0) + 1);
  }

  /** Listens again where a name came or went: then everything in the folder has to be looked at, and the folder itself. */
  changed(): string[] {
    const paths: string[] = [];
    for (const [folder, { changedNs, paths: inIt }] of this.#noisy) {
      if (changedNsOf(folder, this.#context) === changedNs) continue;
      this.#listen(folder);
      paths.push(folder, ...inIt);
    }
    return paths;
  }

  /** Those that are not asleep, or were changed while they slept. */
  *toLookAt(): Generator<string> {
    const { registry, files } = this.#context;
    for (const { paths } of this.#noisy.values())
      for (const path of paths) {
        const sleeper = registry.sleepers.at(path);
        if (sleeper ? !sleepsOn(sleeper, files) : registry.lineages.has(path)) yield path;
      }
  }

  /** After a look that began at `since`, right before a sync: listens to what became quiet, and no more to what is noisy. */
  looked(since: MonotonicMs): void {
    for (const [folder, noisy] of this.#noisy) {
      const busy = this.#busyIn(noisy.paths, since);
      noisy.quiet = busy <= quietShareMax * noisy.paths.length ? noisy.quiet + 1 : 0;
      if (busy === Number.POSITIVE_INFINITY || noisy.quiet >= roundsMin) this.#listen(folder);
    }
    for (const folder of this.#streaks.keys()) if (!this.#isNoisy(folder)) this.#streaks.delete(folder);
    for (const folder of this.#heard.keys()) if (this.#isNoisy(folder)) this.#count(folder, since);
    this.#heard.clear();
  }

  #isNoisy(folder: string): boolean {
    const hints = this.#heard.get(folder) ?? 0;
    return hints >= Math.max(hintsMin, noisyShareMin * this.#discovery.countOf(folder));
  }

  #count(folder: string, since: MonotonicMs): void {
    const streak = (this.#streaks.get(folder) ?? 0) + 1;
    this.#streaks.set(folder, streak);
    if (streak < roundsMin) return;
    this.#streaks.delete(folder);
    const hushed = this.#discovery.hush(folder);
    if (!hushed) return;
    this.#noisy.set(folder, { ...hushed, quiet: 0 });
    if (this.#busyIn(hushed.paths, since) === Number.POSITIVE_INFINITY) this.#listen(folder);
  }

  /** How many gave something in this look; infinite where one gave much, which should not wait for syncs. */
  #busyIn(paths: readonly string[], since: MonotonicMs): number {
    let busy = 0;
    for (const path of paths) {
      const lineage = this.#context.registry.lineages.get(path);
      if (lineage === undefined || lineage.lastData < since) continue;
      if (lineage.lastTookBytes >= pace.quantumBytes) return Number.POSITIVE_INFINITY;
      busy++;
    }
    return busy;
  }

  #listen(folder: string): void {
    this.#noisy.delete(folder);
    this.#discovery.listen(folder);
  }
}
