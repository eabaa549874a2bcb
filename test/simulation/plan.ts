/**
 * What happens in one simulated run, drawn from its seed before it begins: a list of steps that can be printed, run again
 * with some of them left out, and still mean the same, since each step carries its own seed.
 */
import { type RotationStyle, rotationStyles } from './logs.ts';
import { SeededRandom } from './random.ts';

export type SideName = 'edge' | 'centre';

/** `during`: so many operations of the agent's disk later, so that it happens between any two of them; 0: at once. */
export type Act =
  | {
      readonly kind: 'append';
      readonly log: number;
      readonly lines: number;
      readonly half: boolean;
      readonly lazily: boolean;
      readonly during: number;
    }
  | { readonly kind: 'late'; readonly log: number; readonly lines: number; readonly during: number }
  | {
      readonly kind: 'rotate';
      readonly log: number;
      readonly style: RotationStyle;
      readonly create: boolean;
      readonly racing: number;
      readonly during: number;
      /** Operations of the agent's disk between two steps of the rotation. */
      readonly spread: number;
    }
  | { readonly kind: 'truncate' | 'vanish' | 'expire'; readonly log: number; readonly during: number }
  /** The agent's disk is full, so that it sees lines which it does not read, and these are destroyed. */
  | { readonly kind: 'destroy'; readonly log: number; readonly lines: number }
  | { readonly kind: 'power'; readonly side: SideName; readonly before: number }
  | { readonly kind: 'kill' | 'stop' | 'snapshot' | 'restore'; readonly side: SideName }
  | { readonly kind: 'network'; readonly probability: number }
  | { readonly kind: 'disk'; readonly side: SideName; readonly fault: DiskFault }
  | { readonly kind: 'flip'; readonly side: SideName }
  | { readonly kind: 'quiet' | 'mend' };

export const diskFaults = ['sync_fails', 'flaky', 'loses_pages', 'no_space', 'short', 'slow', 'full'] as const;
export type DiskFault = (typeof diskFaults)[number] | 'lies';

export interface Step {
  readonly act: Act;
  /** For whatever is drawn while it happens. */
  readonly seed: number;
  readonly waitMs: number;
  /** Whoever does not run is started again after it. */
  readonly start: readonly SideName[];
}

/** Beyond what every run has: what makes the oracle allow something, or the world more varied. */
export type Theme = 'plain' | 'edge_restored' | 'centre_restored' | 'edge_lies' | 'centre_lies' | 'rot';

export interface Plan {
  readonly seed: number;
  readonly theme: Theme;
  /** Log files may lose their unsynced ends in a power cut. */
  readonly goesBack: boolean;
  /** Lines are not taken as they stand: groups, parts, another encoding (`scripts.ts`). */
  readonly shaped?: true;
  readonly steps: readonly Step[];
  /** Power cuts that come before these changes of a disk: the first of its first life, the second of its second… */
  readonly cuts: Readonly<Record<SideName, readonly number[]>>;
}

export const logNames = ['a', 'b', 'c'];

export function drawPlan(seed: number, stepsMax = 60): Plan {
  const random = new SeededRandom(seed);
  const theme = drawTheme(random);
  const traits = {
    theme,
    styles: random.chance(0.3) ? (['rename'] as const) : rotationStyles,
    destroys: random.chance(0.25),
    goesBack: random.chance(0.2),
  };
  const steps = Array.from({ length: stepsMax }, () => drawStep(random.fork(), traits));
  return { seed, theme, goesBack: traits.goesBack, steps, cuts: { edge: [], centre: [] } };
}

/** The same with logs whose lines are not taken as they stand. They do not go back after a power cut. */
export function drawShapedPlan(seed: number): Plan {
  return shaped(drawPlan(seed));
}

/** The same world, written in other scripts; what a runtime cuts into parts is often rotated between two of them. */
export function shaped(plan: Plan): Plan {
  const steps = plan.steps.flatMap((step): Step[] => {
    const { act, seed } = step;
    if (act.kind !== 'append') return [step];
    const half = act.half || (act.log === partsLog && seed % 3 === 0);
    const written = { ...step, act: { ...act, half, lazily: false } };
    return half && act.log === partsLog
      ? [{ ...written, waitMs: seed % 7 === 0 ? 6000 : seed % 800 }, rotated(written)]
      : [written];
  });
  return { ...plan, goesBack: false, shaped: true, steps };
}

/** The one of the logs that parts are written to. */
const partsLog = 1;

function rotated({ seed }: Step): Step {
  const style = seed % 5 === 0 ? 'dateext' : 'rename';
  const act = {
    kind: 'rotate',
    log: partsLog,
    style,
    create: seed % 2 === 0,
    racing: 0,
    during: 0,
    spread: 0,
  } as const;
  return { act, seed, waitMs: seed % 300, start: ['centre', 'edge'] };
}

/** The plan without its faults: logs grow and rotate, and everybody runs. For crashing it before each operation. */
export function drawCalmPlan(seed: number, steps = 14): Plan {
  const random = new SeededRandom(seed);
  const traits = { theme: 'plain' as const, styles: rotationStyles, destroys: false, goesBack: false };
  const calm = Array.from({ length: steps }, (_, at): Step => {
    const own = random.fork();
    const act = at % 3 === 2 ? drawRotation(own, traits) : drawAppend(own, traits);
    return { act, seed: own.uint32(), waitMs: own.below(600), start: ['centre', 'edge'] };
  });
  return { seed, theme: 'plain', goesBack: false, steps: calm, cuts: { edge: [], centre: [] } };
}

interface Traits {
  readonly theme: Theme;
  readonly styles: readonly RotationStyle[];
  readonly destroys: boolean;
  readonly goesBack: boolean;
}

function drawTheme(random: SeededRandom): Theme {
  if (random.chance(0.75)) return 'plain';
  return random.pick<Theme>(['edge_restored', 'centre_restored', 'edge_lies', 'centre_lies', 'rot']);
}

function drawStep(random: SeededRandom, traits: Traits): Step {
  const act = drawAct(random, traits);
  const start = (['centre', 'edge'] as const).filter(() => random.chance(0.7));
  const waitMs = random.below(random.chance(0.1) ? 20_000 : 400);
  return { act, seed: random.uint32(), waitMs, start };
}

function drawAct(random: SeededRandom, traits: Traits): Act {
  const side = random.pick<SideName>(['edge', 'centre']);
  const dice = random.below(100);
  if (dice < 38) return drawAppend(random, traits);
  if (dice < 50) return drawRotation(random, traits);
  if (dice < 64) return { kind: 'power', side, before: random.below(random.chance(0.5) ? 10 : 200) };
  if (dice < 69) return { kind: 'kill', side };
  if (dice < 73) return { kind: 'stop', side };
  if (dice < 82) return { kind: 'network', probability: random.pick([0.1, 0.3, 1]) };
  if (dice < 86) {
    if (!traits.destroys || traits.theme !== 'plain') return { kind: 'quiet' };
    return { kind: 'destroy', log: random.below(logNames.length), lines: 1 + random.below(20) };
  }
  if (dice < 92) return { kind: 'disk', side, fault: random.pick(diskFaults) };
  if (dice < 95) return { kind: 'mend' };
  return drawThemed(random, traits);
}

/** What is rare, and what only this theme has. */
function drawThemed(random: SeededRandom, traits: Traits): Act {
  const { theme } = traits;
  const log = random.below(logNames.length);
  if (theme !== 'plain' && random.chance(0.7)) {
    const side = theme.startsWith('edge') ? 'edge' : theme.startsWith('centre') ? 'centre' : 'edge';
    if (theme === 'rot') return { kind: 'flip', side: log === 0 ? 'centre' : 'edge' };
    if (theme.endsWith('lies')) return { kind: 'disk', side, fault: 'lies' };
    return { kind: random.chance(0.5) ? 'snapshot' : 'restore', side };
  }
  if (!traits.destroys || random.chance(0.3))
    return { kind: 'late', log, lines: 1 + random.below(5), during: drawDuring(random) };
  return { kind: random.pick(['truncate', 'vanish', 'expire'] as const), log, during: drawDuring(random) };
}

function drawAppend(random: SeededRandom, { goesBack }: Traits): Act {
  const lines = random.below(random.chance(0.1) ? 300 : 40);
  const lazily = goesBack && random.chance(0.7);
  const log = random.below(logNames.length);
  return { kind: 'append', log, lines, half: random.chance(0.15), lazily, during: drawDuring(random) };
}

function drawRotation(random: SeededRandom, { styles, destroys }: Traits): Act {
  const log = random.below(logNames.length);
  const racing = destroys && random.chance(0.3) ? 1 + random.below(3) : 0;
  const spread = random.chance(0.5) ? 0 : random.below(30);
  const style = random.pick(styles);
  return { kind: 'rotate', log, style, create: random.chance(0.7), racing, during: drawDuring(random), spread };
}

function drawDuring(random: SeededRandom): number {
  return random.chance(0.5) ? 0 : random.below(random.chance(0.5) ? 20 : 200);
}

/** A step in a line, for people. */
export function print({ act, waitMs, start }: Step): string {
  const { kind, ...more } = act;
  const details = Object.entries(more).map(
    ([key, value]) => `${key} ${key === 'log' ? logNames[value as number] : value}`,
  );
  const starts = start.length > 0 ? `, start ${start.join(' and ')}` : '';
  return `${kind}${details.length > 0 ? ` (${details.join(', ')})` : ''}, then ${waitMs} ms${starts}`;
}
