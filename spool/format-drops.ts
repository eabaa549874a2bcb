/** What was given up: section 4 of a block's header (docs/spool-format.md). Pure, never throws on what it reads. */
import { ByteReader, ByteWriter } from './bytes.ts';
import { type DropReason, limits, type Position, type Tally } from './nouns.ts';

/** What a shipper gave up: written to the spool before the data goes, or before its cursor passes. */
export interface DropEntry {
  /** '' where the spool has no shippers and turned over. */
  readonly shipper: string;
  readonly collector: string;
  readonly reason: DropReason;
  /** End of the stretch that was given up, so that it is never counted twice; 0 where it is no stretch. */
  readonly upto: Position;
  readonly tally: Tally;
}

/** The order is the number in the format: only ever append. */
export const dropReasons: readonly DropReason[] = [
  'start_at_end',
  'hole',
  'truncated',
  'vanished',
  'deleted_limit',
  'filtered',
  'refused',
  'retention',
  'damaged',
  'forgotten',
  'upstream',
  'overflow',
  'kernel_buffer',
  'malformed',
  'too_large',
];

/** The content of the section. */
export function encodeDrops(drops: readonly DropEntry[]): Uint8Array {
  const out = new ByteWriter(64 * drops.length + 8);
  out.varint(drops.length);
  for (const drop of drops) {
    out.text(drop.shipper);
    out.text(drop.collector);
    out.u8(dropReasons.indexOf(drop.reason));
    out.varint(drop.upto);
    out.varint(drop.tally.records);
    out.varint(drop.tally.bytes);
  }
  return out.bytes;
}

/** undefined where the bytes are not such a list. */
export function decodeDrops(bytes: Uint8Array): DropEntry[] | undefined {
  const reader = new ByteReader(bytes);
  const drops: DropEntry[] = [];
  const count = reader.count(6);
  if (count > limits.dropsMax) return undefined;
  for (let left = count; left > 0; left--) {
    const shipper = reader.text(1024);
    const collector = reader.text(1024);
    const reason = dropReasons[reader.u8()];
    const upto = reader.varint();
    const tally = { records: reader.varint(), bytes: reader.varint() };
    if (!reason) return undefined;
    drops.push({ shipper, collector, reason, upto, tally });
  }
  return reader.failed || reader.left > 0 ? undefined : drops;
}
