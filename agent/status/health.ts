/**
 * Judges a picture: everything that is wrong now, with the part that has it, and whether the agent as a whole is red. Pure;
 * what needs memory (since when, for how long) comes in from the parts and from the watchdog.
 */
import type { SourceStatus } from '../../collectors/ports.ts';
import type { HoldReason } from '../../spool/nouns.ts';
import type { Problem, UnixMs } from '../../spool/ports.ts';
import type { AgentStatus, CollectorShown, Picture, ShipperShown, ShownProblem } from './status.ts';

/** `own` are the problems that no part reports of itself: the watchdog's and the admin endpoint's. */
export function judge(picture: Picture, own: readonly ShownProblem[]): AgentStatus {
  const problems = [
    ...picture.collectors.flatMap((collector) => collectorProblems(collector, picture.at)),
    ...spoolProblems(picture),
    ...picture.shippers.flatMap(shipperProblems),
    ...own,
  ];
  return {
    ...picture,
    running: true,
    red: problems.some(({ red }) => red),
    problems: problems.sort(redAndOldestFirst),
  };
}

function collectorProblems(collector: CollectorShown, at: UnixMs): ShownProblem[] {
  const part = `collector ${collector.name}`;
  const reported = collector.problems.map((problem) => ({ ...problem, part }));
  const subjects = new Set(collector.problems.map(({ subject }) => subject));
  const unreported = collector.sources
    .filter((source) => sourceTrouble[source.state] !== undefined && !subjects.has(source.name))
    .map((source) => sourceProblem(source, part, at));
  return [...reported, ...unreported];
}

const sourceTrouble: Partial<Record<SourceStatus['state'], { readonly red: boolean; readonly hint: string }>> = {
  stalled: { red: true, hint: 'look at the reason; if there is none, restart the agent and report it' },
  unreadable: { red: false, hint: 'let the agent’s user read it' },
  refused: { red: false, hint: 'the reason says what would have it read' },
};

function sourceProblem(source: SourceStatus, part: string, at: UnixMs): ShownProblem {
  const trouble = sourceTrouble[source.state]!;
  return {
    part,
    cause: source.state,
    subject: source.name,
    message: source.reason ?? `${source.state}, ${source.lagBytes} bytes behind`,
    since: source.since ?? source.lastReadAt ?? at,
    hint: trouble.hint,
    red: trouble.red,
    waitingBytes: source.lagBytes,
  };
}

function spoolProblems(picture: Picture): ShownProblem[] {
  return picture.spool.problems.map((problem) => ({ ...problem, part: 'spool', waitingBytes: behind(picture) }));
}

function behind(picture: Picture): number {
  return picture.collectors.reduce((sum, { lagBytes }) => sum + lagBytes, 0);
}

function shipperProblems(shipper: ShipperShown): ShownProblem[] {
  const part = `shipper ${shipper.name}`;
  return shipper.problems.map((problem) => ({ ...problem, part, waitingBytes: shipper.waiting.bytes }));
}

function redAndOldestFirst(a: Problem, b: Problem): number {
  return Number(b.red) - Number(a.red) || a.since - b.since;
}

/** What a hold means for people; `undefined`: it passes by itself and is no problem. */
export const holdMeaning: Readonly<
  Record<HoldReason, { readonly message: string; readonly hint: string } | undefined>
> = {
  spool_full: {
    message: 'The spool has reached max_size; nothing is read until a shipper has delivered some of it.',
    hint: 'Mend the shipper that is behind, raise spool.max_size, or let it drop the oldest (when_full: drop_oldest).',
  },
  disk_full: {
    message: 'The disk of data_dir is full; nothing is read until there is space again.',
    hint: 'Free space on that disk, or lower spool.min_free. The agent goes on by itself.',
  },
  disk_error: {
    message: 'The disk of data_dir gives errors; nothing is read until writing works again.',
    hint: 'Look at the kernel log (dmesg) for this disk. The agent goes on by itself.',
  },
  damaged_full: {
    message: 'data_dir/damaged or data_dir/dead has reached its cap; nothing is read until there is room.',
    hint: 'Look at what lies there, keep what you need elsewhere, and remove it.',
  },
  too_many_sources: {
    message: 'More sources are remembered than a segment can begin with; nothing is read until some are forgotten.',
    hint: 'Have the file collectors forget some: forget_after, sources_max.',
  },
  unsynced: undefined,
  rolling: undefined,
  closed: undefined,
};
