/**
 * `npm run power-loss -- [--seconds S] [--cuts N] [--seed S]`: the real agent and receiver run under strace; then, for every prefix of their
 * system calls, what a power cut there could have left is built on a simulated disk (all that was synced, and a seeded subset of
 * the rest; N of these in all), opened by the real spool, and checked. Exit 0 only if all held. `--canary`: a disk that does not
 * do the syncs of segments; this has to fail.
 */
import { parseArgs } from 'node:util';
import { broken, type Party, Told } from './check.ts';
import { cannotRecord, record } from './record.ts';
import { Replay } from './replay.ts';
import type { Step } from './trace.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    cuts: { type: 'string', default: '10500' },
    seed: { type: 'string', default: '1' },
    canary: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const why = cannotRecord();
if (why !== undefined) {
  console.error(`power-loss: ${why}`);
  process.exit(1);
}
const { agent, receiver, lines } = await record(seed, Number(values.seconds));
const start = performance.now();
let [prefixes, cuts, failed, promises] = [0, 0, 0, 0];
await lose('agent', agent, { dataDir: '/data', shipper: 'central', promise: 'tailspool-upto' });
await lose('receiver', receiver, { dataDir: '/data', shipper: 'mirror', promise: 'tailspool-held' });
console.log(
  `${lines} lines; ${prefixes} prefixes of ${agent.length + receiver.length} recorded steps, ${promises} promises to others, ` +
    `${cuts} power cuts, ${failed} failed, in ${((performance.now() - start) / 1000).toFixed(0)} s (seed ${seed})`,
);
if (failed > 0 || promises < 20) process.exitCode = 1;

async function lose(name: string, steps: readonly Step[], party: Party): Promise<void> {
  const replay = new Replay();
  const told = new Told(party);
  const changes = steps.filter(({ kind }) => kind !== 'sync' && kind !== 'told').length;
  const perPrefix = Math.max(1, Number(values.cuts) / 2 / Math.max(1, changes));
  let due = 0;
  for (const [index, step] of steps.entries()) {
    told.see(step);
    if (values.canary && step.kind === 'sync' && step.path.includes('/spool/')) continue;
    if (!replay.apply(step)) continue;
    prefixes++;
    promises += told.promises;
    told.promises = 0;
    for (due += perPrefix; due >= 1; due--) await cut(name, replay, party, told, index, cuts++);
  }
}

async function cut(
  name: string,
  replay: Replay,
  party: Party,
  told: Told,
  index: number,
  number: number,
): Promise<void> {
  const wrong = await broken(replay.disk.afterPowerCut(seed * 1_000_003 + number), party, told).catch(
    (error: Error) => [error.stack ?? error.message],
  );
  if (wrong.length === 0) return;
  failed++;
  if (failed <= 20)
    console.error(`FAILED ${name}, power cut ${number} behind step ${index}:\n  ${wrong.slice(0, 5).join('\n  ')}`);
}
