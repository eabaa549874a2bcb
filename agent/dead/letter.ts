/**
 * A dead letter as it stands in its spool: one JSON object a line with everything about it, so that `zstdcat` shows the record, why it
 * was refused, by whom and when, and where it came from.
 */
import { isUtf8 } from 'node:buffer';
import type { DeadLetter, DeadOrigin } from '../../shippers/ports.ts';
import type { Attributes } from '../../spool/nouns.ts';

/** A letter as it is read back. */
export interface StoredLetter {
  readonly letter: DeadLetter;
  readonly origin: DeadOrigin;
  readonly shipper: string;
}

/** One line, with its LF. A body that is not UTF-8 is `{"bytes": "<base64>"}`. */
export function encodeLetter({ letter, origin, shipper }: StoredLetter): Buffer {
  const { refusedAt, status, reason, record, collector, collectedAt, resource, attributes, format, body } = letter;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const line = {
    refusedAt: new Date(refusedAt).toISOString(),
    shipper,
    status,
    reason,
    origin: { ...origin, record },
    collector,
    collectedAt: new Date(collectedAt).toISOString(),
    resource,
    attributes,
    format,
    body: isUtf8(bytes) ? bytes.toString() : { bytes: bytes.toString('base64') },
  };
  return Buffer.from(`${JSON.stringify(line).toWellFormed()}\n`);
}

/** undefined where the line is no letter. */
export function decodeLetter(line: Uint8Array): StoredLetter | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(line).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const found = value as Record<string, unknown>;
  const body = bodyOf(found.body);
  const origin = found.origin as Record<string, unknown> | null | undefined;
  if (body === undefined || typeof origin !== 'object' || origin === null) return undefined;
  return {
    shipper: textOf(found.shipper),
    origin: { spool: textOf(origin.spool), epoch: textOf(origin.epoch), position: numberOf(origin.position) },
    letter: {
      record: numberOf(origin.record),
      refusedAt: timeOf(found.refusedAt),
      status: numberOf(found.status),
      reason: textOf(found.reason),
      collector: textOf(found.collector),
      collectedAt: timeOf(found.collectedAt),
      resource: attributesOf(found.resource),
      attributes: attributesOf(found.attributes),
      format: found.format === 'json' ? 'json' : 'text',
      body,
    },
  };
}

function bodyOf(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return Buffer.from(value);
  const bytes = (value as { bytes?: unknown } | null | undefined)?.bytes;
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function timeOf(value: unknown): number {
  const at = Date.parse(textOf(value));
  return Number.isNaN(at) ? 0 : at;
}

function attributesOf(value: unknown): Attributes {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, textOf(text)]));
}
