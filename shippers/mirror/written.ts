/**
 * Which blocks of other spools are in the mirror already, the newest of them: a receiver that lost the end of its own spool is sent
 * them again, and they are not written twice. A block is known by the hash of the header that its first spool gave it, so
 * nothing else is ever taken for it. What is said here is never ahead of the files: a batch's blocks are added once its files are
 * durable, and taken back where the batch is. Durable with `flush`.
 */
import type { BlockHash } from '../../spool/nouns.ts';
import type { Files } from '../../spool/ports.ts';
import { Journal } from './journal.ts';

/** About a segment of small blocks, or twelve of full ones. */
export const writtenBlocksMax = 16_384;
/** A journal's line has to stay below its limit. */
const inLineMax = 2000;
/** Hexadecimal digits of a hash that are kept. */
const digits = 24;

export class Written {
  readonly #journal: Journal;
  /** To the number of its batch; the oldest first. */
  readonly #blocks: Map<string, number>;
  readonly #blocksMax: number;
  /** Blocks in the journal, those that are forgotten included. */
  #journaled = 0;
  readonly damagedLines: number;

  constructor(files: Files, path: string, blocksMax = writtenBlocksMax) {
    const blocks = new Map<string, number>();
    const { journal, damagedLines } = Journal.open(files, path, (entry) => {
      if (!isLine(entry)) return;
      const [batch, ...known] = entry;
      if (known.length === 0) takeBack(blocks, batch);
      for (const block of known) blocks.set(block, batch);
      this.#journaled += known.length;
    });
    this.#journal = journal;
    this.#blocks = blocks;
    this.#blocksMax = blocksMax;
    this.damagedLines = damagedLines;
    this.#forgetSome();
  }

  has(hash: BlockHash): boolean {
    return this.#blocks.has(hash.slice(0, digits));
  }

  /** The files of the batch are durable. */
  add(batch: number, hashes: readonly BlockHash[]): void {
    const known = hashes.map((hash) => hash.slice(0, digits));
    for (const block of known) this.#blocks.set(block, batch);
    for (const line of linesOf(batch, known)) this.#journal.append(line);
    this.#journaled += known.length;
    this.#forgetSome();
  }

  /** The files were cut back to what they were before the batch. */
  takeBack(batch: number): void {
    if (takeBack(this.#blocks, batch)) this.#journal.append([batch]);
  }

  /** The folder may hold less than is known here. */
  clear(): void {
    for (const batch of new Set(this.#blocks.values())) this.takeBack(batch);
  }

  async flush(): Promise<void> {
    if (this.#journaled <= 2 * this.#blocksMax) return await this.#journal.flush();
    await this.#journal.rewrite(this.#entries());
    this.#journaled = this.#blocks.size;
  }

  *#entries(): Generator<unknown> {
    const batches = new Map<number, string[]>();
    for (const [block, batch] of this.#blocks) {
      const known = batches.get(batch);
      if (known) known.push(block);
      else batches.set(batch, [block]);
    }
    for (const [batch, known] of batches) yield* linesOf(batch, known);
  }

  #forgetSome(): void {
    for (const block of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#blocksMax) return;
      this.#blocks.delete(block);
    }
  }
}

function* linesOf(batch: number, known: readonly string[]): Generator<unknown> {
  for (let at = 0; at < known.length; at += inLineMax) yield [batch, ...known.slice(at, at + inLineMax)];
}

function isLine(entry: unknown): entry is [number, ...string[]] {
  if (!Array.isArray(entry) || !Number.isSafeInteger(entry[0])) return false;
  return entry.slice(1).every((block) => typeof block === 'string' && block.length === digits);
}

function takeBack(blocks: Map<string, number>, batch: number): boolean {
  const before = blocks.size;
  for (const [block, of] of blocks) if (of === batch) blocks.delete(block);
  return blocks.size < before;
}
