/**
 * What a file source keeps in the spool beside its offset, to and from bytes. The **mark** (5 bytes, with each run) is a flag
 * byte and the CRC of the bytes before the cursor; where a shape remembers something, eight bytes more. The **state** (about 100 bytes, only when something in it changed) is the
 * file's identity. Decoding never throws: what does not decode is undefined, and the file is then read again.
 *
 *     state = version u8 (1), flags u8 (1 = finished), device, inode, birth u64 each, modified ms varint,
 *             head length u16, head crc u32, points: count u8, (offset varint, crc u32)…, place text
 */
import { ByteReader, ByteWriter } from '../../spool/bytes.ts';
import type { Head, Point } from './fingerprint.ts';
import { headBytesMax, pointsMax, thinned } from './fingerprint.ts';

const stateVersion = 1;
const flagFinished = 1;
const flagUnterminated = 1;
const placeBytesMax = 16 * 1024;
const markBytes = 5;
const stateBytes = 8;
const stateHighMask = 0xfffff;

export interface SourceState {
  readonly device: bigint;
  readonly inode: bigint;
  readonly birthNs: bigint;
  /** The file's modification time when this was written; rotated files that are older were there before. */
  readonly modifiedMs: number;
  /** Read to its end, and a newer generation has taken over. */
  readonly finished: boolean;
  readonly head: Head;
  /** Oldest first. */
  readonly points: readonly Point[];
  /** Where it stood, where that is not its first path; else ''. */
  readonly place: string;
}

export interface Mark {
  /** The last record had no line feed yet. */
  readonly unterminated: boolean;
  /** What a shape remembers (`collectors/shared/shape.ts`), at most 52 bits; 0: nothing. */
  readonly state?: number;
  readonly crc: number;
}

export function encodeMark(mark: Mark): Uint8Array {
  const { state = 0 } = mark;
  const bytes = Buffer.allocUnsafe(state === 0 ? markBytes : markBytes + stateBytes);
  bytes[0] = mark.unterminated ? flagUnterminated : 0;
  bytes.writeUInt32LE(mark.crc, 1);
  if (state === 0) return bytes;
  bytes.writeUInt32LE(state % 2 ** 32, markBytes);
  bytes.writeUInt32LE(Math.floor(state / 2 ** 32), markBytes + 4);
  return bytes;
}

/** undefined where the bytes are not a mark. */
export function decodeMark(bytes: Uint8Array): Mark | undefined {
  if (bytes.length !== markBytes && bytes.length !== markBytes + stateBytes) return undefined;
  const reader = new ByteReader(bytes);
  const unterminated = (reader.u8() & flagUnterminated) !== 0;
  const crc = reader.u32();
  const state = bytes.length > markBytes ? reader.u32() + (reader.u32() & stateHighMask) * 2 ** 32 : 0;
  return { unterminated, state, crc };
}

export function encodeState(state: SourceState): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(stateVersion);
  out.u8(state.finished ? flagFinished : 0);
  putBig(out, state.device);
  putBig(out, state.inode);
  putBig(out, state.birthNs);
  out.varint(Math.max(0, Math.floor(state.modifiedMs)));
  out.u16(state.head.length);
  out.u32(state.head.crc);
  // After a start there may be more, from the runs since the last table.
  const points = state.points.length > pointsMax ? thinned(state.points) : state.points;
  out.u8(points.length);
  for (const point of points) {
    out.varint(point.offset);
    out.u32(point.crc);
  }
  out.text(JSON.stringify(state.place));
  return Buffer.from(out.bytes);
}

/** undefined where the bytes are not a state of a known version. */
export function decodeState(bytes: Uint8Array): SourceState | undefined {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== stateVersion) return undefined;
  const finished = (reader.u8() & flagFinished) !== 0;
  const device = takeBig(reader);
  const inode = takeBig(reader);
  const birthNs = takeBig(reader);
  const modifiedMs = reader.varint();
  const head = { length: reader.u16(), crc: reader.u32() };
  const points: Point[] = [];
  for (let left = reader.u8(); left > 0; left--) points.push({ offset: reader.varint(), crc: reader.u32() });
  const place = parsePlace(reader.text(placeBytesMax));
  if (reader.failed || head.length > headBytesMax || place === undefined) return undefined;
  return { device, inode, birthNs, modifiedMs, finished, head, points, place };
}

/** JSON keeps the lone surrogates of names that are not UTF-8. */
function parsePlace(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** 64 bits, signed or not, as eight bytes. */
function putBig(out: ByteWriter, value: bigint): void {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  out.raw(bytes);
}

function takeBig(reader: ByteReader): bigint {
  const bytes = reader.raw(8);
  return bytes.length === 8 ? bytes.readBigUInt64LE() : 0n;
}
