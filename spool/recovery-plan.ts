/**
 * Decides what counts of a segment, item by item, so that nothing of it has to be kept in memory. Only the newest has an
 * unsynced end (every older one was synced to its end before its successor began). Pure.
 *
 * - Damage below a later whole block's `vouched`, or below a shipper's cursor, was durable once: it is **rot**. It stays where
 *   it is, readers pass over it.
 * - The first damage, wrong frame or broken chain from there on begins the unsynced **tail**: its cursors do not count, so its
 *   records are read again.
 */
import type { Position } from './nouns.ts';
import type { ScanItem, ScannedBlock } from './scan.ts';

export type Verdict =
  | { readonly kind: 'counts'; readonly block: ScannedBlock }
  | { readonly kind: 'rot'; readonly position: Position; readonly end: Position; readonly why: string }
  /** Everything from here to the end of the file is cut; given once, before what is `cut`. */
  | { readonly kind: 'tail'; readonly tail: Tail }
  | { readonly kind: 'cut'; readonly item: ScanItem };

export interface Tail {
  readonly position: Position;
  readonly why: string;
}

export interface Proof {
  /** The highest position known to have been durable: from the segment's own blocks, later ones, and cursors. */
  readonly vouched: Position;
  /** Whether the segment could be synced; if not, nothing counts that is not vouched for. */
  readonly synced: boolean;
  /** Whether a block's frame is what its header says (asked only from `vouched` on). */
  sound(block: ScannedBlock): boolean;
}

/** What becomes of each of a segment's `items`, in their order. */
export function* planRecovery(items: Iterable<ScanItem>, proof: Proof): Generator<Verdict> {
  let last: ScannedBlock | undefined;
  let inTail = false;
  for (const item of items) {
    const tail: Tail | undefined = inTail ? undefined : tailAt(item, last, proof);
    if (!inTail && item.kind === 'damage' && item.position < proof.vouched)
      yield { kind: 'rot', position: item.position, end: Math.min(item.end, proof.vouched), why: item.why };
    if (tail) yield { kind: 'tail', tail };
    inTail ||= tail !== undefined;
    if (inTail) yield { kind: 'cut', item };
    else if (item.kind === 'block') yield { kind: 'counts', block: item };
    last = item.kind === 'block' ? item : undefined;
  }
}

/** The tail, if this item begins it. */
function tailAt(item: ScanItem, last: ScannedBlock | undefined, { vouched, synced, sound }: Proof): Tail | undefined {
  const { position, end } = item;
  if (item.kind === 'newer') return { position, why: 'a newer version' };
  if (item.kind === 'damage')
    return end > vouched ? { position: Math.max(position, vouched), why: item.why } : undefined;
  if (position < vouched) return undefined;
  if (!synced) return { position, why: 'it could not be synced' };
  if (last && (item.header.previous !== last.hash || item.header.previousEnd !== last.end))
    return { position, why: 'a block does not follow the one before it' };
  return sound(item) ? undefined : { position, why: 'a block does not match its checksum' };
}
