/**
 * The table that every segment begins with: all live cursors (sources and shippers) and the totals of the spool up to that
 * point, so that opening reads one segment whatever the backlog. Stored as one zstd frame in a section of the header.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { parseDescription } from './format-descriptions.ts';
import { dropReasons } from './format-drops.ts';
import type {
  CollectorTotals,
  DropReason,
  Position,
  ShipperCursor,
  SourceCursor,
  SourceDescription,
  SourceNumber,
  Tally,
} from './nouns.ts';
import { limits } from './nouns.ts';
import type { Codec } from './ports.ts';

export interface TableSource {
  readonly number: SourceNumber;
  readonly description: SourceDescription;
  readonly cursor: SourceCursor;
  readonly state: Uint8Array;
}

export type Drops = Readonly<Partial<Record<DropReason, Tally>>>;

export interface TableShipper {
  readonly name: string;
  readonly cursor: ShipperCursor | undefined;
  /** What it gave up, by collector. */
  readonly dropped: Readonly<Record<string, Drops>>;
  /** Stretches that end here or before are in `dropped` already. */
  readonly droppedUpto: Position;
  /** What lies before was dropped by retention and is not delivered even where it is still to be had. */
  readonly floor: Position;
}

export interface Table {
  /** Numbers from here on were never used. */
  readonly nextSource: SourceNumber;
  readonly sources: readonly TableSource[];
  readonly collectors: Readonly<Record<string, CollectorTotals>>;
  readonly shippers: readonly TableShipper[];
  /** Bytes ever appended to the spool, headers included. */
  readonly spooledBytes: number;
}

export interface TableSize {
  readonly expandedBytes: number;
  readonly compressedBytes: number;
}

/** There are more sources, or they take more, than a reader would accept: see `table-budget.ts`, which keeps it from coming so far. */
export class TableTooLarge extends Error {
  readonly code = 'TABLE_TOO_LARGE';

  constructor(sources: number, { expandedBytes, compressedBytes }: TableSize) {
    super(
      `the table of ${sources} sources takes ${expandedBytes} bytes (${compressedBytes} compressed), more than a segment can begin with; have the collectors forget some (forget_after, sources_max)`,
    );
  }
}

/** The section's content: one zstd frame. Throws `TableTooLarge` where no reader would accept it. */
export function encodeTable(table: Table, codec: Codec): Uint8Array {
  const { frame, ...size } = compressTable(table, codec);
  const fits = size.expandedBytes <= limits.tableBytesMax && size.compressedBytes <= tableFrameBytesMax;
  if (!fits || table.sources.length > limits.tableSourcesMax) throw new TableTooLarge(table.sources.length, size);
  return frame;
}

/** What the table would take. */
export function measureTable(table: Table, codec: Codec): TableSize {
  const { expandedBytes, compressedBytes } = compressTable(table, codec);
  return { expandedBytes, compressedBytes };
}

/** The rest of a header beside its table is small. */
const tableFrameBytesMax = limits.blockBytesMax - 4096;

function compressTable(table: Table, codec: Codec): TableSize & { readonly frame: Uint8Array } {
  const out = new ByteWriter(4096);
  out.varint(table.nextSource);
  out.varint(table.spooledBytes);
  out.varint(table.sources.length);
  let number = 0;
  for (const source of table.sources) {
    out.varint(source.number - number);
    number = source.number;
    out.varint(source.cursor.offset);
    out.blob(source.cursor.mark);
    out.blob(source.state);
    out.text(JSON.stringify(source.description));
  }
  putMap(out, table.collectors, (totals) => {
    putTally(out, totals.spooled);
    putDrops(out, totals.dropped);
  });
  out.varint(table.shippers.length);
  for (const shipper of table.shippers) {
    out.text(shipper.name);
    out.u8(shipper.cursor ? 1 : 0);
    if (shipper.cursor) putCursor(out, shipper.cursor);
    putMap(out, shipper.dropped, (drops) => putDrops(out, drops));
    out.varint(shipper.droppedUpto);
    out.varint(shipper.floor);
  }
  const frame = Buffer.allocUnsafeSlow(codec.frameBytesMax(out.length));
  const compressedBytes = codec.compress(out.bytes, frame);
  return { frame: frame.subarray(0, compressedBytes), expandedBytes: out.length, compressedBytes };
}

/** undefined where the content is not a table. */
export function decodeTable(section: Uint8Array, codec: Codec): Table | undefined {
  const bytes = expandFrame(section, codec, limits.tableBytesMax);
  if (!bytes) return undefined;
  const reader = new ByteReader(bytes);
  const nextSource = reader.varint();
  const spooledBytes = reader.varint();
  const sources = [...eachSource(reader)];
  const collectors = getMap(reader, () => ({ spooled: getTally(reader), dropped: getDrops(reader) }));
  const shippers: TableShipper[] = [];
  for (let left = reader.count(5); left > 0; left--) {
    const name = reader.text(1024);
    const cursor = reader.u8() === 1 ? getCursor(reader) : undefined;
    const dropped = getMap(reader, () => getDrops(reader));
    shippers.push({ name, cursor, dropped, droppedUpto: reader.varint(), floor: reader.varint() });
  }
  if (reader.failed || reader.left > 0) return undefined;
  return { nextSource, spooledBytes, sources, collectors, shippers };
}

/** A table's sources without the rest, one at a time: for readers that need not hold a large table in memory. */
export interface TableSources {
  readonly next: SourceNumber;
  /** To be gone through once; ends early where the table is damaged. */
  readonly sources: Iterable<TableSource>;
  /** Whether all of them were there; to be asked when they have been gone through. */
  complete(): boolean;
}

/** undefined where the content is not a frame. */
export function openTable(section: Uint8Array, codec: Codec): TableSources | undefined {
  const bytes = expandFrame(section, codec, limits.tableBytesMax);
  if (!bytes) return undefined;
  const reader = new ByteReader(bytes);
  const next = reader.varint();
  reader.varint();
  return { next, sources: eachSource(reader), complete: () => !reader.failed };
}

/** receiver 16, epoch 16, forked u8, position u64, hash 16. */
export function putCursor(out: ByteWriter, cursor: ShipperCursor): void {
  out.id(cursor.receiver);
  out.id(cursor.epoch);
  out.u8(cursor.forked ? 1 : 0);
  out.u64(cursor.position);
  out.id(cursor.hash);
}

export function getCursor(reader: ByteReader): ShipperCursor {
  const receiver = reader.id();
  return {
    receiver: receiver === '0'.repeat(32) ? '' : receiver,
    epoch: reader.id(),
    forked: reader.u8() === 1,
    position: reader.u64(),
    hash: reader.id(),
  };
}

/** Expands a frame whose content size is within the limit (a block's); undefined where it does not. */
export function expandFrame(
  frame: Uint8Array,
  codec: Codec,
  bytesMax: number = limits.blockBytesMax,
): Buffer | undefined {
  const size = contentSize(frame);
  if (size === undefined || size > bytesMax) return undefined;
  const into = Buffer.allocUnsafeSlow(size);
  try {
    return codec.expand(frame, into) === size ? into : undefined;
  } catch {
    // The codec's error adds nothing: the frame is damaged, and the caller says where.
    return undefined;
  }
}

/** The content size that a zstd frame's header states (RFC 8878 section 3.1.1.1); undefined where it states none. */
export function contentSize(frame: Uint8Array): number | undefined {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (view.length < 6 || view.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = view[4]!;
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const bytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  if (bytes === 0 || view.length < at + bytes) return undefined;
  if (bytes === 1) return view[at]!;
  if (bytes === 2) return view.readUInt16LE(at) + 256;
  if (bytes === 4) return view.readUInt32LE(at);
  const size = view.readBigUInt64LE(at);
  return size <= BigInt(limits.tableBytesMax) ? Number(size) : Number.MAX_SAFE_INTEGER;
}

/** The sources of a table one after the other; sets `reader.failed` where one does not decode. */
function* eachSource(reader: ByteReader): Generator<TableSource> {
  let number = 0;
  const count = reader.count(5);
  if (count > limits.tableSourcesMax) reader.fail();
  for (let left = count; left > 0 && !reader.failed; left--) {
    const step = reader.varint();
    number += step;
    const cursor = { offset: reader.varint(), mark: reader.blob(limits.markBytesMax) };
    const state = reader.blob(limits.stateBytesMax);
    const description = parseDescription(reader.text(limits.descriptionBytesMax));
    if (step < 1 || !description || !Number.isSafeInteger(number)) reader.fail();
    else yield { number, description, cursor, state };
  }
}

function putTally(out: ByteWriter, tally: Tally): void {
  out.varint(tally.records);
  out.varint(tally.bytes);
}

function getTally(reader: ByteReader): Tally {
  return { records: reader.varint(), bytes: reader.varint() };
}

function putDrops(out: ByteWriter, drops: Drops): void {
  const entries = Object.entries(drops) as [DropReason, Tally][];
  out.varint(entries.length);
  for (const [reason, tally] of entries) {
    out.u8(dropReasons.indexOf(reason));
    putTally(out, tally);
  }
}

function getDrops(reader: ByteReader): Drops {
  const drops: Partial<Record<DropReason, Tally>> = {};
  for (let left = reader.count(3); left > 0; left--) {
    const reason = dropReasons[reader.u8()];
    const tally = getTally(reader);
    if (reason) drops[reason] = tally;
    else reader.fail();
  }
  return drops;
}

function putMap<T>(out: ByteWriter, map: Readonly<Record<string, T>>, put: (value: T) => void): void {
  const entries = Object.entries(map);
  out.varint(entries.length);
  for (const [key, value] of entries) {
    out.text(key);
    put(value);
  }
}

function getMap<T>(reader: ByteReader, get: () => T): Record<string, T> {
  const map: Record<string, T> = Object.create(null) as Record<string, T>;
  for (let left = reader.count(2); left > 0; left--) {
    const key = reader.text(1024);
    map[key] = get();
  }
  return map;
}
