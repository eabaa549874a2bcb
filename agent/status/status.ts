/**
 * The agent as it shows itself: one picture of all parts, taken at one instant and without waiting for anything. It is what
 * `/status.json` answers, what `tailspool status` prints and what the metrics are made from, so that these never disagree.
 */
import type { Collector, CollectorStatus, SourceStatus } from '../../collectors/ports.ts';
import type { Shipper, ShipperStatus } from '../../shippers/ports.ts';
import type { CollectorTotals, Outlet, ShipperTotals, SpoolStatus, Tally } from '../../spool/nouns.ts';
import type { Problem, UnixMs } from '../../spool/ports.ts';
import type { ProcessFacts, ProcessUsage } from '../ports.ts';
import { addTallies, noTally, sumOf } from './tallies.ts';

/** The parts that are looked at. `outlet` is the shipper's own door. */
export interface Parts {
  readonly dataDir: string;
  readonly codec: string;
  readonly process: ProcessFacts;
  readonly collectors: readonly Collector[];
  readonly shippers: readonly { readonly shipper: Shipper; readonly outlet: Outlet }[];
  readonly spool: { status(): SpoolStatus };
  /** The spool's collector totals as they stood when it was opened: what was read before this process. */
  readonly before: Readonly<Record<string, CollectorTotals>>;
}

export interface CollectorShown extends Omit<CollectorStatus, 'sources' | 'following'> {
  /** Over the life of the spool: what earlier processes took, and what this one did. */
  readonly readTotal: Tally;
  readonly totals: CollectorTotals;
  /** Those in trouble first, then the furthest behind; at most `sourcesShownMax`. */
  readonly sources: readonly SourceStatus[];
  readonly sourcesOmitted: number;
  readonly sourceStates: Readonly<Partial<Record<SourceStatus['state'], number>>>;
  readonly lagBytes: number;
  /** Age of the oldest byte that is not read yet, at least, as far as it was watched. */
  readonly lagMs: number;
}

export interface ShipperShown extends ShipperStatus {
  readonly waiting: Tally;
  readonly oldestWaitingAt: UnixMs | undefined;
  readonly totals: ShipperTotals;
}

/** A problem, and the part that has it (`collector nginx`, `shipper central`, `spool`, `agent`). */
export interface ShownProblem extends Problem {
  readonly part: string;
  /** What waits behind it, where that can be told. */
  readonly waitingBytes?: number | undefined;
  /** True where not the part itself tells it, but somebody who watches it. */
  readonly watched?: boolean;
}

export interface ProcessShown extends ProcessUsage {
  readonly pid: number;
  readonly version: string;
  readonly codec: string;
  readonly hostName: string;
  readonly startedAt: UnixMs;
  readonly eventLoopLagMs: number;
}

/** All that is shown but the judgement. */
export interface Picture {
  readonly at: UnixMs;
  readonly dataDir: string;
  readonly process: ProcessShown;
  readonly collectors: readonly CollectorShown[];
  readonly shippers: readonly ShipperShown[];
  readonly spool: Omit<SpoolStatus, 'collectors' | 'shippers'>;
}

/** What `/status.json` answers. */
export interface AgentStatus extends Picture {
  readonly running: true;
  readonly red: boolean;
  readonly problems: readonly ShownProblem[];
}

export const sourcesShownMax = 1000;

/** What only somebody who watches over time can tell. */
export interface Watched {
  readonly eventLoopLagMs: number;
  lagMs(collector: string, at: UnixMs): number;
}

/** Takes the picture. Synchronous, so that no counter moves while it is taken. */
export function takePicture(parts: Parts, at: UnixMs, watched: Watched): Picture {
  const { collectors, shippers, ...spool } = parts.spool.status();
  return {
    at,
    dataDir: parts.dataDir,
    process: showProcess(parts, watched.eventLoopLagMs),
    collectors: parts.collectors.map((collector) =>
      showCollector(
        collector.status(),
        watched.lagMs(collector.name, at),
        collectors[collector.name],
        parts.before[collector.name],
      ),
    ),
    shippers: parts.shippers.map(({ shipper, outlet }) =>
      showShipper(shipper.status(), outlet, shippers[shipper.name]),
    ),
    spool,
  };
}

function showProcess(parts: Parts, eventLoopLagMs: number): ProcessShown {
  const { pid, version, hostName, startedAt } = parts.process;
  return { pid, version, codec: parts.codec, hostName, startedAt, eventLoopLagMs, ...parts.process.usage() };
}

const noTotals: CollectorTotals = { spooled: noTally, dropped: {} };

function showCollector(
  status: CollectorStatus,
  lagMs: number,
  totals: CollectorTotals = noTotals,
  before: CollectorTotals = noTotals,
): CollectorShown {
  const { sources, following = 0, ...rest } = status;
  return {
    ...rest,
    readTotal: addTallies(status.read, addTallies(before.spooled, sumOf(before.dropped))),
    totals,
    sources: shownOf(sources),
    sourcesOmitted: following + Math.max(0, sources.length - sourcesShownMax),
    sourceStates: countStates(sources, following),
    lagBytes: sources.reduce((sum, source) => sum + source.lagBytes, 0),
    lagMs,
  };
}

/** Of thousands hardly any is in trouble or behind: only these are put in order. */
function shownOf(sources: readonly SourceStatus[]): SourceStatus[] {
  const [calm, others]: [SourceStatus[], SourceStatus[]] = [[], []];
  for (const source of sources) {
    if (troubled.has(source.state) || source.lagBytes > 0) others.push(source);
    else if (calm.length < sourcesShownMax) calm.push(source);
  }
  return [...others.sort(worstFirst), ...calm].slice(0, sourcesShownMax);
}

function countStates(sources: readonly SourceStatus[], following: number): CollectorShown['sourceStates'] {
  const counts: Partial<Record<SourceStatus['state'], number>> = following > 0 ? { following } : {};
  for (const { state } of sources) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function showShipper(
  status: ShipperStatus,
  outlet: Outlet,
  totals: ShipperTotals = { cursor: outlet.cursor, collectors: {} },
): ShipperShown {
  return { ...status, waiting: outlet.waiting(), oldestWaitingAt: outlet.oldestWaiting(), totals };
}

const troubled: ReadonlySet<SourceStatus['state']> = new Set(['stalled', 'unreadable', 'refused', 'missing']);

function worstFirst(a: SourceStatus, b: SourceStatus): number {
  return Number(troubled.has(b.state)) - Number(troubled.has(a.state)) || b.lagBytes - a.lagBytes;
}
