/** Descriptions of sources one by one: section 2 of a block's header (docs/spool-format.md). Pure, never throws on what it reads. */
import { ByteReader, ByteWriter } from './bytes.ts';
import { limits, type SourceDescription, type SourceNumber } from './nouns.ts';

/** A source's number in this spool, and what it is. */
export interface DescriptionEntry {
  readonly number: SourceNumber;
  readonly description: SourceDescription;
}

/** The content of the section; a description is its JSON. */
export function encodeDescriptions(entries: readonly DescriptionEntry[]): Uint8Array {
  const out = new ByteWriter(256 * entries.length + 8);
  out.varint(entries.length);
  for (const entry of entries) {
    out.varint(entry.number);
    out.text(JSON.stringify(entry.description));
  }
  return out.bytes;
}

/** undefined where the bytes are not a list of descriptions. */
export function decodeDescriptions(bytes: Uint8Array): DescriptionEntry[] | undefined {
  const reader = new ByteReader(bytes);
  const entries: DescriptionEntry[] = [];
  for (let left = reader.count(2); left > 0; left--) {
    const number = reader.varint();
    const description = parseDescription(reader.text(limits.descriptionBytesMax));
    if (!description || number < 1) return undefined;
    entries.push({ number, description });
  }
  return reader.failed || reader.left > 0 ? undefined : entries;
}

/** undefined where the text is not a description. */
export function parseDescription(text: string): SourceDescription | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { collector, type, resource, attributes } = value as Record<string, unknown>;
  if (typeof collector !== 'string' || typeof type !== 'string') return undefined;
  return { collector, type, resource: oneResource(textsOf(resource)), attributes: textsOf(attributes) };
}

let lastResource: Record<string, string> = {};

/** Thousands of sources have one resource: it is kept once. */
function oneResource(resource: Record<string, string>): Record<string, string> {
  const keys = Object.keys(resource);
  const isSame =
    keys.length === Object.keys(lastResource).length && keys.every((key) => resource[key] === lastResource[key]);
  if (!isSame) lastResource = Object.freeze(resource);
  return lastResource;
}

function textsOf(value: unknown): Record<string, string> {
  const texts: Record<string, string> = {};
  if (typeof value !== 'object' || value === null) return texts;
  for (const key of Object.keys(value)) {
    const text = (value as Record<string, unknown>)[key];
    if (typeof text === 'string') texts[key] = text;
  }
  return texts;
}
