/**
 * Lets go of segments: those that every shipper's durable cursor has passed, and, where the spool is full and the policy says
 * so, the oldest of those that it has not, after the drop is durable. The two newest segments whose tables verify always stay.
 */
import { opened } from './cursor-file.ts';
import type { Damaged } from './damaged.ts';
import type { DropEntry } from './format-drops.ts';
import { segmentName } from './layout.ts';
import type { Ledger, Totals } from './ledger.ts';
import { none, subtract } from './ledger.ts';
import type { Gap, Position } from './nouns.ts';
import type { SpoolOutlet } from './outlet.ts';
import type { Clock, Codec, Files, Log, Problem, UnixMs } from './ports.ts';
import type { Limits } from './pressure.ts';
import type { RangeRead } from './reader.ts';
import { readTable } from './segment-table.ts';
import type { Segment, Segments } from './segments.ts';
import { merge } from './totals.ts';
import type { Writer } from './writer.ts';

export interface RetentionParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly log: Log;
  readonly segments: Segments;
  readonly writer: Writer;
  readonly outlets: ReadonlyMap<string, SpoolOutlet>;
  /** As far as blocks were appended, and as far as they are durable. */
  readonly appended: Ledger;
  readonly durable: Ledger;
  totalsAt(position: Position): Totals;
}

export interface RetentionOptions {
  readonly retainAckedBytes: number;
  readonly shippers: readonly { readonly name: string; readonly whenFull: 'block' | 'drop_oldest' }[];
}

/** Segments that every shipper has passed and that need not stay; oldest first. Pure. */
export function passed(
  segments: readonly Segment[],
  needed: Position,
  durable: Position,
  retainBytes: number,
): readonly Segment[] {
  const droppable = segments.slice(0, mayGo(segments, durable));
  const gone: Segment[] = [];
  let ackedBytes = 0;
  for (const segment of droppable.toReversed()) {
    if (segment.end > needed) continue;
    ackedBytes += segment.bytes;
    if (ackedBytes > retainBytes) gone.unshift(segment);
  }
  // Only from the old end on: a hole in the middle would be a gap for a reader that goes back.
  const keep = segments.findIndex((segment) => !gone.includes(segment));
  return keep < 0 ? gone : gone.slice(0, keep);
}

/** How many of the oldest segments are not among those that must stay. Tables must have been looked at before. */
function mayGo(segments: readonly Segment[], durable: Position): number {
  let verified = 0;
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]!;
    if (segment.verified && segment.start < durable && ++verified === 2) return index;
  }
  return 0;
}

export class Retention {
  readonly #parts: RetentionParts;
  readonly #options: RetentionOptions;
  readonly #limits: Limits;
  readonly #damagedSeen = new Set<Position>();
  /** Something was given up for lack of room, and goes as soon as that is durable. */
  #giving = false;
  #unlinkError: { readonly message: string; readonly since: UnixMs } | undefined;
  #damage: { readonly message: string; readonly count: number; readonly since: UnixMs } | undefined;

  constructor(parts: RetentionParts, options: RetentionOptions, limits: Limits) {
    this.#parts = parts;
    this.#options = options;
    this.#limits = limits;
  }

  /** Deletes what everybody has; `retainBytes` of it may stay. */
  run(retainBytes = this.#options.retainAckedBytes): void {
    const { segments, writer } = this.#parts;
    const needed = this.#needed();
    if ((segments.list[0]?.end ?? Number.POSITIVE_INFINITY) > needed) return;
    this.#verify();
    const gone = passed(segments.list, needed, writer.durable, retainBytes);
    for (let left = gone.length; left > 0; left--) this.#unlinkOldest();
    const oldest = segments.list[0]?.start ?? writer.durable;
    if (gone.length > 0) for (const ledger of [this.#parts.appended, this.#parts.durable]) ledger.letGo(oldest);
  }

  /**
   * Makes room when the spool is full: deletes what everybody has, whatever `retain_acked` says; if that is not enough, gives
   * up the oldest segment where the policy allows it. The entries must become durable; then `synced` deletes it.
   */
  makeRoom(roomBytes: number): readonly DropEntry[] {
    const { segments, writer } = this.#parts;
    if (this.#giving) return [];
    this.run(0);
    const [oldest] = segments.list;
    if (!oldest || segments.bytes + roomBytes <= this.#limits.maxBytes) return [];
    this.#verify();
    if (mayGo(segments.list, writer.durable) === 0) return [];
    const entries = this.#giveUp(oldest);
    this.#giving = entries.length > 0;
    return entries;
  }

  /** What was appended is durable now. */
  synced(): void {
    if (!this.#giving) return;
    const before = this.#parts.segments.list.length;
    this.run(0);
    this.#giving =
      this.#parts.segments.list.length === before && this.#needed() < (this.#parts.segments.list[0]?.end ?? 0);
  }

  /** Something on the disk cannot be read: said once for each place, and copied aside before it goes with its segment. */
  damage(read: Extract<RangeRead, { kind: 'gap' }>, gap: Gap, damaged: Damaged): void {
    if (this.#damagedSeen.has(read.from) || this.#damagedSeen.size >= damagedSeenMax) return;
    this.#damagedSeen.add(read.from);
    const where = read.segment ? segmentName(read.segment.start) : 'no segment';
    const message = `${gap.records} records between ${read.from} and ${read.upto} cannot be read back (${where}: ${read.why})`;
    this.#damage = {
      message,
      count: (this.#damage?.count ?? 0) + 1,
      since: this.#damage?.since ?? this.#parts.clock.now(),
    };
    this.#parts.log.write({ severity: 'error', event: 'spool.damaged', subject: String(read.from), message });
    if (!read.segment) return;
    const path = this.#parts.segments.path(read.segment);
    void damaged.keep(path, read.from - read.segment.start, read.upto - read.from, `rot-${read.from}`);
  }

  problems(): Problem[] {
    const problems: Problem[] = [];
    if (this.#unlinkError)
      problems.push({ cause: 'segment_undeletable', subject: 'spool', red: true, ...this.#unlinkError });
    if (this.#damage) {
      const { message, count, since } = this.#damage;
      problems.push({
        cause: 'damaged',
        subject: 'spool',
        message: count > 1 ? `${message}, and ${count - 1} more places` : message,
        since,
        hint: 'the bytes are kept in damaged/; tailspool spool verify tells more; look at the disk',
        red: false,
      });
    }
    return problems;
  }

  /** What somebody still needs begins here; in a ring, what was not given up. */
  #needed(): Position {
    if (this.#options.shippers.length === 0) return this.#parts.durable.shipper('').floor;
    return Math.min(...[...this.#parts.outlets.values()].map((outlet) => outlet.needed));
  }

  /** The drops of the oldest segment, if the policy of everyone who still needs it allows that, and nothing of it is in flight. */
  #giveUp(oldest: Segment): readonly DropEntry[] {
    if (this.#options.shippers.length === 0) return this.#turnOver(oldest);
    const lagging = this.#options.shippers.filter(({ name }) => this.#outlet(name).needed < oldest.end);
    if (lagging.some(({ name, whenFull }) => whenFull === 'block' || this.#outlet(name).pinned(oldest.end))) return [];
    return lagging.flatMap(({ name }) => this.#outlet(name).giveUp(oldest.end));
  }

  #turnOver(oldest: Segment): readonly DropEntry[] {
    const { totalsAt } = this.#parts;
    const tallies = merge(totalsAt(oldest.end), totalsAt(oldest.start), subtract);
    const entries = [...tallies].map(([collector, tally]) => {
      return { shipper: '', collector, reason: 'retention' as const, upto: oldest.end, tally };
    });
    return entries.length > 0
      ? entries
      : [{ shipper: '', collector: '', reason: 'retention', upto: oldest.end, tally: none }];
  }

  #outlet(name: string): SpoolOutlet {
    return this.#parts.outlets.get(name)!;
  }

  #unlinkOldest(): void {
    try {
      this.#parts.segments.removeOldest();
      this.#unlinkError = undefined;
    } catch (error) {
      const since = this.#unlinkError?.since ?? this.#parts.clock.now();
      this.#unlinkError = {
        since,
        message: `a segment that is no longer needed cannot be deleted: ${(error as Error).message}`,
      };
    }
  }

  /** Looks at the tables of segments that this process did not write, as far as it takes to know which two must stay. */
  #verify(): void {
    const { files, codec, segments, writer } = this.#parts;
    let verified = 0;
    for (const segment of segments.list.toReversed()) {
      if (segment.verified === undefined) {
        using file = opened(files, segments.path(segment));
        const table = file ? readTable(file.value, segment, codec) : 'refused';
        // What cannot be read at the moment is asked again the next time; until then more stays than must.
        if (table !== 'refused') segment.verified = table !== undefined;
      }
      // One that was begun and cannot be written (a full disk) is not among the two.
      if (segment.verified && segment.start < writer.durable && ++verified === 2) return;
    }
  }
}

const damagedSeenMax = 10_000;
