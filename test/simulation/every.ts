/**
 * A calm run of the whole agent and receiver, crashed before each operation of one of the two machines' disks, and again during
 * the recovery: each of these runs is driven to its end and judged like any other.
 */
import { drawCalmPlan, type Plan, type SideName, shaped } from './plan.ts';
import { SeededRandom } from './random.ts';
import { runWhole } from './whole.ts';

export interface EveryResult {
  readonly seed: number;
  readonly runs: number;
  /** Of the disks, before which the power went. */
  readonly operations: number;
  /** Runs in which it went a second time. */
  readonly again: number;
}

/** Recoveries take so many changes, most of them. */
const recoveryOperations = 40;

/** `stride`: before every how many-th operation. */
export async function runEvery(
  seed: number,
  {
    side,
    shaped: isShaped = false,
    stride = 1,
  }: { readonly side?: SideName; readonly shaped?: boolean; readonly stride?: number } = {},
): Promise<EveryResult> {
  const calm = drawCalmPlan(seed);
  const plan = isShaped ? shaped(calm) : calm;
  const { operations } = await runWhole(plan);
  const random = new SeededRandom(seed);
  const counts = { runs: 1, operations: 0, again: 0 };
  for (const name of side ? [side] : (['edge', 'centre'] as const)) {
    for (let at = seed % stride; at < operations[name]; at += stride) {
      const twice = random.chance(0.5);
      await crashed(plan, name, twice ? [at, random.below(recoveryOperations)] : [at]);
      counts.runs++;
      counts.operations++;
      counts.again += twice ? 1 : 0;
    }
  }
  return { seed, ...counts };
}

async function crashed(plan: Plan, side: SideName, points: readonly number[]): Promise<void> {
  try {
    await runWhole({ ...plan, cuts: { ...plan.cuts, [side]: points } });
  } catch (error) {
    throw new Error(
      `${side} crashed before change ${points.join(', then before change ')}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}
