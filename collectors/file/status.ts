/** What a file collector shows of itself. */
import type { Problem } from '../../spool/ports.ts';
import type { CollectorStatus, SourceStatus } from '../ports.ts';
import { shapeGauges } from '../shared/shape.ts';
import type { Context } from './context.ts';
import type { Discovery } from './discovery.ts';
import type { Generation } from './generation.ts';
import type { Lineage } from './lineage.ts';
import { type FileCollectorOptions, pace } from './options.ts';
import type { Sleeper } from './sleepers.ts';
import { typeOf } from './sources.ts';

const hangsAfterMs = 5_000;
const calmShownMax = 1000;

export function statusOf(
  options: FileCollectorOptions,
  context: Context,
  discovery: Discovery,
  held: boolean,
): CollectorStatus {
  const lineages = [...context.registry.lineages.values()];
  const { rows: sources, following } = rowsOf(lineages, context, held);
  return {
    name: options.name,
    type: typeOf(options),
    read: { ...context.tools.read },
    problems: problemsOf(options, context, discovery, lineages),
    sources,
    following,
    gauges: {
      open_files: context.descriptors.count,
      open_files_max: context.descriptors.max,
      directories: discovery.directories,
      files: context.registry.size,
      asleep: context.registry.sleepers.size,
      deleted_held_bytes: deletedBytes(context),
      ...shapeGauges(context.tools.shape, context.tools.shaped),
    },
  };
}

function problemsOf(
  options: FileCollectorOptions,
  context: Context,
  discovery: Discovery,
  lineages: readonly Lineage[],
): Problem[] {
  const problems: Problem[] = [];
  const troubled = [
    ...discovery.troubles,
    ...lineages.flatMap(({ path, trouble }) => (trouble ? [[path, trouble] as const] : [])),
  ];
  for (const [subject, { cause, message, hint, since }] of troubled)
    problems.push({ cause, subject, message, hint, since, red: false });
  for (const { live } of lineages) {
    for (const { failure, path } of live) {
      if (failure)
        problems.push({
          cause: 'unreadable',
          subject: path,
          message: failure.message,
          since: failure.since,
          red: false,
        });
    }
  }
  const now = context.clock.now();
  const hung = context.remote.oldest;
  if (hung && context.clock.monotonic() - hung.since > hangsAfterMs)
    problems.push({
      ...{
        cause: 'mount_hangs',
        subject: hung.path,
        since: now - (context.clock.monotonic() - hung.since),
        red: false,
      },
      message: `the mount of ${hung.path} does not answer; files on such mounts wait, all others go on`,
      hint: 'Look after the server, or unmount it.',
    });
  if (context.descriptors.takingTurns)
    problems.push({
      ...{ cause: 'open_files', subject: options.name, since: now, red: false },
      message: `more files are busy than may be open at once (${context.descriptors.max}): they take turns, which is slower`,
      hint: 'Raise open_files_max of this collector, and the limit of open files of the process (LimitNOFILE).',
    });
  if (context.registry.size === 0 && problems.length === 0)
    problems.push({
      ...{ cause: 'no_files', subject: options.name, since: now, red: false },
      message: `nothing matches ${options.include.join(', ')}`,
      hint: 'Check the include patterns; files that appear later are found by themselves.',
    });
  return problems;
}

/** All of which there is something to say; of those that are read to their ends a thousand, the others are only counted. */
function rowsOf(lineages: readonly Lineage[], context: Context, held: boolean) {
  const { sleepers } = context.registry;
  const rows: SourceStatus[] = [];
  let calm = 0;
  for (const lineage of lineages) {
    if (!isCalm(lineage) || calm++ < calmShownMax) rows.push(...sourcesOf(lineage, context, held));
  }
  const following = Math.max(0, calm - calmShownMax);
  const room = Math.max(0, calmShownMax - calm);
  if (room === 0) return { rows, following: following + sleepers.size };
  for (const sleeper of sleepers.all.values()) {
    if (calm++ >= calmShownMax) break;
    rows.push(sleepingRow(sleeper));
  }
  return { rows, following: following + Math.max(0, sleepers.size - room) };
}

function isCalm({ live, missing, trouble }: Lineage): boolean {
  const [one, another] = live;
  if (one === undefined || another !== undefined || missing.length > 0 || trouble !== undefined) return false;
  return one.lastTurn === 'idle' && one.lagBytes === 0 && one.failure === undefined;
}

function sleepingRow({ path: name, source, sizeBytes }: Sleeper): SourceStatus {
  return { name, source, offset: sizeBytes, size: sizeBytes, lagBytes: 0, lastReadAt: undefined, state: 'following' };
}

function sourcesOf(lineage: Lineage, context: Context, held: boolean): SourceStatus[] {
  const rows = [...lineage.live, ...lineage.missing].map((generation) => rowOf(generation, lineage, context, held));
  if (rows.length > 0 || !lineage.trouble) return rows;
  const { state, message, since } = lineage.trouble;
  const nothing = { source: 0, offset: 0, size: 0, lagBytes: 0, lastReadAt: undefined };
  return [{ name: lineage.path, ...nothing, state, reason: message, since }];
}

function rowOf(generation: Generation, lineage: Lineage, context: Context, held: boolean): SourceStatus {
  const { source, offset, sizeBytes: size, lagBytes, lastReadAt } = generation;
  const name =
    generation.place && generation.place.path !== lineage.path
      ? `${lineage.path} (now ${generation.place.path})`
      : lineage.path;
  const row = { name, source, offset, size, lagBytes, lastReadAt };
  if (lineage.missing.includes(generation))
    return { ...row, state: 'missing', reason: 'the file is not where it was, and under no name that rotation gives' };
  const { failure } = generation;
  if (failure) return { ...row, state: 'unreadable', reason: failure.message, since: failure.since };
  const quietMs = context.clock.monotonic() - generation.lastProgress;
  if (lagBytes > 0 && !held && quietMs > pace.stalledAfterMs)
    return {
      ...row,
      state: 'stalled',
      reason: stalledBecause(generation),
      since: Math.round(context.clock.now() - quietMs),
    };
  if (generation.lastTurn === 'open_line' || generation.lastTurn === 'torn_line')
    return { ...row, state: 'waiting', reason: openReason(context) };
  if (generation.lastTurn === 'nul_tail')
    return { ...row, state: 'waiting', reason: 'the file ends in NUL bytes, which may still be filled in' };
  if (held && lagBytes > 0)
    return {
      ...row,
      state: 'waiting',
      reason: `the spool takes nothing (${context.tools.intake.hold ?? 'for a moment'})`,
    };
  return { ...row, state: lagBytes > 0 ? 'catching_up' : 'following' };
}

function openReason({ tools }: Context): string {
  return tools.shape?.format === 'json' ? 'the last lines may go on' : 'the last line has no end yet';
}

function stalledBecause(generation: Generation): string {
  switch (generation.lastTurn) {
    case 'torn_line':
    case 'nul_tail':
      return 'the rest of the file is NUL bytes; it goes on when something stands behind them';
    case 'changed':
      return 'the bytes before the cursor changed, and it is being found out why';
    default:
      return `the last look at the file ended with "${generation.lastTurn}", and nothing was read since`;
  }
}

function deletedBytes(context: Context): number {
  let bytes = 0;
  for (const generation of context.descriptors.held) if (generation.deleted) bytes += generation.sizeBytes;
  return bytes;
}
