/**
 * What happens to agent and receiver in one round of torture, drawn from a seed alone: the same seed and number of kills
 * give the same plan. (The processes are real, so what a step meets still differs from run to run.)
 */
import { SeededRandom } from '../simulation/random.ts';

export const sides = ['agent', 'receiver'] as const;
export type Side = (typeof sides)[number];
export type Victim = Side | 'both';

/** What the network between them does. `closed`: nothing listens. `silent`: takes connections, and nothing moves. */
export const troubles = ['closed', 'silent', 'slow', 'replies_cut', 'requests_cut'] as const;
export type Trouble = (typeof troubles)[number];

export type Step =
  /** SIGKILL, or SIGTERM and a proper end; `afterMs` after it answers, or at once; then `downMs` later a start. */
  | {
      readonly kind: 'kill' | 'restart';
      readonly victim: Victim;
      readonly answering: boolean;
      readonly afterMs: number;
      readonly downMs: number;
    }
  /** SIGSTOP, and `ms` later SIGCONT; what follows goes on meanwhile, as with all that lasts. */
  | { readonly kind: 'freeze'; readonly victim: Side; readonly ms: number }
  /** `bytes`: how much of a request or reply passes before it is cut. */
  | { readonly kind: 'network'; readonly trouble: Trouble; readonly ms: number; readonly bytes: number }
  /** `wait`: until it is done; else the next steps fall into it. */
  | { readonly kind: 'rotate'; readonly wait: boolean }
  /** The small disk under this side's data_dir is filled to the last byte, and freed `ms` later. */
  | { readonly kind: 'fill'; readonly victim: Side; readonly ms: number }
  /** The clock of this side jumps, forward or back. */
  | { readonly kind: 'clock'; readonly victim: Side; readonly byMs: number }
  | { readonly kind: 'wait'; readonly ms: number };

/**
 * `plain`, and what else a round has. In a `steady` one no process ends, so that memory can be watched for long. In `rotations`
 * every log is rotated on its own, in its own style, all the time.
 */
export const kinds = ['plain', 'disk', 'clock', 'files', 'rotations', 'steady'] as const;
export type Kind = (typeof kinds)[number];

export interface Setup {
  readonly kind: Kind;
  readonly files: number;
  readonly linesPerSecond: number;
  /** In 0 … 1: which style of rotation, one for the whole round (no host changes it from one rotation to the next). */
  readonly style: number;
  /** How long either side waits for the other before it gives a request up. Freezes last shorter and longer. */
  readonly timeoutMs: number;
  /** Segments of 256 KiB instead of the default, so that they begin and go all the time. */
  readonly smallSegments: boolean;
  /** Which data_dir lies on a small file system of its own. */
  readonly smallDisk: Side | undefined;
  readonly clock: boolean;
  /** The agent keeps what was acknowledged, so that its spool can be compared too; else its segments go. */
  readonly keepsAll: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly kills: number;
  readonly setup: Setup;
  readonly steps: readonly Step[];
}

export interface PlanOptions {
  readonly seed: number;
  /** Moments of SIGKILL; a steady round has none, whatever is asked for. */
  readonly kills: number;
  /** By default drawn from the seed. */
  readonly kind?: Kind;
  /** Of a steady round. */
  readonly steadyMs?: number;
}

export function planOf({ seed, kills, kind, steadyMs = 60_000 }: PlanOptions): Plan {
  const random = new SeededRandom(seed);
  const setup = drawSetup(random, kind ?? kinds[seed % kinds.length]!);
  if (setup.kind === 'steady') return { seed, kills: 0, setup, steps: drawSteadySteps(random, setup, steadyMs) };
  const steps = Array.from({ length: kills }, () => [...drawFaults(random, setup), ...drawEnds(random)]).flat();
  return { seed, kills, setup, steps };
}

function drawSetup(random: SeededRandom, kind: Kind): Setup {
  const also = (wanted: Kind) => kind === wanted || (kind !== 'plain' && random.chance(0.15));
  const smallDisk = also('disk') ? random.pick(sides) : undefined;
  return {
    kind,
    files: kind === 'files' ? 1000 : kind === 'rotations' ? 20 : random.pick([1, 4, 4, 12]),
    linesPerSecond: between(random, 4_000, 12_000),
    style: random.fraction(),
    timeoutMs: between(random, 1_000, 2_000),
    smallSegments: smallDisk !== undefined || random.chance(0.5),
    smallDisk,
    clock: also('clock'),
    keepsAll: smallDisk !== 'agent' && random.chance(0.5),
  };
}

/** What lasts or passes; up to two of them before a kill. */
function drawFaults(random: SeededRandom, setup: Setup): Step[] {
  const drawn: Step[] = [];
  if (random.chance(0.4)) drawn.push(drawRotation(random));
  if (random.chance(0.3)) drawn.push(drawTrouble(random, setup));
  if (random.chance(0.2)) drawn.push(drawFreeze(random, setup));
  if (setup.smallDisk !== undefined && random.chance(0.25)) drawn.push(drawFill(random, setup.smallDisk));
  if (setup.clock && random.chance(0.4)) drawn.push(drawJump(random));
  return drawn.slice(0, 2);
}

function drawEnds(random: SeededRandom): Step[] {
  const ends = [drawEnd(random, 'kill')];
  if (random.chance(0.1)) ends.push(drawEnd(random, 'restart'));
  return random.chance(0.2) ? [...ends, drawRotation(random)] : ends;
}

/** At a random moment: half of them wait until the victim works, the others come while it starts or recovers. */
function drawEnd(random: SeededRandom, kind: 'kill' | 'restart'): Step {
  const answering = random.chance(0.5);
  const afterMs = between(random, 0, answering ? 1_500 : 250);
  const victim = random.pick(['agent', 'receiver', 'both'] as const);
  return { kind, victim, answering, afterMs, downMs: random.chance(0.5) ? 0 : between(random, 0, 300) };
}

function drawSteadySteps(random: SeededRandom, setup: Setup, ms: number): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < ms; ) {
    const pause = between(random, 500, 2_000);
    steps.push(...drawFaults(random, setup), { kind: 'wait', ms: pause });
    at += pause;
  }
  return steps;
}

function drawRotation(random: SeededRandom): Step {
  return { kind: 'rotate', wait: random.chance(0.5) };
}

function drawTrouble(random: SeededRandom, setup: Setup): Step {
  const trouble = random.pick(troubles);
  return {
    kind: 'network',
    trouble,
    ms: drawDuration(random, setup),
    bytes: random.below(trouble === 'replies_cut' ? 400 : 40_000),
  };
}

function drawFreeze(random: SeededRandom, setup: Setup): Step {
  return { kind: 'freeze', victim: random.pick(sides), ms: drawDuration(random, setup) };
}

/** Mostly a moment; now and then longer than every timeout. */
function drawDuration(random: SeededRandom, { timeoutMs }: Setup): number {
  return random.chance(0.25) ? between(random, timeoutMs, 3 * timeoutMs) : between(random, 50, 800);
}

function drawFill(random: SeededRandom, victim: Side): Step {
  return { kind: 'fill', victim, ms: between(random, 100, 3_000) };
}

/** By up to twelve hours. */
function drawJump(random: SeededRandom): Step {
  const byMs = between(random, 1_000, 12 * 3_600_000);
  return { kind: 'clock', victim: random.pick(sides), byMs: random.chance(0.5) ? byMs : -byMs };
}

function between(random: SeededRandom, from: number, to: number): number {
  return from + random.below(to - from + 1);
}
