/**
 * How much of each collector lies before a position: from the table at the start of its segment and the headers up to it, or,
 * where damage stands in between, from the next table and the headers back to it.
 */
import { opened } from './cursor-file.ts';
import type { Ledger, Totals } from './ledger.ts';
import { add, none, subtract, sumOf, talliesOf } from './ledger.ts';
import type { Position, SourceNumber, Tally } from './nouns.ts';
import type { Codec, Files } from './ports.ts';
import { scan } from './scan.ts';
import { readTable } from './segment-table.ts';
import type { Segment, Segments } from './segments.ts';

export interface TotalsPorts {
  readonly files: Files;
  readonly codec: Codec;
  readonly segments: Segments;
  /** As far as blocks were appended. */
  readonly appended: Ledger;
  /** As far as they are durable, and where that ends. */
  readonly durable: Ledger;
  durableEnd(): Position;
}

export function totalsAt(ports: TotalsPorts, position: Position): Totals {
  const segment = ports.segments.at(position);
  // While a repair waits, what was appended is in no segment, and lies behind every position that was ever given.
  if (!segment) return (position <= ports.durableEnd() ? ports.durable : ports.appended).totals();
  const start = tableTotals(ports, segment) ?? totalsBefore(ports, segment);
  if (position <= segment.start) return start ?? totalsBehind(ports, segment, segment.start);
  const read = start && sum(ports, segment, segment.start, position);
  return read ? merge(start, read, add) : totalsBehind(ports, segment, position);
}

/** Where a segment's table is lost: what the one before it says, if that is whole. */
function totalsBefore(ports: TotalsPorts, segment: Segment): Totals | undefined {
  const before = ports.segments.list[ports.segments.list.indexOf(segment) - 1];
  const start = before && tableTotals(ports, before);
  const read = start && sum(ports, before, before.start, before.end);
  return read && merge(start, read, add);
}

export function merge(a: Totals, b: Totals, how: typeof add): Map<string, Tally> {
  const merged = new Map(a);
  for (const [collector, tally] of b) merged.set(collector, how(merged.get(collector) ?? none, tally));
  return merged;
}

/** Totals of about the same mix as `like` that add up to `sum`: all that can be said where the data are gone. */
export function approximate(like: Totals, sum: Tally): Totals {
  const whole = sumOf(like.values());
  const share = (part: number, of: number, total: number) => (of === 0 ? 0 : Math.round((part / of) * total));
  return new Map(
    [...like].map(([collector, tally]) => [
      collector,
      {
        records: share(tally.records, whole.records, Math.min(sum.records, whole.records)),
        bytes: share(tally.bytes, whole.bytes, Math.min(sum.bytes, whole.bytes)),
      },
    ]),
  );
}

/** From the next table (or the end) back: exact even where headers before `position` are lost. */
function totalsBehind(ports: TotalsPorts, segment: Segment, position: Position): Totals {
  let between = sum(ports, segment, position, segment.end, true) ?? new Map();
  for (let next = ports.segments.after(segment); next; next = ports.segments.after(next)) {
    const table = tableTotals(ports, next);
    if (table) return merge(table, between, subtract);
    between = merge(between, sum(ports, next, next.start, next.end, true) ?? new Map(), add);
  }
  return merge(ports.appended.totals(), between, subtract);
}

function tableTotals({ files, codec, segments, appended }: TotalsPorts, segment: Segment): Totals | undefined {
  using file = opened(files, segments.path(segment));
  const table = file && readTable(file.value, segment, codec);
  if (!table || table === 'refused') return undefined;
  for (const source of table.sources)
    appended.learnCollector(source.number, source.description.collector, segments.list.at(-1)!.end);
  return new Map(Object.entries(table.collectors).map(([name, totals]) => [name, totals.spooled]));
}

/** Undefined where damage stands in the stretch, unless that is to be passed over. */
function sum(
  ports: TotalsPorts,
  segment: Segment,
  from: Position,
  end: Position,
  passOver = false,
): Totals | undefined {
  let totals = new Map<string, Tally>();
  const collectorOf = (number: SourceNumber) => ports.appended.collectorOf(number);
  using file = opened(ports.files, ports.segments.path(segment));
  if (!file) return undefined;
  for (const item of scan({ file: file.value, start: segment.start, from, end, spool: undefined })) {
    if (item.kind === 'block') totals = merge(totals, talliesOf(item.header, collectorOf), add);
    else if (!passOver) return undefined;
  }
  return totals;
}
