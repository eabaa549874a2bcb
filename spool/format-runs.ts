/**
 * The runs section of a block's header: which source's records stand in the frame, in order, and how its cursor moved.
 *
 *     section = count varint, run…
 *     run     = flags varint (below; the common ones take one byte),
 *               [source zigzag, as the difference to the run before: unless it is the next number]
 *               from varint, length (to − from) varint,
 *               [records varint: unless there are none, or one]
 *               [bytes varint: unless they are none for no records, else length (+1 if unterminated)]
 *               [time zigzag, ms, from the run before (the first: from the block's time): unless it is the same]
 *               [mark: a length varint, unless it is as long as the mark before; then the bytes]
 *               [state blob] [reason u8, records + 1 varint, bytes varint]
 *
 * Written so that a file with one line costs about thirteen bytes: 1,000 files with a line each must not outweigh their frame.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { dropReasons } from './format-drops.ts';
import type { Run } from './nouns.ts';
import { limits } from './nouns.ts';
import type { UnixMs } from './ports.ts';

const flag = {
  /** The source is the one after the last run's (the first run's: source 1). */
  nextSource: 1,
  oneRecord: 2,
  records: 4,
  /** A mark as long as the one before it in this section; at first marks are 0 long. */
  mark: 8,
  markLength: 16,
  sameTime: 32,
  json: 64,
  continues: 128,
  unterminated: 256,
  ownBytes: 512,
  state: 1024,
  dropped: 2048,
} as const;
const flagsKnown = 4095;
/** Flags, from, length, and no run is shorter than that. */
const runBytesMin = 3;

/** What a run is told relative to: the run before it. */
interface Before {
  source: number;
  time: UnixMs;
  markBytes: number;
}

export function encodeRuns(runs: readonly Run[], time: UnixMs): Uint8Array {
  const out = new ByteWriter(24 * runs.length + 8);
  const before: Before = { source: 0, time, markBytes: 0 };
  out.varint(runs.length);
  for (const run of runs) encodeRun(out, run, before);
  return out.bytes;
}

/** undefined where the bytes are not a list of runs. Marks and states are views into `bytes`. */
export function decodeRuns(bytes: Uint8Array, time: UnixMs): Run[] | undefined {
  const reader = new ByteReader(bytes);
  const runs: Run[] = [];
  const before: Before = { source: 0, time, markBytes: 0 };
  const count = reader.count(runBytesMin);
  if (count > limits.runsMax) return undefined;
  for (let left = count; left > 0 && !reader.failed; left--) runs.push(decodeRun(reader, before));
  return reader.failed || reader.left > 0 ? undefined : runs;
}

function encodeRun(out: ByteWriter, run: Run, before: Before): void {
  const flags = flagsOf(run, before);
  out.varint(flags);
  if (!(flags & flag.nextSource)) out.zigzag(run.source - before.source);
  out.varint(run.from);
  out.varint(run.to - run.from);
  if (flags & flag.records) out.varint(run.records);
  if (flags & flag.ownBytes) out.varint(run.bytes);
  if (!(flags & flag.sameTime)) out.zigzag(run.time - before.time);
  if (flags & flag.markLength) out.blob(run.mark);
  else out.raw(run.mark);
  if (run.state) out.blob(run.state);
  if (run.dropped) {
    out.u8(dropReasons.indexOf(run.dropped.reason));
    out.varint(run.dropped.records + 1);
    out.varint(run.dropped.bytes);
  }
  pass(run, before);
}

function decodeRun(reader: ByteReader, before: Before): Run {
  const flags = reader.varint();
  const has = (bit: number) => (flags & bit) !== 0;
  if (flags > flagsKnown || (has(flag.oneRecord) && has(flag.records)) || (has(flag.mark) && has(flag.markLength)))
    reader.fail();
  const source = before.source + (has(flag.nextSource) ? 1 : reader.zigzag());
  const from = reader.varint();
  const to = from + reader.varint();
  const records = has(flag.records) ? reader.varint() : has(flag.oneRecord) ? 1 : 0;
  const unterminated = has(flag.unterminated);
  const run: Run = {
    source,
    from,
    to,
    records,
    bytes: has(flag.ownBytes) ? reader.varint() : usualBytes(records, to - from, unterminated),
    time: before.time + (has(flag.sameTime) ? 0 : reader.zigzag()),
    mark: has(flag.markLength) ? reader.blob(limits.markBytesMax) : reader.raw(has(flag.mark) ? before.markBytes : 0),
    state: has(flag.state) ? reader.blob(limits.stateBytesMax) : undefined,
    dropped: has(flag.dropped) ? decodeDropped(reader) : undefined,
    format: has(flag.json) ? 'json' : 'text',
    continues: has(flag.continues),
    unterminated,
  };
  if (source < 1 || !Number.isSafeInteger(source) || !Number.isSafeInteger(to) || !Number.isSafeInteger(run.time))
    reader.fail();
  pass(run, before);
  return run;
}

function decodeDropped(reader: ByteReader): Run['dropped'] {
  const reason = dropReasons[reader.u8()];
  const records = reader.varint() - 1;
  const bytes = reader.varint();
  if (reason) return { reason, records, bytes };
  reader.fail();
  return undefined;
}

function flagsOf(run: Run, before: Before): number {
  const sameMark = run.mark.length === before.markBytes;
  return (
    (run.source === before.source + 1 ? flag.nextSource : 0) |
    (run.records === 1 ? flag.oneRecord : 0) |
    (run.records > 1 ? flag.records : 0) |
    (run.mark.length > 0 ? (sameMark ? flag.mark : flag.markLength) : 0) |
    (run.time === before.time ? flag.sameTime : 0) |
    (run.format === 'json' ? flag.json : 0) |
    (run.continues ? flag.continues : 0) |
    (run.unterminated ? flag.unterminated : 0) |
    (run.bytes === usualBytes(run.records, run.to - run.from, run.unterminated) ? 0 : flag.ownBytes) |
    (run.state ? flag.state : 0) |
    (run.dropped ? flag.dropped : 0)
  );
}

function pass(run: Run, before: Before): void {
  before.source = run.source;
  before.time = run.time;
  if (run.mark.length > 0) before.markBytes = run.mark.length;
}

function usualBytes(records: number, length: number, unterminated: boolean): number {
  return records > 0 ? length + (unterminated ? 1 : 0) : 0;
}
