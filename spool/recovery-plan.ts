/**
 * Decides what counts of a spool's newest segment (every older one was synced to its end before its successor began). Pure.
 *
 * - Damage below a later whole block's `vouched`, or below a shipper's cursor, was durable once: it is **rot**. It stays where
 *   it is, readers pass over it.
 * - The first damage, wrong frame or broken chain from there on begins the unsynced **tail**: its cursors do not count, so its
 *   records are read again.
 */
import type { Position } from './nouns.ts';
import type { ScanItem, ScannedBlock } from './scan.ts';

/** What of a scanned segment counts. */
export interface Plan {
  readonly blocks: readonly ScannedBlock[];
  readonly rot: readonly { readonly position: Position; readonly end: Position; readonly why: string }[];
  /** Everything from here to the end of the file is cut. */
  readonly tail: Tail | undefined;
}

export interface Tail {
  readonly position: Position;
  readonly why: string;
  /** What stands in it. */
  readonly items: readonly ScanItem[];
}

/**
 * Decides what counts of the newest segment. `floor` is the highest position known from elsewhere to have been durable;
 * `sound` tells whether a block's frame is what its header says (asked only from the floor on); without `synced` nothing
 * counts that is not proven to have been durable before.
 */
export function planRecovery(
  items: readonly ScanItem[],
  floor: Position,
  sound: (block: ScannedBlock) => boolean,
  synced = true,
): Plan {
  const vouched = items.reduce(
    (most, item) => (item.kind === 'block' ? Math.max(most, item.header.vouched) : most),
    floor,
  );
  const blocks: ScannedBlock[] = [];
  const rot: Plan['rot'][number][] = [];
  let last: ScannedBlock | undefined;
  const ending = (position: Position, why: string): Plan => {
    return { blocks, rot, tail: { position, why, items: items.filter((item) => item.end > position) } };
  };
  for (const item of items) {
    if (item.kind === 'newer') return ending(item.position, 'a newer version');
    if (item.kind === 'damage') {
      if (item.position >= vouched) return ending(item.position, item.why);
      rot.push({ ...item, end: Math.min(item.end, Math.max(vouched, item.position)) });
      if (item.end > vouched) return ending(vouched, item.why);
      last = undefined;
      continue;
    }
    if (item.position >= vouched) {
      if (!synced) return ending(item.position, 'it could not be synced');
      const broken = last && (item.header.previous !== last.hash || item.header.previousEnd !== last.end);
      if (broken) return ending(item.position, 'a block does not follow the one before it');
      if (!sound(item)) return ending(item.position, 'a block does not match its checksum');
    }
    blocks.push(item);
    last = item;
  }
  return { blocks, rot, tail: undefined };
}
