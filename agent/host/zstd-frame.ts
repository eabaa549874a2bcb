/**
 * Where a zstd frame ends and what it expands to, from its headers alone (RFC 8878 section 3.1.1). Decoders differ in what
 * they let pass behind a frame, so both codecs ask here first: exactly one frame, with content size and checksum.
 */

/** Of level 1: what zstd itself takes for inputs above 256 KiB. Shorter matches are not worth their search in logs (docs/performance.md). */
export const minMatchOfBlocks = 7;

export interface FrameExtent {
  readonly frameBytes: number;
  readonly contentBytes: number;
}

const magic = 0xfd2fb528;
/** The window that a decoder must hold; frames of up to 16 MiB at level 1 need 512 KiB, or their own size. */
const windowBytesMax = 16 * 1024 * 1024;
const checksumBytes = 4;

/** Throws where `bytes` is not exactly one whole frame with content size and checksum. */
export function soleFrame(bytes: Uint8Array): FrameExtent {
  const header = readHeader(bytes);
  const frameBytes = skipBlocks(bytes, header.bytes) + checksumBytes;
  if (frameBytes > bytes.length) throw damaged('it is cut short');
  if (frameBytes < bytes.length) throw damaged(`${bytes.length - frameBytes} bytes stand behind it`);
  return { frameBytes, contentBytes: header.contentBytes };
}

function readHeader(bytes: Uint8Array): { bytes: number; contentBytes: number } {
  if (bytes.length < 6 || little(bytes, 0, 4) !== magic) throw damaged('it does not begin as one');
  const descriptor = bytes[4]!;
  if ((descriptor & 0b11) !== 0) throw damaged('it wants a dictionary');
  if ((descriptor & 0b100) === 0) throw damaged('it has no checksum');
  if ((descriptor & 0b1000) !== 0) throw damaged('a reserved bit is set');
  const singleSegment = (descriptor & 0b100000) !== 0;
  const sizeFlag = descriptor >> 6;
  if (sizeFlag === 0 && !singleSegment) throw damaged('it has no content size');
  const sizeAt = singleSegment ? 5 : 6;
  const sizeBytes = sizeFlag === 0 ? 1 : 1 << sizeFlag;
  const contentBytes = little(bytes, sizeAt, sizeBytes) + (sizeFlag === 1 ? 256 : 0);
  if (!Number.isSafeInteger(contentBytes)) throw damaged('it claims an impossible size');
  if (!singleSegment && windowBytes(bytes[5]!) > windowBytesMax) throw damaged('its window is too large');
  return { bytes: sizeAt + sizeBytes, contentBytes };
}

/** RFC 8878 section 3.1.1.1.2. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0b111);
}

/** Walks from block header to block header; returns the offset behind the last block. */
function skipBlocks(bytes: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    if (at + 3 > bytes.length) throw damaged('it is cut short');
    const header = little(bytes, at, 3);
    const kind = (header >> 1) & 0b11;
    if (kind === 3) throw damaged('a block has a reserved kind');
    at += 3 + (kind === 1 ? 1 : header >> 3);
    if ((header & 1) === 1) return at;
  }
}

function little(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? Number.NaN);
  return value;
}

/** The error of every frame that cannot be trusted. */
export function damaged(how: string): Error {
  return Object.assign(new Error(`not a sound zstd frame: ${how}`), { code: 'ZSTD_DAMAGED' });
}

/** Before anything is expanded: the most that a hostile frame can make a decoder write is what there is room for. */
export function checkRoom(extent: FrameExtent, into: Uint8Array): void {
  if (extent.contentBytes <= into.length) return;
  throw Object.assign(
    new Error(`the zstd frame expands to ${extent.contentBytes} bytes, there is room for ${into.length}`),
    {
      code: 'ZSTD_TOO_LARGE',
    },
  );
}

/** The most that a frame of `rawBytes` can take (ZSTD_COMPRESSBOUND), with its header and checksum. */
export function frameBytesMax(rawBytes: number): number {
  const small = rawBytes < 128 * 1024 ? (128 * 1024 - rawBytes) >> 11 : 0;
  return rawBytes + (rawBytes >> 8) + small + 32;
}

/** Before anything is compressed: a kept stream that runs out of room would carry the rest into the next frame. */
export function checkFrameRoom(raw: Uint8Array, into: Uint8Array): void {
  if (into.length >= frameBytesMax(raw.length)) return;
  throw new RangeError(
    `a frame of ${raw.length} bytes may take ${frameBytesMax(raw.length)}, there is room for ${into.length}`,
  );
}
