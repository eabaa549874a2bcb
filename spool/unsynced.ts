/**
 * The blocks that are not durable yet, in their order; those at the end may not be written yet either. Bounded by the arena,
 * which says when there is no room for more.
 */
import type { BlockArena } from './arena.ts';
import type { PlacedBlock } from './compose.ts';

export class UnsyncedBlocks {
  readonly #arena: BlockArena;
  #blocks: PlacedBlock[] = [];
  /** Those at the end of `#blocks` that are not written yet. */
  #queued: PlacedBlock[] = [];
  #queuedBytes = 0;

  constructor(arena: BlockArena) {
    this.#arena = arena;
  }

  get count(): number {
    return this.#blocks.length;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Keeps a block until it is durable. */
  add(block: PlacedBlock): void {
    this.#blocks.push(block);
  }

  /** It is to be written. */
  queue(block: PlacedBlock): void {
    this.#queued.push(block);
    this.#queuedBytes += block.bytes.length;
  }

  /** What is to be written now: nothing is queued any more. */
  takeQueued(): readonly PlacedBlock[] {
    const queued = this.#queued;
    this.#queued = [];
    this.#queuedBytes = 0;
    return queued;
  }

  /** Lets go of the oldest, which are durable. The memory of those in the arena is used again. */
  release(count: number): readonly PlacedBlock[] {
    const released = this.#blocks.splice(0, count);
    this.#free(released);
    return released;
  }

  /** All that have to be written again, with memory of their own; a segment's table is made anew. None is left here. */
  takeForRepair(): readonly PlacedBlock[] {
    const pending = this.#blocks.filter((block) => !block.header.table).map(owned);
    this.#free(this.#blocks);
    this.#blocks = [];
    return pending;
  }

  /** The repair failed: they wait for the next one, behind the tables that were made for it. */
  putBack(pending: readonly PlacedBlock[]): void {
    this.#blocks = [...this.#blocks.filter((block) => block.header.table), ...pending];
  }

  #free(blocks: readonly PlacedBlock[]): void {
    this.#arena.free(blocks.filter((block) => block.inArena).length);
  }
}

/** The block with memory of its own. */
function owned(block: PlacedBlock): PlacedBlock {
  return block.inArena ? { ...block, bytes: Buffer.from(block.bytes), inArena: false } : block;
}
