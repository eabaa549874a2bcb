/**
 * What names a request for ever: the same records go out under the same key, after a lost answer, a restart or a crash, so that
 * an endpoint that honours `Idempotency-Key` takes them once.
 */
import type { Id, Position } from '../../../spool/nouns.ts';

/** A stretch of a block's records, counted from 0. */
export interface Piece {
  readonly first: number;
  readonly count: number;
}

export interface KeyedBlock {
  readonly spool: Id;
  readonly epoch: Id;
  readonly position: Position;
  readonly records: number;
}

/** `<spool>:<epoch>:<position>`, and `/<first>-<count>` where it is not the whole block. */
export function idempotencyKey({ spool, epoch, position, records }: KeyedBlock, { first, count }: Piece): string {
  const block = `${spool}:${epoch}:${position}`;
  return count === records ? block : `${block}/${first}-${count}`;
}

/** The two halves of a piece of at least two records: always the same ones. */
export function halves({ first, count }: Piece): readonly [Piece, Piece] {
  const left = Math.ceil(count / 2);
  return [
    { first, count: left },
    { first: first + left, count: count - left },
  ];
}
