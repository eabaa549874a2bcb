/**
 * A batch's body as it arrives: first descriptions, then blocks, each given out once it is whole and verified. A good part of it
 * is collected before its blocks are looked at: to wait for each costs more than all that is done with it. All that is in memory
 * of it counts in the budget: what is being collected, and what the taker has not given back yet. What is wrong is thrown as a
 * `Refusal`. Nothing that a body says about lengths is believed further than its limits.
 */
import { crc32 } from 'node:zlib';
import type { BlockHeader, HeaderResult } from '../../spool/format.ts';
import { decodeHeader, formatVersion, frameMatches, hashOf, headerPrefixBytes } from '../../spool/format.ts';
import { decodeDescriptions } from '../../spool/format-descriptions.ts';
import type { BlockHash, Id, Position } from '../../spool/nouns.ts';
import { limits } from '../../spool/nouns.ts';
import type { Clock } from '../../spool/ports.ts';
import type { WireBody } from '../ports.ts';
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
  readonly #body: WireBody;
  readonly #length: number;
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
  /** So many bytes have to be there before there is another thing to give out. */
  #needed = 0;

  /** `length`: what is to come in all. */
  constructor(body: WireBody, length: number, memory: BodyMemory, budget: Budget, clock: Clock) {
    this.#body = body;
    this.#length = length;
    this.#memory = memory;
    this.#buffer = memory.begin(length);
    this.#budget = budget;
    this.#clock = clock;
  }

  get received(): number {
    return this.#received;
  }

  /** The descriptions in front of the blocks, verified as such. */
  async descriptions(length: number, crc: number): Promise<Uint8Array | undefined> {
    if (length === 0) return undefined;
    this.#needed = length;
    if (this.#waiting < length) await this.more();
    // a copy: they wait for the first block that is taken
    const bytes = Uint8Array.from(this.#take(length));
    if (crc32(bytes) !== crc) throw new Refusal('bad_request', 'The descriptions do not match their checksum.');
    if (!decodeDescriptions(bytes)) throw new Refusal('bad_request', 'The descriptions do not decode.');
    return bytes;
  }

  /**
   * The next block, which has to begin at `position`, be of `spool` and end by `endMax`. undefined where it is not all there yet:
   * to be asked again after `more`.
   */
  block(position: Position, endMax: Position, spool: Id): ReceivedBlock | undefined {
    const head = this.#header();
    if (head === undefined) return undefined;
    const { header, length } = head;
    const end = position + length + header.frameBytes;
    if (header.spool !== spool) throw new Refusal('bad_request', `The block at ${position} is of another spool.`);
    if (header.position !== position)
      throw new Refusal('bad_request', `At ${position} stands a block whose header says ${header.position}.`);
    if (end > endMax) throw new Refusal('bad_request', `The block at ${position} ends at ${end}, behind ${endMax}.`);
    if (!this.#has(length + header.frameBytes)) return undefined;
    const bytes = this.#take(length + header.frameBytes);
    const frame = bytes.subarray(length);
    if (!frameMatches(header, frame))
      throw new Refusal('bad_request', `The frame of the block at ${position} does not match its checksum.`);
    const own = bytes.subarray(0, length);
    return { position, end, hash: hashOf(own), previous: header.previous, facts: header, header: own, frame };
  }

  /** Waits for what the next block lacks, and for more with it while memory is not short. */
  async more(): Promise<void> {
    const gathered = this.#budget.used <= this.#budget.bytesMax / 2 ? receiverLimits.gatheredBytes : 0;
    const wanted = Math.max(this.#needed, Math.min(gathered, this.#waiting + this.#length - this.#received));
    while (this.#waiting < wanted) {
      if (!(await this.#pull(wanted))) throw new Refusal('bad_request', 'The body ends before its last block does.');
    }
  }

  /** Throws unless the body ends here. */
  async end(): Promise<void> {
    while (this.#waiting === 0) if (!(await this.#pull(1))) return;
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

  #header(): Extract<HeaderResult, { kind: 'header' }> | undefined {
    if (!this.#has(headerPrefixBytes)) return undefined;
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
        this.#needed = result.length;
        return undefined;
      default:
        return result satisfies never;
    }
  }

  #has(length: number): boolean {
    this.#needed = length;
    return this.#waiting >= length;
  }

  /** Reads until so many bytes wait; false at the end of the body. */
  async #pull(wanted: number): Promise<boolean> {
    const since = this.#clock.monotonic();
    const more = await this.#body.read((piece) => {
      this.#arrived(piece);
      this.#refuseSlow(this.#clock.monotonic() - since);
      return this.#waiting < wanted;
    });
    this.#waitedMs += this.#clock.monotonic() - since;
    return more;
  }

  #arrived(piece: Uint8Array): void {
    if (!this.#budget.take(piece.length))
      throw new Refusal('busy', 'Too much is in memory for other clients; come again.');
    this.#makeRoom(piece.length);
    this.#buffer.set(piece, this.#upto);
    this.#upto += piece.length;
    this.#received += piece.length;
  }

  /** `waitedMs`: in the call that goes on. */
  #refuseSlow(waitedMs: number): void {
    const { slowBodyGraceMs, slowBodyBytesPerSecondMin } = receiverLimits;
    const dueBytes = ((this.#waitedMs + waitedMs - slowBodyGraceMs) / 1000) * slowBodyBytesPerSecondMin;
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
