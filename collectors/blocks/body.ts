/**
 * A batch's body as it arrives: first descriptions, then blocks, each given out once it is whole and verified. All that is
 * in memory of it counts in the budget: the piece that is being collected, and what the taker has not given back yet. What is wrong is thrown as a `Refusal`. Nothing that a body says about lengths is believed further than its limits.
 */
import type { BlockHeader } from '../../spool/format.ts';
import {
  decodeDescriptions,
  decodeHeader,
  formatVersion,
  frameMatches,
  hashOf,
  headerPrefixBytes,
} from '../../spool/format.ts';
import type { BlockHash, Id, Position } from '../../spool/nouns.ts';
import { limits } from '../../spool/nouns.ts';
import type { Clock } from '../../spool/ports.ts';
import type { Budget } from './budget.ts';
import { receiverLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

/** A whole, verified block. Its bytes count in the budget until they are given back. */
export interface ReceivedBlock {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly previous: BlockHash;
  readonly facts: BlockHeader;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

export class Body implements Disposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #budget: Budget;
  readonly #clock: Clock;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Bytes of the pieces that were given out: in memory until the taker gives them back. */
  #lent = 0;
  #received = 0;
  #waitedMs = 0;

  constructor(body: AsyncIterable<Uint8Array>, budget: Budget, clock: Clock) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#budget = budget;
    this.#clock = clock;
  }

  get received(): number {
    return this.#received;
  }

  /** The descriptions in front of the blocks, verified as such. */
  async descriptions(length: number): Promise<Uint8Array | undefined> {
    if (length === 0) return undefined;
    await this.#need(length);
    // a copy: they wait for the first block that is taken
    const bytes = Uint8Array.from(this.#take(length));
    if (!decodeDescriptions(bytes)) throw new Refusal('bad_request', 'The descriptions do not decode.');
    return bytes;
  }

  /** The next block, which has to begin at `position`, be of `spool` and end by `endMax`. */
  async block(position: Position, endMax: Position, spool: Id): Promise<ReceivedBlock> {
    const { header, length } = await this.#header();
    const end = position + length + header.frameBytes;
    if (header.spool !== spool) throw new Refusal('bad_request', `The block at ${position} is of another spool.`);
    if (header.position !== position)
      throw new Refusal('bad_request', `At ${position} stands a block whose header says ${header.position}.`);
    if (end > endMax) throw new Refusal('bad_request', `The block at ${position} ends at ${end}, behind ${endMax}.`);
    await this.#need(length + header.frameBytes);
    const bytes = this.#take(length + header.frameBytes);
    const frame = bytes.subarray(length);
    if (!frameMatches(header, frame))
      throw new Refusal('bad_request', `The frame of the block at ${position} does not match its checksum.`);
    const head = bytes.subarray(0, length);
    return { position, end, hash: hashOf(head), previous: header.previous, facts: header, header: head, frame };
  }

  /** Throws unless the body ends here. */
  async end(): Promise<void> {
    while (this.#length === 0) if (!(await this.#pull())) return;
    throw new Refusal('bad_request', 'The body goes on behind its last block.');
  }

  [Symbol.dispose](): void {
    this.giveBack();
    this.#budget.give(this.#length);
    this.#length = 0;
    this.#parts = [];
  }

  /** True while what was given out is little, and memory is not short: the taker may keep it and go on. */
  mayWait(bytesMax: number): boolean {
    return this.#lent <= bytesMax && this.#budget.used <= this.#budget.bytesMax / 2;
  }

  /** The taker has done with all that was given out. */
  giveBack(): void {
    this.#budget.give(this.#lent);
    this.#lent = 0;
  }

  async #header(): Promise<{ header: BlockHeader; length: number }> {
    await this.#need(headerPrefixBytes);
    for (;;) {
      const result = decodeHeader(this.#peek());
      switch (result.kind) {
        case 'header':
          if (result.header.frameBytes > limits.blockBytesMax) throw new Refusal('too_large', 'A frame is too large.');
          return result;
        case 'unknown_version':
          throw new Refusal(
            'unknown_version',
            `Blocks of version ${result.version} are not known here, only ${formatVersion}.`,
          );
        case 'damaged':
          throw new Refusal('bad_request', `A block is not whole: ${result.why}.`);
        case 'short':
          if (result.length > receiverLimits.headerBytesMax) throw new Refusal('too_large', 'A header is too large.');
          await this.#need(result.length);
          break;
        default:
          result satisfies never;
      }
    }
  }

  async #need(length: number): Promise<void> {
    while (this.#length < length) {
      if (!(await this.#pull())) throw new Refusal('bad_request', 'The body ends before its last block does.');
    }
  }

  /** False at the end of the body. */
  async #pull(): Promise<boolean> {
    const since = this.#clock.monotonic();
    const next = await this.#chunks.next();
    this.#waitedMs += this.#clock.monotonic() - since;
    if (next.done) return false;
    const chunk = next.value;
    if (!this.#budget.take(chunk.length))
      throw new Refusal('busy', 'Too much is in memory for other clients; come again.');
    this.#parts.push(chunk);
    this.#length += chunk.length;
    this.#received += chunk.length;
    this.#refuseSlow();
    return true;
  }

  #refuseSlow(): void {
    const { slowBodyGraceMs, slowBodyBytesPerSecondMin } = receiverLimits;
    const dueBytes = ((this.#waitedMs - slowBodyGraceMs) / 1000) * slowBodyBytesPerSecondMin;
    if (this.#received < dueBytes) throw new Refusal('too_slow', 'The body comes too slowly.');
  }

  /** All that is there, in one piece. */
  #peek(): Uint8Array {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0]!;
  }

  #take(length: number): Uint8Array {
    const all = this.#peek();
    this.#parts = [all.subarray(length)];
    this.#length -= length;
    this.#lent += length;
    return all.subarray(0, length);
  }
}
