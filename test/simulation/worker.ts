/** One process of a simulation: runs the seeds that it is told to, each to its end, and tells what came of it. */
import { type CrashResult, runCrashes } from './crashes.ts';
import { Crash } from './errors.ts';
import { type EveryResult, runEvery } from './every.ts';
import { drawPlan, drawShapedPlan, type Plan, print } from './plan.ts';
import { shrink } from './shrink.ts';
import { runWhole, type WholeResult } from './whole.ts';

/** `run`: a seed of the whole; `shrink`: makes a failing one small; `every`: the power goes before each operation of a calm run. */
export interface Request {
  readonly kind: 'run' | 'shrink' | 'every' | 'crashes';
  readonly seed: number;
  /** The logs are such that their lines are not taken as they stand. */
  readonly shaped?: boolean;
}

export type Reply =
  | { readonly kind: 'held'; readonly result: WholeResult }
  | { readonly kind: 'crashes'; readonly result: CrashResult }
  | { readonly kind: 'every'; readonly result: EveryResult }
  | { readonly kind: 'failed'; readonly seed: number; readonly why: string; readonly story: string }
  | {
      readonly kind: 'shrunk';
      readonly seed: number;
      readonly runs: number;
      readonly steps: readonly string[];
      readonly story: string;
    };

// A machine that lost its power leaves promises behind that nobody waits for any more.
let surprise: unknown;
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Crash)) surprise ??= error;
});

export async function answer(request: Request): Promise<Reply> {
  const { kind, seed, shaped = false } = request;
  const plan = () => (shaped ? drawShapedPlan(seed) : drawPlan(seed));
  switch (kind) {
    case 'run':
      return await run(plan());
    case 'crashes':
      return await caught(seed, async () => ({ kind, result: await runCrashes(seed) }));
    case 'every':
      return await caught(seed, async () => ({ kind, result: await runEvery(seed, { shaped }) }));
    case 'shrink':
      return await shrunk(plan());
    default:
      throw new Error(`no such request: ${kind satisfies never}`);
  }
}

async function shrunk(plan: Plan): Promise<Reply> {
  const first = await run(plan);
  if (first.kind !== 'failed') return first;
  const { plan: small, runs } = await shrink(plan, kindOf(first.why), async (candidate) => {
    const reply = await run(candidate);
    return reply.kind === 'failed' ? kindOf(reply.why) : undefined;
  });
  const last = await run(small);
  const story =
    last.kind === 'failed' ? `${last.why}\n${last.story}` : 'it holds now: the run depends on more than its seed';
  return { kind: 'shrunk', seed: plan.seed, runs, steps: small.steps.map(print), story };
}

async function run(plan: Plan): Promise<Reply> {
  return await caught(plan.seed, async () => ({ kind: 'held', result: await runWhole(plan) }));
}

/** A surprise in a promise that nobody waits for is a failure too. */
async function caught(seed: number, act: () => Promise<Reply>): Promise<Reply> {
  surprise = undefined;
  try {
    const reply = await act();
    if (surprise === undefined) return reply;
    throw surprise;
  } catch (error) {
    const [why = '', ...story] = ((error as Error).stack ?? String(error)).split('\n');
    return { kind: 'failed', seed, why, story: story.join('\n') };
  }
}

/** `lost`, `repeated` … without the numbers, so that what is smaller still fails in the same way. */
function kindOf(why: string): string {
  return (
    /\b(lost|repeated|out of order|invented|miscut|account|came twice|shipped|not settled|does not start)\b/.exec(
      why,
    )?.[0] ?? why.replace(/\d+/g, '')
  );
}

// Ctrl-C goes to every process of a terminal: whoever asked decides.
process.on('SIGINT', () => {});

process.on('message', (request: Request) => {
  void answer(request).then((reply) => process.send?.(reply));
});
