/** `npm run simulate -- --herd`: how agents come back after outages, as histograms. */
import { drawn, type Herd, type HerdOptions, simulateHerd } from './herd.ts';

interface Scene extends Pick<HerdOptions, 'outageMs' | 'retryAfterSeconds' | 'jitter'> {
  readonly title: string;
}

const scenes: readonly Scene[] = [
  { title: 'nobody listens for 10 s', outageMs: 10_000 },
  { title: 'nobody listens for 2 min', outageMs: 120_000 },
  { title: '503 with Retry-After: 1 for 20 s', outageMs: 20_000, retryAfterSeconds: 1 },
  { title: '503 with Retry-After: 5 for 2 min', outageMs: 120_000, retryAfterSeconds: 5 },
  { title: 'the same without chance (what it is there for)', outageMs: 120_000, retryAfterSeconds: 5, jitter: false },
];

/** The exit code: 0 if none came before it was asked to. */
export async function reportHerd(agents: number, seed: number): Promise<number> {
  let early = 0;
  for (const { title, ...scene } of scenes) {
    const herd = await simulateHerd({ agents, seed, ...scene });
    early += herd.early;
    console.log(`${title}, ${agents} agents (seed ${seed}): ${inWords(herd, agents)}\n${drawn(herd.arrivals)}\n`);
  }
  return early === 0 ? 0 : 1;
}

function inWords({ arrivals, early }: Herd, agents: number): string {
  const most = Math.max(...arrivals);
  const share = ((100 * most) / agents).toFixed(1);
  return `back within ${arrivals.length} s, at most ${most} of them (${share} %) in a second, ${early} before they were asked to`;
}
