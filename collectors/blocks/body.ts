/**
 * A batch's body as it arrives: first descriptions, then blocks, each given out once it is whole and verified. All that is
 * in memory of it counts in the budget: the piece that is being collected, and what the taker has not given back yet. What
 * is wrong is thrown as a `Refusal`. Nothing that a body says about lengths is believed further than its limits.
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
import type { BodyMemory } from './body-memory.ts';
import type { Budget } from './budget.ts';
import { receiverLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

/** A whole, verified block. Its bytes count in the budget, and stay as they are, until they are given back. */
export interface ReceivedBlock {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly previous: BlockHash;
  readonly facts: Pick<BlockHeader, 'records' | 'rawBytes' | 'frameCrc'>;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

export class Body implements Disposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #budget: Budget;
  readonly #clock: Clock;
  readonly #memory: BodyMemory;
  /** What has come and was not given out stands in it from `#from` to `#upto`; in front of that is what was given out. */
  #buffer: Buffer;
  #from = 0;
  #upto = 0;
  /** Memory that became too small, with pieces in it that were given out. */
  readonly #outgrown: Buffer[] = [];
  /** Bytes of the pieces that were given out: in memory until the taker gives them back. */
  #lent = 0;
  #received = 0;
  #waitedMs = 0;

  /** `length`: what is to come in all. */
  constructor(body: AsyncIterable<Uint8Array>, length: number, memory: BodyMemory, budget: Budget, clock: Clock) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#memory = memory;
    this.#buffer = memory.begin(length);
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
    while (this.#waiting === 0) if (!(await this.#pull())) return;
    throw new Refusal('bad_request', 'The body goes on behind its last block.');
  }

  [Symbol.dispose](): void {
    this.giveBack();
    this.#budget.give(this.#waiting);
    this.#from = this.#upto;
    this.#memory.giveBack(this.#buffer);
  }

  /** True while what was given out is little, and memory is not short: the taker may keep it and go on. */
  mayWait(bytesMax: number): boolean {
    return this.#lent <= bytesMax && this.#budget.used <= this.#budget.bytesMax / 2;
  }

  /** The taker has done with all that was given out. */
  giveBack(): void {
    this.#budget.give(this.#lent);
    this.#lent = 0;
    for (const memory of this.#outgrown.splice(0)) this.#memory.giveBack(memory);
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
    while (this.#waiting < length) {
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
    this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#upto);
    this.#upto += chunk.length;
    this.#received += chunk.length;
    this.#refuseSlow();
    return true;
  }

  #refuseSlow(): void {
    const { slowBodyGraceMs, slowBodyBytesPerSecondMin } = receiverLimits;
    const dueBytes = ((this.#waitedMs - slowBodyGraceMs) / 1000) * slowBodyBytesPerSecondMin;
    if (this.#received < dueBytes) throw new Refusal('too_slow', 'The body comes too slowly.');
  }

  /** Bytes that have come and were not given out. */
  get #waiting(): number {
    return this.#upto - this.#from;
  }

  /** Room for `bytes` behind what is there: where what was given out stood, or in larger memory, never over it. */
  #makeRoom(bytes: number): void {
    const needed = this.#waiting + bytes;
    if (this.#upto + bytes <= this.#buffer.length) return;
    const old = this.#buffer;
    if (this.#lent > 0 || needed > old.length) {
      this.#outgrown.push(old);
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(needed, 2 * old.length));
    }
    old.copy(this.#buffer, 0, this.#from, this.#upto);
    this.#upto = this.#waiting;
    this.#from = 0;
  }

  #peek(): Buffer {
    return this.#buffer.subarray(this.#from, this.#upto);
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(this.#from, this.#from + length);
    this.#from += length;
    this.#lent += length;
    return taken;
  }
}
