/**
 * Decides, before a batch's body is read, whether it connects to what is held; and for each piece of it, what becomes of
 * it. Pure: the rows come in, a decision goes out. `docs/wire-protocol.md` has the same rules as a table.
 */
import type { BlockHash, Gap, Id, Position } from '../../spool/nouns.ts';
import { zeroHash } from '../../spool/nouns.ts';
import type { Batch } from '../../spool/wire.ts';

/** As much of a row as decisions need. */
export interface RowState {
  readonly epoch: Id;
  readonly parent: Id | undefined;
  readonly held: Position;
  readonly hash: BlockHash;
}

/** Worth telling people, and no reason to refuse anything. */
export type Notice =
  /** The agent went back to a point before what it had delivered: its data_dir is an older copy, or its disk lied. */
  | { readonly kind: 'restored'; readonly parent: Id; readonly held: Position; readonly branchedAt: Position }
  /** A second stream branched off at the same point: two agents run on copies of one data_dir. */
  | { readonly kind: 'copied'; readonly parent: Id; readonly sibling: Id };

export type Admission =
  /** Its stream is known and the batch begins at or before what is held. */
  | { readonly kind: 'continue' }
  /** A new stream: its row begins at `held`. `hash` is what the first block has to follow; undefined: not known. */
  | {
      readonly kind: 'open';
      readonly held: Position;
      readonly hash: BlockHash | undefined;
      readonly notices: readonly Notice[];
    }
  | { readonly kind: 'refuse'; readonly answer: 'behind' | 'unknown'; readonly message: string };

/** `rows`: all of this spool and stream name. */
export function admit(batch: Batch, rows: readonly RowState[]): Admission {
  const row = rows.find((each) => each.epoch === batch.epoch);
  if (row) return batch.after <= row.held ? { kind: 'continue' } : refuseBehind(batch, row.held);
  const parent = batch.parent && rows.find((each) => each.epoch === batch.parent?.epoch);
  if (batch.parent && parent) return branch(batch, batch.parent, parent, rows);
  if (batch.firstContact) return { kind: 'open', held: batch.after, hash: undefined, notices: [] };
  const message = 'This stream was never met here, and the batch names no stream that is held and that it continues.';
  return { kind: 'refuse', answer: 'unknown', message };
}

function branch(
  batch: Batch,
  named: NonNullable<Batch['parent']>,
  parent: RowState,
  rows: readonly RowState[],
): Admission {
  if (batch.after > parent.held) return refuseBehind(batch, parent.held);
  const notices: Notice[] = [];
  const same = named.end === parent.held && named.hash === parent.hash;
  if (named.end < parent.held || (named.end === parent.held && !same))
    notices.push({ kind: 'restored', parent: parent.epoch, held: parent.held, branchedAt: named.end });
  const sibling = rows.find((each) => each.parent === parent.epoch);
  if (sibling && notices.length === 0) notices.push({ kind: 'copied', parent: parent.epoch, sibling: sibling.epoch });
  const hash = named.end === batch.after ? named.hash : undefined;
  return { kind: 'open', held: batch.after, hash, notices };
}

function refuseBehind(batch: Batch, held: Position): Admission {
  const message = `The batch begins after ${batch.after}, but only ${held} is held: send what is between, or declare the gap.`;
  return { kind: 'refuse', answer: 'behind', message };
}

/** A block of the batch, as much of it as decisions need. */
export interface BlockFacts {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly previous: BlockHash;
}

export type BlockStep =
  | { readonly kind: 'append' }
  /** Held already. */
  | { readonly kind: 'skip' }
  /** Another history of the same stream is held here. */
  | { readonly kind: 'conflict'; readonly message: string };

/**
 * `hash`: what the block has to follow where it begins at `held`; undefined where a gap or a first contact stands before
 * it. The caller has seen to it that the block does not begin behind `held`.
 */
export function placeBlock(block: BlockFacts, held: Position, hash: BlockHash | undefined): BlockStep {
  if (block.end < held) return { kind: 'skip' };
  if (block.end === held)
    return hash === undefined || hash === block.hash ? { kind: 'skip' } : conflict(block, 'another block ends there');
  if (block.position < held) return conflict(block, `a block ends inside of it, at ${held}`);
  return hash === undefined || hash === zeroHash || hash === block.previous
    ? { kind: 'append' }
    : conflict(block, 'it does not follow the block that is held before it');
}

export type GapStep =
  | { readonly kind: 'skip' }
  /** `records` and `bytes` are −1 where only a part of the gap is new. */
  | { readonly kind: 'move'; readonly from: Position; readonly records: number; readonly bytes: number };

export function placeGap(gap: Gap, held: Position): GapStep {
  if (gap.upto <= held) return { kind: 'skip' };
  return gap.from < held
    ? { kind: 'move', from: held, records: -1, bytes: -1 }
    : { kind: 'move', from: gap.from, records: gap.records, bytes: gap.bytes };
}

function conflict(block: BlockFacts, why: string): BlockStep {
  return {
    kind: 'conflict',
    message: `The block from ${block.position} to ${block.end} is not of the history held here: ${why}.`,
  };
}
