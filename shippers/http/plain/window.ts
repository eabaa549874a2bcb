/**
 * The blocks that were read and are not passed by the cursor: in order, a bounded number of them. The cursor moves over the
 * completed head only, however the blocks behind it end.
 */
import type { BlockHash, Id, Position } from '../../../spool/nouns.ts';
import type { MonotonicMs } from '../../../spool/ports.ts';
import type { Refusal } from './decide.ts';
import { accepted, nextStep, type Plan, planFor, prove, type Refused, refused, split } from './narrow.ts';
import type { SpoolBlock } from './supply.ts';

/** A block on its way. */
export interface Parcel {
  readonly kind: 'parcel';
  readonly block: SpoolBlock;
  plan: Plan;
  /** `suspect`: refused, and not known whether the records are to blame. */
  state: 'ready' | 'sending' | 'suspect' | 'done';
  /** Requests that began later than this one tell whether the endpoint accepts others. */
  refusedAfter: number;
  /** How often it was given up as suspect, and when it is tried again. */
  suspicions: number;
  retryAt: MonotonicMs;
  /** Keeps it from being given up for lack of room: while it is on its way, and while it is there and not passed. */
  pin: Disposable | undefined;
}

/** Where nothing has to be delivered. */
interface Passage {
  readonly kind: 'passage';
  readonly end: Position;
  /** Of the block that ends there; undefined: that of the entry before. */
  readonly at: { readonly epoch: Id; readonly hash: BlockHash } | undefined;
}

export type Entry = Parcel | Passage;

export class Window {
  #entries: Entry[] = [];

  get parcels(): readonly Parcel[] {
    return this.#entries.filter((entry) => entry.kind === 'parcel');
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Blocks that the endpoint may have, wholly or in part, and that the durable cursor has not passed. */
  get uncertain(): number {
    // One that is done with nothing accepted was refused whole: it takes no place, else its verdict would fill the window.
    return this.parcels.filter(({ state, plan }) => state === 'sending' || plan.begun).length;
  }

  addBlock(block: SpoolBlock): void {
    if (block.records === 0) {
      this.#entries.push({ kind: 'passage', end: block.end, at: block });
      return;
    }
    const plan = planFor(block.records);
    const fresh = { refusedAfter: 0, suspicions: 0, retryAt: 0, pin: undefined };
    this.#entries.push({ kind: 'parcel', block, plan, state: 'ready', ...fresh });
  }

  addGap(upto: Position): void {
    this.#entries.push({ kind: 'passage', end: upto, at: undefined });
  }

  /**
   * What is completed from the front on, up to and with the first block that has refused records. A list of its own: more may be added
   * behind it before it is passed.
   */
  head(): readonly Entry[] {
    const open = this.#entries.findIndex((entry) => entry.kind === 'parcel' && entry.state !== 'done');
    const complete = this.#entries.slice(0, open < 0 ? this.#entries.length : open);
    const dead = complete.findIndex((entry) => entry.kind === 'parcel' && refusedOf(entry).length > 0);
    return dead < 0 ? complete : complete.slice(0, dead + 1);
  }

  /** The cursor has passed so many. */
  passed(entries: number): void {
    for (const entry of this.#entries.slice(0, entries)) if (entry.kind === 'parcel') unpin(entry);
    this.#entries = this.#entries.slice(entries);
  }

  /** What lies before `floor` was given up for lack of room, and counted: nothing of it goes out any more. */
  giveUp(floor: Position): void {
    this.#entries = this.#entries.map((entry) => {
      if (entry.kind !== 'parcel' || entry.block.position >= floor || entry.pin) return entry;
      return { kind: 'passage', end: entry.block.end, at: entry.block };
    });
  }
}

export function unpin(parcel: Parcel): void {
  parcel.pin?.[Symbol.dispose]();
  parcel.pin = undefined;
}

/** The records of a block that is done which the endpoint refused. */
export function refusedOf(parcel: Parcel): readonly Refused[] {
  const step = nextStep(parcel.plan);
  return step.kind === 'done' ? step.refused : [];
}

/** The piece that was sent arrived. */
export function take(parcel: Parcel): void {
  parcel.plan = accepted(parcel.plan);
  settle(parcel);
}

/** The piece that was sent was refused; `requests` have begun by now. */
export function refuse(parcel: Parcel, refusal: Refusal, requests: number): void {
  parcel.plan = refused(parcel.plan, refusal);
  parcel.refusedAfter = requests;
  settle(parcel);
}

export function halve(parcel: Parcel): void {
  parcel.plan = split(parcel.plan);
}

/** A request of another block, the `request`th, was accepted: whoever was refused before it began is to blame. */
export function vouch(parcel: Parcel, request: number): void {
  if (parcel.state !== 'suspect' || request <= parcel.refusedAfter) return;
  parcel.plan = prove(parcel.plan);
  settle(parcel);
}

/** A suspect is sent once more, whole. */
export function again(parcel: Parcel): void {
  parcel.plan = planFor(parcel.block.records);
  parcel.state = 'ready';
}

function settle(parcel: Parcel): void {
  const { kind } = nextStep(parcel.plan);
  parcel.state = kind === 'send' ? 'ready' : kind;
}
