/**
 * Which piece of a block is sent next, and when the block is done with. Pure: every answer makes a new plan of an old one. What is
 * refused is halved until single records are left; one that is refused alone is to blame only if something else was accepted
 * since, else the endpoint may as well refuse everything. One bad record among 10,000 is found with 29 requests.
 */
import type { Refusal } from './decide.ts';
import { halves, type Piece } from './key.ts';

/** A record that was refused by itself. */
export interface Refused {
  readonly record: number;
  readonly refusal: Refusal;
}

export interface Plan {
  /** Still to be sent, in this order. */
  readonly todo: readonly Piece[];
  readonly refused: readonly Refused[];
  /** Requests refused so far. */
  readonly refusals: number;
  /** A piece was accepted: the endpoint has a part of the block. */
  readonly begun: boolean;
  /** Other records were accepted since: by this block's pieces, or by another block. */
  readonly proven: boolean;
  readonly lastRefusal: Refusal | undefined;
}

export type Step =
  | { readonly kind: 'send'; readonly piece: Piece }
  /** Nothing was accepted besides: whether the records are to blame is not known. */
  | { readonly kind: 'suspect'; readonly refusal: Refusal }
  /** Everything is delivered, but for `refused`, which are to blame. */
  | { readonly kind: 'done'; readonly refused: readonly Refused[] };

/** Without anything accepted one part is followed down to its records for so many refusals; then all parts get smaller by turns. */
const deepMax = 20;
/** Without anything accepted it is given up after so many. */
const unprovenMax = 40;

export function planFor(records: number): Plan {
  const todo = records > 0 ? [{ first: 0, count: records }] : [];
  return { todo, refused: [], refusals: 0, proven: false, begun: false, lastRefusal: undefined };
}

export function nextStep({ todo, refused, refusals, proven, lastRefusal }: Plan): Step {
  const [piece] = todo;
  const hopeless = !proven && lastRefusal !== undefined && (refusals >= unprovenMax || piece === undefined);
  if (hopeless) return { kind: 'suspect', refusal: lastRefusal };
  if (piece) return { kind: 'send', piece };
  return { kind: 'done', refused: refused.toSorted((a, b) => a.record - b.record) };
}

/** The piece is too large before it is even sent. */
export function split(plan: Plan): Plan {
  const [piece, ...rest] = plan.todo as [Piece, ...Piece[]];
  return { ...plan, todo: [...halves(piece), ...rest] };
}

export function accepted(plan: Plan): Plan {
  return { ...plan, todo: plan.todo.slice(1), begun: true, proven: true };
}

export function refused(plan: Plan, refusal: Refusal): Plan {
  const [piece, ...rest] = plan.todo as [Piece, ...Piece[]];
  const counted = { ...plan, refusals: plan.refusals + 1, lastRefusal: refusal };
  if (piece.count === 1)
    return { ...counted, todo: rest, refused: [...plan.refused, { record: piece.first, refusal }] };
  const parts = halves(piece);
  // What stands first goes first, so that order is kept. Only where nothing good is found it is looked for all over the block.
  const broad = !plan.proven && counted.refusals > deepMax;
  return { ...counted, todo: broad ? [...rest, ...parts] : [...parts, ...rest] };
}

/** Another block was accepted after this block's last refusal. */
export function prove(plan: Plan): Plan {
  return plan.lastRefusal === undefined ? plan : { ...plan, proven: true };
}
