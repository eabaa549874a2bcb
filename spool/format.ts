/**
 * A block's header, to and from bytes. Version 1; `docs/spool-format.md` specifies it. Pure, never throws on what it reads.
 *
 *     block  = header frame
 *     header = skippable frame (RFC 8878 section 3.1.2): magic, length of the rest, then:
 *
 *      8 u32  block magic "TSPB"        56 id   epoch
 *     12 u16  version (1)               72 id   hash of the block before
 *     14 u16  flags (1 = has a table)   88 u64  where the block before ended: positions between were never used
 *     16 u32  CRC-32 of all other       96 u64  vouched: known durable when this was written
 *             bytes of the header      104 u64  time, unix ms: runs count from it
 *     20 u32  length of the frame      112 u64  records in the spool before this block
 *     24 u32  CRC-32 of the frame      120 u64  source bytes in the spool before this block
 *     28 u32  raw bytes in the frame   128 u32  records in this block
 *     32 u64  position of the block    132      sections: kind u8, length varint, content
 *     40 id   spool
 *
 * Bytes 0–19 mean the same in all versions. Integers are little endian. An unknown section is passed over.
 */
import { hash as digest } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from './bytes.ts';
import { alikeMin, decodeAlike, encodeAlike } from './format-alike.ts';
import { checksum } from './format-checksum.ts';
import { type DescriptionEntry, decodeDescriptions, encodeDescriptions } from './format-descriptions.ts';
import { type DropEntry, decodeDrops, encodeDrops } from './format-drops.ts';
import { decodeRuns, encodeRuns } from './format-runs.ts';
import type { BlockHash, Epoch, Id, Position, Run, Tally } from './nouns.ts';
import { limits } from './nouns.ts';
import type { UnixMs } from './ports.ts';

export const skippableMagic = 0x184d2a5b;
export const blockMagic = 0x42505354;
export const formatVersion = 1;
/** Bytes that say in every version what a header is, how long it is, and whether it is whole. */
export const headerPrefixBytes = 20;
export const headerFixedBytes = 132;

const section = {
  ...{ runs: 1, descriptions: 2, table: 3, drops: 4, origin: 5, originDescriptions: 6, epoch: 7 },
  descriptionsAlike: 8,
} as const;
const flagTable = 1;

/** All that a block's header says. */
export interface BlockHeader {
  readonly frameBytes: number;
  readonly frameCrc: number;
  /** Bytes that the frame expands to; 0 with `frameBytes` 0 for a block without records. */
  readonly rawBytes: number;
  readonly position: Position;
  readonly spool: Id;
  readonly epoch: Id;
  readonly previous: BlockHash;
  /** Everything between here and `position` was never used, or is to be ignored where it lies on a disk. */
  readonly previousEnd: Position;
  readonly vouched: Position;
  readonly time: UnixMs;
  readonly recordsBefore: number;
  readonly sourceBytesBefore: number;
  readonly records: number;
  readonly runs: readonly Run[];
  /** Sources that this block uses first, or whose description changed. */
  readonly descriptions: readonly DescriptionEntry[];
  readonly drops: readonly DropEntry[];
  /** The opening that this block belongs to; in every segment's first block. */
  readonly opening?: Epoch | undefined;
  /** The content of a table section, see `format-table.ts`; only in a segment's first block. */
  readonly table?: Uint8Array | undefined;
  /** The unchanged header of the foreign block whose frame this is. */
  readonly origin?: Uint8Array | undefined;
  /** Descriptions of the origin's sources that were sent beside it: decode with `decodeDescriptions`. */
  readonly originDescriptions?: Uint8Array | undefined;
}

export type HeaderResult =
  | { readonly kind: 'header'; readonly header: BlockHeader; readonly length: number }
  /** Whole, but written by a newer version: not damage. */
  | { readonly kind: 'unknown_version'; readonly version: number; readonly length: number }
  /** More bytes are needed: `length` of them in all. */
  | { readonly kind: 'short'; readonly length: number }
  | { readonly kind: 'damaged'; readonly why: string };

/** Encodes a header; `frameCrc` and `frameBytes` may be patched afterwards with `sealHeader`. */
export function encodeHeader(header: BlockHeader, into: ByteWriter): void {
  into.reset();
  into.u32(skippableMagic);
  into.u32(0);
  into.u32(blockMagic);
  into.u16(formatVersion);
  into.u16(header.table ? flagTable : 0);
  into.u32(0);
  into.u32(header.frameBytes);
  into.u32(header.frameCrc);
  into.u32(header.rawBytes);
  into.u64(header.position);
  into.id(header.spool);
  into.id(header.epoch);
  into.id(header.previous);
  into.u64(header.previousEnd);
  into.u64(header.vouched);
  into.u64(header.time);
  into.u64(header.recordsBefore);
  into.u64(header.sourceBytesBefore);
  into.u32(header.records);
  if (header.opening) putSection(into, section.epoch, encodeEpoch(header.opening));
  if (header.table) putSection(into, section.table, header.table);
  const { descriptions } = header;
  if (descriptions.length >= alikeMin) putSection(into, section.descriptionsAlike, encodeAlike(descriptions));
  else if (descriptions.length > 0) putSection(into, section.descriptions, encodeDescriptions(descriptions));
  if (header.drops.length > 0) putSection(into, section.drops, encodeDrops(header.drops));
  if (header.runs.length > 0) putSection(into, section.runs, encodeRuns(header.runs, header.time));
  if (header.originDescriptions) putSection(into, section.originDescriptions, header.originDescriptions);
  if (header.origin) putSection(into, section.origin, header.origin);
  sealHeader(into.bytes, header.frameBytes, header.frameCrc);
}

/** Fills in what is known last: the frame's length and CRC, the header's length and CRC. */
export function sealHeader(bytes: Buffer, frameBytes: number, frameCrc: number): void {
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.writeUInt32LE(frameBytes, 20);
  bytes.writeUInt32LE(frameCrc, 24);
  bytes.writeUInt32LE(headerCrc(bytes), 16);
}

/** The first 16 bytes of SHA-256 over a header: names the block, for the header holds its frame's CRC and length. */
export function hashOf(header: Uint8Array): BlockHash {
  return digest('sha256', header, 'hex').slice(0, 32);
}

/** Decodes the header at the start of `bytes` (which may go on behind it). */
export function decodeHeader(bytes: Uint8Array): HeaderResult {
  const head = measureHeader(bytes);
  if (head.kind !== 'whole') return head;
  const { length, version } = head;
  if (version !== formatVersion) return { kind: 'unknown_version', version, length };
  const header = decodeBody(bytes.subarray(0, length));
  return header ? { kind: 'header', header, length } : { kind: 'damaged', why: 'the header does not decode' };
}

/** Of a whole header of this version, without decoding the rest. */
export function placeOf(
  header: Buffer,
): { readonly frameBytes: number; readonly position: Position; readonly vouched: Position } | undefined {
  if (header.length < headerFixedBytes || header.readUInt16LE(12) !== formatVersion) return undefined;
  const u64 = (at: number) => header.readUInt32LE(at + 4) * 2 ** 32 + header.readUInt32LE(at);
  return { frameBytes: header.readUInt32LE(20), position: u64(32), vouched: u64(96) };
}

/** The part of decoding that is the same in all versions: is there a whole header, and how long is it? */
export function measureHeader(
  bytes: Uint8Array,
):
  | { kind: 'whole'; length: number; version: number }
  | { kind: 'short'; length: number }
  | { kind: 'damaged'; why: string } {
  if (bytes.length < headerPrefixBytes) return { kind: 'short', length: headerPrefixBytes };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.readUInt32LE(0) !== skippableMagic || view.readUInt32LE(8) !== blockMagic)
    return { kind: 'damaged', why: 'no block begins here' };
  const length = view.readUInt32LE(4) + 8;
  if (length < headerPrefixBytes || length > limits.blockBytesMax)
    return { kind: 'damaged', why: 'the header has an impossible length' };
  if (bytes.length < length) return { kind: 'short', length };
  if (headerCrc(view.subarray(0, length)) !== view.readUInt32LE(16))
    return { kind: 'damaged', why: "the header's checksum does not match" };
  return { kind: 'whole', length, version: view.readUInt16LE(12) };
}

/** True where the frame is the one that the header was written for. */
export function frameMatches(header: BlockHeader, frame: Uint8Array): boolean {
  return frame.length === header.frameBytes && checksum(frame) === header.frameCrc;
}

/** What a run adds to the totals: its records, and their bytes as the source had them (an LF that was added is not counted). */
export function tallyOf(run: Run): Tally {
  return { records: run.records, bytes: run.bytes - (run.unterminated ? 1 : 0) };
}

function decodeBody(bytes: Uint8Array): BlockHeader | undefined {
  const reader = new ByteReader(bytes);
  reader.raw(headerPrefixBytes);
  const fixed = {
    frameBytes: reader.u32(),
    frameCrc: reader.u32(),
    rawBytes: reader.u32(),
    position: reader.u64(),
    spool: reader.id(),
    epoch: reader.id(),
    previous: reader.id(),
    previousEnd: reader.u64(),
    vouched: reader.u64(),
    time: reader.u64(),
    recordsBefore: reader.u64(),
    sourceBytesBefore: reader.u64(),
    records: reader.u32(),
  };
  const sections = decodeSections(reader, fixed.time, fixed.epoch);
  if (!sections || reader.failed) return undefined;
  if (fixed.frameBytes > limits.blockBytesMax || fixed.rawBytes > limits.blockBytesMax) return undefined;
  if ((fixed.frameBytes === 0) !== (fixed.rawBytes === 0)) return undefined;
  let raw = 0;
  let records = 0;
  for (const run of sections.runs) {
    raw += run.bytes;
    records += run.records;
  }
  return raw === fixed.rawBytes && records === fixed.records ? { ...fixed, ...sections } : undefined;
}

type Sections = Pick<
  BlockHeader,
  'runs' | 'descriptions' | 'drops' | 'table' | 'opening' | 'origin' | 'originDescriptions'
>;

function decodeSections(reader: ByteReader, time: UnixMs, epoch: Id): Sections | undefined {
  let runs: readonly Run[] = [];
  let descriptions: readonly DescriptionEntry[] = [];
  let drops: readonly DropEntry[] = [];
  const views: { opening?: Epoch; table?: Uint8Array; origin?: Uint8Array; originDescriptions?: Uint8Array } = {};
  while (reader.left > 0) {
    const kind = reader.u8();
    const content = reader.blob(limits.blockBytesMax);
    if (reader.failed) return undefined;
    if (kind === section.table) views.table = content;
    else if (kind === section.origin) views.origin = content;
    else if (kind === section.originDescriptions) views.originDescriptions = content;
    else if (kind === section.epoch) {
      const decoded = decodeEpoch(content, epoch);
      if (!decoded) return undefined;
      views.opening = decoded;
    } else if (kind === section.runs) {
      const decoded = decodeRuns(content, time);
      if (!decoded) return undefined;
      runs = decoded;
    } else if (kind === section.descriptions || kind === section.descriptionsAlike) {
      const decoded = kind === section.descriptions ? decodeDescriptions(content) : decodeAlike(content);
      if (!decoded) return undefined;
      descriptions = [...descriptions, ...decoded];
    } else if (kind === section.drops) {
      const decoded = decodeDrops(content);
      if (!decoded) return undefined;
      drops = decoded;
    }
  }
  return { runs, descriptions, drops, ...views };
}

function encodeEpoch(epoch: Epoch): Uint8Array {
  const out = new ByteWriter(64);
  out.varint(epoch.start);
  out.u8(epoch.parent ? 1 : 0);
  if (epoch.parent) {
    out.id(epoch.parent.id);
    out.varint(epoch.parent.end);
    out.id(epoch.parent.hash);
  }
  return out.bytes;
}

function decodeEpoch(bytes: Uint8Array, id: Id): Epoch | undefined {
  const reader = new ByteReader(bytes);
  const start = reader.varint();
  const parent = reader.u8() === 1 ? { id: reader.id(), end: reader.varint(), hash: reader.id() } : undefined;
  return reader.failed || reader.left > 0 ? undefined : { id, start, parent };
}

function putSection(into: ByteWriter, kind: number, content: Uint8Array): void {
  into.u8(kind);
  into.blob(content);
}

function headerCrc(header: Buffer): number {
  return crc32(header.subarray(headerPrefixBytes), crc32(header.subarray(0, 16)));
}
