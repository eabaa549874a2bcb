/**
 * One batch of blocks from the spool into the mirror's files, in the order that makes it exactly once: learn and plan from
 * the headers alone → durable intent → write → make durable → the caller moves the cursor. If anything throws, the intent
 * says what to cut before the same blocks are written again.
 */

import { hashOf } from '../../spool/format.ts';
import { bytesOf, type Layout, layoutOf, type Slice } from '../../spool/format-nesting.ts';
import type { BlockHash, BlockView, Id, RecordFormat, SourceNumber } from '../../spool/nouns.ts';
import type { Clock, Codec } from '../../spool/ports.ts';
import type { Book } from './book.ts';
import type { Gather } from './gather.ts';
import { alternativePath, unknownPath } from './names.ts';
import { Misplaced, type Shelf, type Target } from './shelf.ts';
import type { Written } from './written.ts';

/** A batch ends with the block that reaches one of these. */
export const targetsMax = 32_768;
export const slicesMax = 65_536;
const slicesUntilYield = 1024;
const writtenBytesUntilYield = 1024 * 1024;
const scratchBytesMin = 512 * 1024;
const scratchBytesMax = 2 * 1024 * 1024;

export interface Tools {
  readonly book: Book;
  readonly written: Written;
  readonly shelf: Shelf;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly scratch: Scratch;
  readonly gather: Gather;
  readonly notes: BatchNotes;
}

/** What a batch met that people should know of. */
export interface BatchNotes {
  blockDamaged(damaged: DamagedBlock): void;
  pathTaken(path: string, instead: string, code: string): void;
  undescribed(spool: Id, source: SourceNumber, path: string): void;
}

export interface DamagedBlock {
  readonly view: BlockView;
  readonly records: number;
  readonly bytes: number;
  readonly why: string;
}

export interface Plan {
  readonly blocks: readonly PlannedBlock[];
  readonly targets: ReadonlyMap<string, Target>;
  /** How many of the blocks given are in it. */
  readonly taken: number;
  /** Records that are in the mirror already, and are not written again. */
  readonly known: number;
  /** Blocks that gave nothing; complete once the batch is written. */
  readonly damaged: DamagedBlock[];
}

interface PlannedBlock {
  readonly view: BlockView;
  readonly slices: readonly Slice[];
  readonly rawBytes: number;
  readonly records: number;
  /** One for each slice. */
  readonly targets: readonly Target[];
  /** What its first spool called it; undefined for the spool's own. */
  readonly origin: BlockHash | undefined;
}

/** Learns the descriptions, finds (or creates, empty) the files of as many blocks as one batch may have. */
export async function planBatch(blocks: readonly BlockView[], tools: Tools): Promise<Plan> {
  const targets = new Map<string, Target>();
  const planned: PlannedBlock[] = [];
  const damaged: DamagedBlock[] = [];
  const origins = new Set<BlockHash>();
  let taken = 0;
  let known = 0;
  let slices = 0;
  let yielded = 0;
  for (const view of blocks) {
    if (targets.size >= targetsMax || slices >= slicesMax) break;
    if (slices >= yielded + slicesUntilYield) {
      yielded = slices;
      await turn(tools.clock);
    }
    taken++;
    const result = layoutOf(view.header, tools.codec);
    if (result.kind === 'damaged') {
      damaged.push({ view, records: view.records, bytes: view.rawBytes, why: result.why });
      continue;
    }
    const { layout } = result;
    for (const statement of layout.statements) tools.book.learn(statement);
    if (layout.slices.length === 0) continue;
    const origin = layout.origin && hashOf(layout.origin);
    if (origin && (tools.written.has(origin) || origins.has(origin))) {
      known += layout.records;
      continue;
    }
    if (origin) origins.add(origin);
    slices += layout.slices.length;
    planned.push({
      view,
      slices: layout.slices,
      rawBytes: layout.rawBytes,
      records: layout.records,
      targets: layout.slices.map((slice) => targetOf(layout, slice, targets, tools)),
      origin,
    });
  }
  return { blocks: planned, targets, taken, known, damaged };
}

/** Writes what was planned, makes it durable, and tells which blocks of other spools that were. */
export async function writeBatch(plan: Plan, tools: Tools, stopped: () => boolean): Promise<BlockHash[]> {
  const { shelf, gather, clock } = tools;
  const origins: BlockHash[] = [];
  let written = 0;
  try {
    for (const block of plan.blocks) {
      const raw = expand(block, tools, plan.damaged);
      if (!raw) continue;
      if (block.origin) origins.push(block.origin);
      for (const [index, slice] of block.slices.entries())
        gather.add(block.targets[index]!, bytesOf(slice, raw), shelf);
      written += raw.length;
      if (written < writtenBytesUntilYield) continue;
      written = 0;
      await turn(clock);
      if (stopped()) throw new Error('stopped within a batch');
    }
    await shelf.sync(plan.targets.values(), (target) => gather.write(target, shelf));
    return origins;
  } finally {
    gather.release();
  }
}

/** Others have their turn. */
function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

function targetOf(layout: Layout, slice: Slice, targets: Map<string, Target>, tools: Tools): Target {
  const key = { spool: layout.spool, epoch: layout.epoch, source: slice.source, format: slice.format };
  const { path, described } = tools.book.path(key);
  const known = targets.get(path);
  if (known) return known;
  if (!described) tools.notes.undescribed(layout.spool, slice.source, path);
  const { target, code } = place(path, layout.spool, slice.source, slice.format, tools.shelf);
  if (target.path !== path) {
    tools.notes.pathTaken(path, target.path, code);
    if (described) tools.book.move(key, target.path);
  }
  const there = targets.get(target.path);
  if (there) return there;
  targets.set(target.path, target);
  return target;
}

/** The file at `path`, or at the first place instead of it that works. */
function place(
  path: string,
  spool: Id,
  source: SourceNumber,
  format: RecordFormat,
  shelf: Shelf,
): { readonly target: Target; readonly code: string } {
  let first: Misplaced | undefined;
  let candidate = path;
  for (let attempt = 1; attempt <= 4; attempt++) {
    try {
      return { target: shelf.target(candidate), code: first?.code ?? '' };
    } catch (error) {
      if (!(error instanceof Misplaced)) throw error;
      first ??= error;
      candidate = attempt < 3 ? alternativePath(candidate, error.blocked) : unknownPath(spool, source, format);
    }
  }
  throw first;
}

function expand(block: PlannedBlock, tools: Tools, damaged: DamagedBlock[]): Uint8Array | undefined {
  const { view, rawBytes, records } = block;
  const into = tools.scratch.take(rawBytes);
  let why: string;
  try {
    const length = tools.codec.expand(view.frame, into);
    if (length === rawBytes) return into;
    why = `its frame holds ${length} bytes, its header says ${rawBytes}`;
  } catch (error) {
    why = `its frame does not expand (${(error as Error).message})`;
  }
  damaged.push({ view, records, bytes: rawBytes, why });
  return undefined;
}

/** One buffer for all frames of ordinary size. */
export class Scratch {
  #buffer = new Uint8Array(0);

  take(bytes: number): Uint8Array {
    if (bytes > scratchBytesMax) return new Uint8Array(bytes);
    if (bytes > this.#buffer.length) this.#buffer = new Uint8Array(Math.max(bytes, scratchBytesMin));
    return this.#buffer.subarray(0, bytes);
  }
}
