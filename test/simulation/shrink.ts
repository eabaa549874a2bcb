/** Makes a failing plan small: leaves out steps, then softens what is left, for as long as it still fails in the same way. */
import type { Act, Plan, Step } from './plan.ts';

/** Tells in a word how a plan fails; undefined where it holds. */
export type Verdict = (plan: Plan) => Promise<string | undefined>;

export interface Shrunk {
  readonly plan: Plan;
  readonly runs: number;
}

export async function shrink(plan: Plan, kind: string, verdict: Verdict, runsMax = 300): Promise<Shrunk> {
  const search = new Search(plan, kind, verdict, runsMax);
  await search.leaveOut();
  await search.soften();
  await search.leaveOut();
  return { plan: search.plan, runs: search.runs };
}

class Search {
  plan: Plan;
  runs = 0;
  readonly #kind: string;
  readonly #verdict: Verdict;
  readonly #runsMax: number;

  constructor(plan: Plan, kind: string, verdict: Verdict, runsMax: number) {
    this.plan = plan;
    this.#kind = kind;
    this.#verdict = verdict;
    this.#runsMax = runsMax;
  }

  /** First halves, then quarters, down to single steps. */
  async leaveOut(): Promise<void> {
    for (let size = Math.ceil(this.plan.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < this.plan.steps.length; ) {
        const steps = [...this.plan.steps.slice(0, at), ...this.plan.steps.slice(at + size)];
        if (!(await this.#take({ ...this.plan, steps }))) at += size;
      }
    }
  }

  async soften(): Promise<void> {
    for (let at = 0; at < this.plan.steps.length; at++) {
      for (const softer of softenings(this.plan.steps[at]!)) {
        const steps = this.plan.steps.with(at, softer);
        if (await this.#take({ ...this.plan, steps })) break;
      }
    }
  }

  /** The candidate becomes the plan if it fails as the plan does. */
  async #take(candidate: Plan): Promise<boolean> {
    if (this.runs >= this.#runsMax) return false;
    this.runs++;
    if ((await this.#verdict(candidate)) !== this.#kind) return false;
    this.plan = candidate;
    return true;
  }
}

/** The simplest first. */
function softenings(step: Step): Step[] {
  const { act } = step;
  const all = { ...step, start: ['centre', 'edge'] as const, waitMs: 200 };
  const found: Step[] = [];
  const soft = softAct(act);
  if (soft !== act) found.push({ ...all, act: soft }, { ...step, act: soft });
  if (step.waitMs !== 200 || step.start.length < 2) found.push(all, { ...step, waitMs: 200 });
  return found;
}

function softAct(act: Act): Act {
  switch (act.kind) {
    case 'append':
      return act.half || act.during > 0 || act.lines > 3
        ? { ...act, half: false, during: 0, lines: Math.min(act.lines, 3) }
        : act;
    case 'rotate':
      return act.during > 0 || act.spread > 0 || !act.create ? { ...act, during: 0, spread: 0, create: true } : act;
    case 'late':
    case 'truncate':
    case 'vanish':
    case 'expire':
      return act.during > 0 ? { ...act, during: 0 } : act;
    default:
      return act;
  }
}
