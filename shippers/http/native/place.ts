/**
 * Where a shipper stands with one receiver, and how that is found out: from the receiver's rows, the saved cursor and the
 * blocks that are still here. Pure. A row is ours if the block that ends where it ends is here with the same hash: then
 * everything before it was delivered or declared.
 */
import type { BlockHash, Id, Outlet, Position, ShipperCursor } from '../../../spool/nouns.ts';
import { zeroHash } from '../../../spool/nouns.ts';
import type { Held } from '../../../spool/wire-answer.ts';

export interface Place {
  readonly receiver: Id;
  /** The epoch that the receiver knows the stream by; undefined: it holds nothing that connects to us (first contact). */
  readonly epoch: Id | undefined;
  /** `epoch` is a fork, not that of the block before `position`. */
  readonly forked: boolean;
  /** Everything before it was delivered to this receiver, or declared. */
  readonly position: Position;
  /** Of the last block delivered. */
  readonly hash: BlockHash;
  /** What follows goes out under a new epoch: the receiver holds another history of this one. */
  readonly fork: boolean;
}

export type Blocks = Pick<Outlet, 'endingAt' | 'oldest'>;

/** How a place was found, for the log. */
export type Finding =
  | 'first_contact'
  /** The receiver acknowledged before, and holds nothing of this spool now: all that is still here goes out. */
  | 'forgotten'
  | 'as_saved'
  /** The receiver holds more than was saved, and it is ours: an acknowledgement got lost. */
  | 'ahead'
  /** The receiver holds less than it had acknowledged; what is still here goes out again. */
  | 'behind'
  /** The same, and a part of it is not here any more: declared as a gap. */
  | 'behind_with_gap'
  /** The receiver holds another history of the same stream: this data_dir is a copy, or was restored. */
  | 'forked'
  /** The receiver knows this spool, but nothing that can be connected: all that is here goes out, perhaps again. */
  | 'from_oldest';

export interface Located {
  readonly place: Place;
  readonly finding: Finding;
}

/** `saved`: the newest place or cursor known here, of whatever receiver. `rows`: all that `receiver` holds of this spool. */
export function locate(receiver: Id, rows: readonly Held[], saved: ShipperCursor | undefined, blocks: Blocks): Located {
  const mine = saved?.receiver === receiver ? saved : undefined;
  if (rows.length === 0)
    return { place: beginning(receiver, blocks, false), finding: mine ? 'forgotten' : 'first_contact' };
  const proven = furthest(receiver, rows, blocks, mine);
  if (proven) return { place: proven, finding: compare(proven, mine) };
  return unproven(receiver, rows, mine, blocks);
}

/** A saved cursor as a place. */
export function placeOf(cursor: ShipperCursor, fork = false): Place {
  const { epoch, forked, position, hash } = cursor;
  return { receiver: cursor.receiver, epoch, forked, position, hash, fork };
}

export function cursorOf(place: Place): ShipperCursor | undefined {
  const { receiver, epoch, forked, position, hash } = place;
  return epoch === undefined ? undefined : { receiver, epoch, forked, position, hash };
}

function beginning(receiver: Id, blocks: Blocks, fork: boolean): Place {
  return { receiver, epoch: undefined, forked: false, position: blocks.oldest, hash: zeroHash, fork };
}

function compare(proven: Place, mine: ShipperCursor | undefined): Finding {
  if (!mine || proven.position > mine.position) return 'ahead';
  return proven.position < mine.position ? 'behind' : 'as_saved';
}

/** Of the rows that are proven to be ours, the one that goes furthest. The furthest is tried first: looking for a block costs. */
function furthest(
  receiver: Id,
  rows: readonly Held[],
  blocks: Blocks,
  mine: ShipperCursor | undefined,
): Place | undefined {
  const byHeld = rows.toSorted((a, b) => b.held - a.held);
  for (const row of byHeld) {
    const place = prove(receiver, row, blocks, mine);
    if (place) return place;
  }
  return undefined;
}

function prove(receiver: Id, row: Held, blocks: Blocks, mine: ShipperCursor | undefined): Place | undefined {
  // behind our last block the row has moved by declared gaps only, if at all: they are declared again, which changes nothing
  if (mine && row.epoch === mine.epoch && row.hash === mine.hash && row.held >= mine.position) return placeOf(mine);
  const block = blocks.endingAt(row.held);
  if (!block || block.hash !== row.hash) return undefined;
  const forked = block.epoch.id !== row.epoch;
  return { receiver, epoch: row.epoch, forked, position: row.held, hash: row.hash, fork: false };
}

function unproven(receiver: Id, rows: readonly Held[], mine: ShipperCursor | undefined, blocks: Blocks): Located {
  const own = mine && rows.find((row) => row.epoch === mine.epoch);
  if (mine && own && own.held > mine.position) return { place: placeOf(mine, true), finding: 'forked' };
  // what follows the row is not here any more: the longest such row leaves the shortest gap
  const gone = (own ? [own] : rows).filter((row) => row.held < blocks.oldest);
  const longest = gone.reduce<Held | undefined>((best, row) => (best && best.held >= row.held ? best : row), undefined);
  if (!longest) return { place: beginning(receiver, blocks, true), finding: 'from_oldest' };
  const forked = mine?.epoch === longest.epoch && mine.forked;
  const { epoch, held, hash } = longest;
  return { place: { receiver, epoch, forked, position: held, hash, fork: false }, finding: 'behind_with_gap' };
}
