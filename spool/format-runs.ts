/**
 * The runs section of a block's header: which source's records stand in the frame, in order, and how its cursor moved.
 *
 *     section = count varint, run…
 *     run     = source (zigzag, from the run before), flags varint, from varint, length (to − from) varint,
 *               [records varint, bytes varint: unless the run has none]  — bytes only where they are not length (+1 if unterminated)
 *               time zigzag (ms, from the run before; the first from the block's time),
 *               [mark blob] [state blob] [reason u8, records + 1 varint, bytes varint]
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { dropReasons } from './format.ts';
import type { Run } from './nouns.ts';
import { limits } from './nouns.ts';
import type { UnixMs } from './ports.ts';

const flag = {
  records: 1,
  json: 2,
  continues: 4,
  unterminated: 8,
  ownBytes: 16,
  mark: 32,
  state: 64,
  dropped: 128,
} as const;

export function encodeRuns(runs: readonly Run[], time: UnixMs): Uint8Array {
  const out = new ByteWriter(24 * runs.length + 8);
  out.varint(runs.length);
  let source = 0;
  let lastTime = time;
  for (const run of runs) {
    out.zigzag(run.source - source);
    out.varint(flagsOf(run));
    out.varint(run.from);
    out.varint(run.to - run.from);
    if (run.records > 0) out.varint(run.records);
    if (hasOwnBytes(run)) out.varint(run.bytes);
    out.zigzag(run.time - lastTime);
    if (run.mark.length > 0) out.blob(run.mark);
    if (run.state) out.blob(run.state);
    if (run.dropped) {
      out.u8(dropReasons.indexOf(run.dropped.reason));
      out.varint(run.dropped.records + 1);
      out.varint(run.dropped.bytes);
    }
    source = run.source;
    lastTime = run.time;
  }
  return out.bytes;
}

/** undefined where the bytes are not a list of runs. Marks and states are views into `bytes`. */
export function decodeRuns(bytes: Uint8Array, time: UnixMs): Run[] | undefined {
  const reader = new ByteReader(bytes);
  const runs: Run[] = [];
  let source = 0;
  let lastTime = time;
  for (let left = reader.count(5); left > 0; left--) {
    source += reader.zigzag();
    const run = decodeRun(reader, source, lastTime);
    if (reader.failed || source < 1) return undefined;
    lastTime = run.time;
    runs.push(run);
  }
  return reader.failed || reader.left > 0 ? undefined : runs;
}

function decodeRun(reader: ByteReader, source: number, lastTime: UnixMs): Run {
  const flags = reader.varint();
  const has = (bit: number) => (flags & bit) !== 0;
  const from = reader.varint();
  const length = reader.varint();
  if (!Number.isSafeInteger(from + length)) reader.fail();
  const records = has(flag.records) ? reader.varint() : 0;
  const usual = records > 0 ? length + (has(flag.unterminated) ? 1 : 0) : 0;
  return {
    source,
    from,
    to: from + length,
    records,
    bytes: has(flag.ownBytes) ? reader.varint() : usual,
    time: lastTime + reader.zigzag(),
    mark: has(flag.mark) ? reader.blob(limits.markBytesMax) : empty,
    state: has(flag.state) ? reader.blob(limits.stateBytesMax) : undefined,
    dropped: has(flag.dropped) ? decodeDropped(reader) : undefined,
    format: has(flag.json) ? 'json' : 'text',
    continues: has(flag.continues),
    unterminated: has(flag.unterminated),
  };
}

function decodeDropped(reader: ByteReader): Run['dropped'] {
  const reason = dropReasons[reader.u8()];
  const records = reader.varint() - 1;
  const bytes = reader.varint();
  if (reason) return { reason, records, bytes };
  reader.fail();
  return undefined;
}

function flagsOf(run: Run): number {
  return (
    (run.records > 0 ? flag.records : 0) |
    (run.format === 'json' ? flag.json : 0) |
    (run.continues ? flag.continues : 0) |
    (run.unterminated ? flag.unterminated : 0) |
    (hasOwnBytes(run) ? flag.ownBytes : 0) |
    (run.mark.length > 0 ? flag.mark : 0) |
    (run.state ? flag.state : 0) |
    (run.dropped ? flag.dropped : 0)
  );
}

function hasOwnBytes(run: Run): boolean {
  const usual = run.records > 0 ? run.to - run.from + (run.unterminated ? 1 : 0) : 0;
  return run.bytes !== usual;
}

const empty = Buffer.alloc(0);
