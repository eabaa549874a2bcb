/**
 * Descriptions of many sources that a block uses first: thousands of files differ in a few bytes, so each is told by what it
 * shares with the one before. Section 8 of a block's header (docs/spool-format.md); pure, never throws on what it reads.
 *
 *     section = count varint, entry…
 *     entry   = number zigzag, as the difference to the entry before,
 *               varint: so many bytes at its start are those of the text before, varint: so many at its end, blob: what is between
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import { type DescriptionEntry, parseDescription } from './format-descriptions.ts';
import { limits } from './nouns.ts';

/** Fewer are written one by one. */
export const alikeMin = 8;
/** Of all texts together: what is told by what it shares could otherwise become any size. */
const textBytesMax = limits.blockBytesMax;

export function encodeAlike(entries: readonly DescriptionEntry[]): Uint8Array {
  const out = new ByteWriter(64 * entries.length + 8);
  out.varint(entries.length);
  let number = 0;
  let before: Buffer = Buffer.alloc(0);
  for (const entry of entries) {
    const text = Buffer.from(JSON.stringify(entry.description), 'utf8');
    const start = sharedStart(before, text);
    const end = sharedEnd(before, text, Math.min(before.length, text.length) - start);
    out.zigzag(entry.number - number);
    out.varint(start);
    out.varint(end);
    out.blob(text.subarray(start, text.length - end));
    number = entry.number;
    before = text;
  }
  return out.bytes;
}

/** undefined where the bytes are not such a list. */
export function decodeAlike(bytes: Uint8Array): DescriptionEntry[] | undefined {
  const reader = new ByteReader(bytes);
  const entries: DescriptionEntry[] = [];
  let number = 0;
  let before: Buffer = Buffer.alloc(0);
  let textBytes = 0;
  for (let left = reader.count(4); left > 0; left--) {
    number += reader.zigzag();
    const start = reader.varint();
    const end = reader.varint();
    const between = reader.blob(limits.descriptionBytesMax);
    textBytes += start + between.length + end;
    if (reader.failed || start + end > before.length || textBytes > textBytesMax) return undefined;
    const text = Buffer.concat([before.subarray(0, start), between, before.subarray(before.length - end)]);
    const description = text.length > limits.descriptionBytesMax ? undefined : parseDescription(text.toString('utf8'));
    if (!description || number < 1 || !Number.isSafeInteger(number)) return undefined;
    entries.push({ number, description });
    before = text;
  }
  return reader.failed || reader.left > 0 ? undefined : entries;
}

function sharedStart(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length);
  let at = 0;
  while (at < most && one[at] === other[at]) at++;
  return at;
}

function sharedEnd(one: Buffer, other: Buffer, most: number): number {
  let at = 0;
  while (at < most && one[one.length - 1 - at] === other[other.length - 1 - at]) at++;
  return at;
}
