/**
 * Notices what a part that hangs cannot say of itself. It looks at one picture a second and compares it with what it saw
 * before; each finding names the part, what stands still and for how long. It only tells, it never restarts anything.
 *
 * - a source that is behind and is not read for 30 s, while nothing holds reading back: `stalled`;
 * - a shipper that has work and attempts nothing for 30 s (or sends one request for 10 minutes): `shipper_hangs`;
 * - a sync that does not return for 10 s: `sync_hangs`;
 * - a spool that holds: the hold's own name, once it has lasted 5 s, where the spool did not report it itself;
 * - an event loop that was blocked for more than 2 s within about the last minute: `event_loop_blocked`.
 */
import type { SourceStatus } from '../../collectors/ports.ts';
import type { UnixMs } from '../../spool/ports.ts';
import { holdMeaning } from './health.ts';
import { lagMs, lookAt, type SizeMark } from './lag.ts';
import type { CollectorShown, Picture, ShipperShown, ShownProblem } from './status.ts';

export const patience = {
  sourceMs: 30_000,
  shipperMs: 30_000,
  requestMs: 600_000,
  syncMs: 10_000,
  holdMs: 5_000,
  loopLagMs: 2_000,
} as const;

/** Something that ought to change, what it was when it last did, and when that was. */
interface Mark {
  readonly value: string;
  readonly since: UnixMs;
}

export class Watchdog {
  /** One entry for each thing watched in the last picture; entries of things that are gone go with them. */
  #marks = new Map<string, Mark>();
  #problems: readonly ShownProblem[] = [];
  /** By collector, then by source; only of sources that are behind. */
  #sizes = new Map<string, Map<number, readonly SizeMark[]>>();

  /** What was found at the last look. */
  get problems(): readonly ShownProblem[] {
    return this.#problems;
  }

  /** Age in milliseconds of the collector's oldest unread byte, as far as it was watched; 0 when all is read. */
  lagMs(collector: string, at: UnixMs): number {
    const marks = this.#sizes.get(collector);
    return marks ? Math.max(0, ...[...marks.values()].map((sizes) => lagMs(sizes, at))) : 0;
  }

  look(picture: Picture): void {
    this.#sizes = new Map(picture.collectors.map((shown) => [shown.name, this.#sizesOf(shown, picture.at)]));
    const before = this.#marks;
    const marks = new Map<string, Mark>();
    const standsSince = (key: string, value: string | number | undefined): UnixMs => {
      const known = before.get(key);
      const mark = known?.value === String(value) ? known : { value: String(value), since: picture.at };
      marks.set(key, mark);
      return mark.since;
    };
    this.#problems = findings(picture, standsSince);
    this.#marks = marks;
  }

  #sizesOf(collector: CollectorShown, at: UnixMs): Map<number, readonly SizeMark[]> {
    const before = this.#sizes.get(collector.name);
    const behind = collector.sources.filter(({ lagBytes }) => lagBytes > 0);
    return new Map(
      behind.map(({ source, offset, size }) => [source, lookAt(before?.get(source) ?? [], at, offset, size)]),
    );
  }
}

/** Since when `key` has had this value, as far as it was watched. */
type StandsSince = (key: string, value: string | number | undefined) => UnixMs;

function findings(picture: Picture, standsSince: StandsSince): ShownProblem[] {
  const holdSince = standsSince('hold', picture.spool.hold);
  const free = picture.spool.hold === undefined ? holdSince : undefined;
  return [
    ...picture.collectors.flatMap((collector) => stalledSources(collector, picture.at, free, standsSince)),
    ...picture.shippers.flatMap((shipper) => hangingShipper(shipper, picture, standsSince)),
    ...hangingSync(picture, standsSince),
    ...lastingHold(picture, holdSince),
    ...blockedLoop(picture, standsSince),
  ];
}

/** `freeSince`: since when nothing has held reading back; undefined while something does. */
function stalledSources(
  collector: CollectorShown,
  at: UnixMs,
  freeSince: UnixMs | undefined,
  standsSince: StandsSince,
): ShownProblem[] {
  return collector.sources.filter(isBehind).flatMap((source) => {
    const since = standsSince(`source ${collector.name} ${source.source}`, source.offset);
    if (freeSince === undefined || at - Math.max(since, freeSince) < patience.sourceMs) return [];
    return [
      {
        part: `collector ${collector.name}`,
        cause: 'stalled',
        subject: source.name,
        message: `${source.lagBytes} bytes wait to be read and nothing was read for ${seconds(at - since)}, though nothing holds reading back.`,
        hint: 'Look whether the file system answers; if it does, restart the agent and report this.',
        since,
        red: true,
        waitingBytes: source.lagBytes,
      },
    ];
  });
}

/** The states in which a source should be read. In all others its collector says itself why it is not. */
function isBehind(source: SourceStatus): boolean {
  return source.lagBytes > 0 && (source.state === 'following' || source.state === 'catching_up');
}

function hangingShipper(shipper: ShipperShown, { at, spool }: Picture, standsSince: StandsSince): ShownProblem[] {
  // What is not durable yet may not be shipped, so a shipper that has come to there has no work.
  if ((shipper.totals.cursor?.position ?? -1) >= spool.durable) return [];
  const since = standsSince(`shipper ${shipper.name}`, `${progressOf(shipper)} ${shipper.waiting.records > 0}`);
  // The spool says so itself.
  if (spool.problems.some(({ cause, subject }) => cause === 'unreadable' && subject === shipper.name)) return [];
  const allowed = patienceWith[shipper.state];
  if (shipper.waiting.records === 0 || allowed === undefined || at - since < allowed) return [];
  return [
    {
      part: `shipper ${shipper.name}`,
      cause: 'shipper_hangs',
      subject: shipper.destination,
      message: `${shipper.waiting.records} records wait, and it has been ${shipper.state} without a new attempt for ${seconds(at - since)}.`,
      hint: 'Restart the agent (nothing is lost by it) and report this.',
      since,
      red: true,
      waitingBytes: shipper.waiting.bytes,
    },
  ];
}

function progressOf(shipper: ShipperShown): string {
  return `${shipper.state} ${shipper.attempts} ${shipper.wireBytes} ${shipper.totals.cursor?.position}`;
}

/** In `retrying` and `holding` a shipper reports its own problem. */
const patienceWith: Partial<Record<ShipperShown['state'], number>> = {
  starting: patience.shipperMs,
  idle: patience.shipperMs,
  sending: patience.requestMs,
  stopped: patience.shipperMs,
};

function hangingSync(picture: Picture, standsSince: StandsSince): ShownProblem[] {
  const { end, durable, syncs, hold } = picture.spool;
  const since = standsSince('sync', `${durable} ${syncs} ${end > durable} ${hold}`);
  // Where writing itself fails the spool says so.
  if (end <= durable || hold === 'disk_full' || hold === 'disk_error' || picture.at - since < patience.syncMs)
    return [];
  return [
    {
      part: 'spool',
      cause: 'sync_hangs',
      subject: picture.dataDir,
      message: `${end - durable} bytes were written and no sync has returned for ${seconds(picture.at - since)}.`,
      hint: 'The disk of data_dir does not answer: look at the kernel log (dmesg).',
      since,
      red: true,
      waitingBytes: end - durable,
    },
  ];
}

function lastingHold(picture: Picture, since: UnixMs): ShownProblem[] {
  const { hold, problems } = picture.spool;
  const meaning = hold && holdMeaning[hold];
  if (!meaning || picture.at - since < patience.holdMs || problems.some(({ cause }) => cause === hold)) return [];
  const waitingBytes = picture.collectors.reduce((sum, { lagBytes }) => sum + lagBytes, 0);
  return [{ part: 'spool', cause: hold, subject: picture.dataDir, ...meaning, since, red: true, waitingBytes }];
}

function blockedLoop(picture: Picture, standsSince: StandsSince): ShownProblem[] {
  const { eventLoopLagMs, pid } = picture.process;
  if (eventLoopLagMs < patience.loopLagMs) return [];
  return [
    {
      part: 'agent',
      cause: 'event_loop_blocked',
      subject: `pid ${pid}`,
      message: `The process did nothing for ${seconds(eventLoopLagMs)}: a call to the file system hung, the host was suspended, or it has too little CPU.`,
      hint: 'Look at the host’s load and disks; logs on network mounts need network_fs: true.',
      since: standsSince('loop', eventLoopLagMs),
      red: false,
    },
  ];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
