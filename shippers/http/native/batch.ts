/** Puts the next batch together: what the spool has after a place, as the receiver has to be told of it. */
import type { BlockHash, Gap, Id, Outlet, Position, ReadResult } from '../../../spool/nouns.ts';
import type { Batch, Parent } from '../../../spool/wire.ts';
import { wireLimits } from '../../../spool/wire.ts';
import type { Place } from './place.ts';

/** Where the receiver may stand when it has taken a part of a batch. */
export interface Boundary {
  readonly position: Position;
  readonly hash: BlockHash;
}

export interface Outgoing {
  readonly batch: Batch;
  /** The blocks as they lie in the spool; valid until its next read. */
  readonly blocks: Uint8Array;
  readonly blocksCount: number;
  readonly records: number;
  readonly boundaries: readonly Boundary[];
  /** The batch's epoch is a fork. */
  readonly forked: boolean;
}

export type Gathered =
  | { readonly kind: 'batch'; readonly outgoing: Outgoing }
  /** Nothing to send; reading goes on at `at` once there is something. */
  | { readonly kind: 'nothing'; readonly at: Position };

export type Reading = Pick<Outlet, 'spool' | 'read'>;
type Blocks = Extract<ReadResult, { kind: 'blocks' }>;

/** `draw` gives the id of a new fork; it is called only where one is needed. */
export function gather(outlet: Reading, place: Place, stream: string, bytesMax: number, draw: () => Id): Gathered {
  const gaps: Gap[] = [];
  let at = place.position;
  for (;;) {
    const result = outlet.read(at, bytesMax);
    switch (result.kind) {
      case 'blocks':
        return { kind: 'batch', outgoing: outgoing(outlet.spool, place, stream, gaps, result, draw) };
      case 'gap':
        addGap(gaps, result.gap);
        at = result.upto;
        break;
      case 'unreadable':
      case 'end':
        return { kind: 'nothing', at };
      default:
        result satisfies never;
    }
  }
}

/** Above the protocol's limit the last gap grows: its counts are not known then, unless they are all holes. */
function addGap(gaps: Gap[], gap: Gap): void {
  const last = gaps.at(-1);
  if (gaps.length < wireLimits.gapsMax || !last) {
    gaps.push(gap);
    return;
  }
  const reason = last.reason === 'hole_in_positions' ? gap.reason : last.reason;
  const records = last.records < 0 || gap.records < 0 ? -1 : last.records + gap.records;
  const bytes = last.bytes < 0 || gap.bytes < 0 ? -1 : last.bytes + gap.bytes;
  gaps[gaps.length - 1] = { from: last.from, upto: gap.upto, reason, records, bytes };
}

function outgoing(
  spool: Id,
  place: Place,
  stream: string,
  gaps: readonly Gap[],
  read: Blocks,
  draw: () => Id,
): Outgoing {
  const begins = read.epoch.start >= place.position && read.epoch.id !== place.epoch;
  const epoch = place.fork ? draw() : begins ? read.epoch.id : (place.epoch ?? read.epoch.id);
  const batch: Batch = {
    spool,
    stream,
    epoch,
    receiver: place.receiver,
    after: place.position,
    upto: read.upto,
    gaps,
    parent: epoch === place.epoch ? undefined : parentOf(place, read, begins),
    firstContact: place.epoch === undefined,
    descriptionsBytes: 0,
    descriptionsCrc: 0,
  };
  const records = read.blocks.reduce((sum, block) => sum + block.records, 0);
  const counts = { blocksCount: read.blocks.length, records };
  const forked = epoch !== read.epoch.id;
  return { batch, blocks: read.bytes, ...counts, boundaries: boundariesOf(place, gaps, read), forked };
}

/**
 * What the new stream continues: the one delivered last. Where the spool says that the epoch branched off earlier than was
 * delivered (its disk lost what it had confirmed), the receiver is told so.
 */
function parentOf(place: Place, read: Blocks, begins: boolean): Parent | undefined {
  if (place.epoch === undefined) return undefined;
  const branch = begins ? read.epoch.parent : undefined;
  if (branch && branch.end < place.position) return { epoch: place.epoch, end: branch.end, hash: branch.hash };
  return { epoch: place.epoch, end: place.position, hash: place.hash };
}

function boundariesOf(place: Place, gaps: readonly Gap[], read: Blocks): Boundary[] {
  const before = gaps.map((gap) => ({ position: gap.upto, hash: place.hash }));
  return [...before, ...read.blocks.map((block) => ({ position: block.end, hash: block.hash }))];
}
