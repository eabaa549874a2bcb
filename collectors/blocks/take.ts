/**
 * Takes one batch into the spool: decides whether it connects, then goes through its gaps and blocks in order and appends
 * what is new. Each look at a row and the append that follows it are one synchronous step, so two requests at once can
 * neither store a block twice nor leave one out. Nothing is acknowledged here: the caller waits for the spool first.
 */
import type { Gap, Intake, Position, SourceNumber } from '../../spool/nouns.ts';
import { zeroHash } from '../../spool/nouns.ts';
import type { Clock } from '../../spool/ports.ts';
import type { Batch } from '../../spool/wire.ts';
import type { Waiting } from '../shared/waiting.ts';
import type { Notice } from './admit.ts';
import { admit, placeBlock, placeGap } from './admit.ts';
import type { Body, ReceivedBlock } from './body.ts';
import { receiverLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { Row, Streams } from './streams.ts';
import { encodeMark } from './streams.ts';

export interface Taken {
  readonly row: Row;
  /** What was new; 0 for a duplicate. */
  readonly blocks: number;
}

export interface TakeWorld {
  readonly intake: Intake;
  /** For the intake to have room again. */
  readonly room: Waiting;
  readonly streams: Streams;
  readonly clock: Clock;
  /** The receiver's name. */
  readonly collector: string;
  /** Told of each piece in the same turn in which the spool takes it, so that no counter is ever ahead of another. */
  readonly took: (piece: Piece) => void;
  /** Told when something is stored for a stream that was never met, or that another has branched off, and what is remarkable about it. */
  readonly met: (notices: readonly Notice[]) => void;
}

/** A block that was appended, or a gap that was declared. */
export interface Piece {
  readonly kind: 'block' | 'gap';
  readonly source: SourceNumber;
  readonly records: number;
  readonly bytes: number;
}

/**
 * Throws `Refusal`. Nothing of a batch is stored before all of it was verified, unless it is larger than what may wait in
 * memory; then its verified beginning is stored, and is what the agent hears of next.
 */
export async function takeBatch(world: TakeWorld, batch: Batch, body: Body): Promise<Taken> {
  const descriptions = await body.descriptions(batch.descriptionsBytes, batch.descriptionsCrc);
  const taking = new Taking(world, batch, descriptions);
  taking.admit();
  const tiles = new Tiles(batch, body);
  const parts: Part[] = [];
  while (!tiles.complete) {
    const part = tiles.next();
    if (part === undefined) {
      await body.more();
      continue;
    }
    parts.push(part);
    if (body.mayWait(receiverLimits.unstoredBytesMax)) continue;
    await taking.store(parts.splice(0));
    body.giveBack();
  }
  await body.end();
  await taking.store(parts);
  return taking.taken();
}

type Part =
  | { readonly kind: 'gap'; readonly gap: Gap }
  /** `afterGap`: a gap stands right before it. */
  | { readonly kind: 'block'; readonly block: ReceivedBlock; readonly afterGap: boolean };

/** The batch's gaps and verified blocks in order: together they are its range, without remainder. */
class Tiles {
  readonly #batch: Batch;
  readonly #body: Body;
  readonly #gaps: Gap[];
  #at: Position;
  #afterGap = false;

  constructor(batch: Batch, body: Body) {
    this.#batch = batch;
    this.#body = body;
    this.#gaps = [...batch.gaps];
    this.#at = batch.after;
  }

  get complete(): boolean {
    return this.#at >= this.#batch.upto;
  }

  /** undefined where the body has to bring more first. */
  next(): Part | undefined {
    const gap = this.#gaps[0]?.from === this.#at ? this.#gaps.shift() : undefined;
    if (gap) {
      this.#at = gap.upto;
      this.#afterGap = true;
      return { kind: 'gap', gap };
    }
    const block = this.#body.block(this.#at, this.#gaps[0]?.from ?? this.#batch.upto, this.#batch.spool);
    if (block === undefined) return undefined;
    const afterGap = this.#afterGap;
    this.#at = block.end;
    this.#afterGap = false;
    return { kind: 'block', block, afterGap };
  }
}

class Taking {
  readonly #world: TakeWorld;
  readonly #batch: Batch;
  #descriptions: Uint8Array | undefined;
  #row: Row | undefined;
  #blocks = 0;
  #notices: readonly Notice[] = [];

  constructor(world: TakeWorld, batch: Batch, descriptions: Uint8Array | undefined) {
    this.#world = world;
    this.#batch = batch;
    this.#descriptions = descriptions;
  }

  taken(): Taken {
    return { row: this.#row!, blocks: this.#blocks };
  }

  /** Looks the stream up; refuses at once what cannot be taken, before its body is read. */
  admit(): void {
    const admission = admit(this.#batch, this.#world.streams.of(this.#batch));
    if (admission.kind === 'refuse') throw new Refusal(admission.answer, admission.message);
  }

  async store(parts: readonly Part[]): Promise<void> {
    for (const part of parts) while (!this.#storeOne(part)) await this.#room();
  }

  /** False where the spool has no room at the moment. */
  #storeOne(part: Part): boolean {
    if (this.#world.intake.hold !== undefined) return false;
    if (part.kind === 'block') return this.#block(part.block, part.afterGap);
    this.#gap(part.gap);
    return true;
  }

  #gap(gap: Gap): void {
    const row = this.#current();
    const step = placeGap(gap, row.held);
    if (step.kind === 'skip') return;
    if (step.from > row.held) throw new Refusal('behind', `Only ${row.held} is held.`);
    this.#move(row, gap, step.records, step.bytes);
  }

  #block(block: ReceivedBlock, afterGap: boolean): boolean {
    const row = this.#current();
    if (block.position > row.held) throw new Refusal('behind', `Only ${row.held} is held.`);
    const step = placeBlock(block, row.held, afterGap || row.gapped ? undefined : row.hash);
    if (step.kind === 'skip' || (step.kind === 'append' && this.#append(row, block))) return true;
    if (row.empty) this.#world.streams.drop(row);
    if (step.kind === 'conflict') throw new Refusal('conflict', step.message);
    return false;
  }

  /** The row as it is now; begins it where the stream is new. */
  #current(): Row {
    const { streams } = this.#world;
    const known = streams.find(this.#batch, this.#batch.epoch);
    if (known) {
      known.usedAt = this.#world.clock.monotonic();
      this.#row = known;
      return known;
    }
    if (this.#world.intake.sourcesFull)
      throw new Refusal(
        'full',
        'The receiver remembers as many streams and files as it can; old ones have to go first.',
      );
    // asked again: while the body was on its way another request may have begun the row, or it was forgotten
    const admission = admit(this.#batch, streams.of(this.#batch));
    if (admission.kind === 'refuse') throw new Refusal(admission.answer, admission.message);
    if (admission.kind !== 'open') throw new Error('BUG: a stream without a row cannot be continued');
    this.#notices = admission.notices;
    const { spool, stream, epoch, parent } = this.#batch;
    const { held, hash = zeroHash } = admission;
    const { collector } = this.#world;
    this.#row = streams.open({ collector, spool, stream, epoch, parent: parent?.epoch, held, hash });
    return this.#row;
  }

  /** Waits for a passing shortage of the spool; refuses for a lasting one. */
  async #room(): Promise<void> {
    const { intake, room } = this.#world;
    for (let waits = 0; intake.hold !== undefined; waits++) {
      const passing = intake.hold === 'unsynced' || intake.hold === 'rolling';
      if (!passing || waits > 1000 || !(await room.wait(receiverLimits.spoolWaitMsMax)))
        throw new Refusal('full', `The receiver's spool takes nothing at the moment (${intake.hold}).`);
    }
  }

  #move(row: Row, gap: Gap, records: number, bytes: number): void {
    const { intake, clock } = this.#world;
    const dropped =
      gap.reason === 'hole_in_positions'
        ? undefined
        : { reason: 'upstream' as const, records, bytes: Math.max(0, bytes) };
    intake.commit({
      source: row.number,
      from: row.held,
      to: gap.upto,
      mark: encodeMark(row.hash, true),
      format: 'text',
      records: 0,
      bytes: 0,
      time: clock.now(),
      continues: false,
      unterminated: false,
      dropped,
    });
    const counted = { records: Math.max(0, dropped?.records ?? 0), bytes: dropped?.bytes ?? 0 };
    this.#world.took({ kind: 'gap', source: row.number, ...counted });
    row.held = gap.upto;
    row.gapped = true;
    this.#keep(row);
  }

  /** Something of the stream is in the spool now. */
  #keep(row: Row): void {
    if (row.empty) this.#world.met(this.#notices);
    else if (!row.toldBranched) this.#tellBranched(row);
    row.empty = false;
  }

  /** A batch that was long on its way: its agent has lost by now what it had sent, and went on without it. */
  #tellBranched(row: Row): void {
    const branch = this.#world.streams.branchOf(row);
    if (branch === undefined) return;
    row.toldBranched = true;
    this.#world.met([{ kind: 'copied', parent: row.epoch, sibling: branch.epoch }]);
  }

  /** False where the spool has no room after all. */
  #append(row: Row, block: ReceivedBlock): boolean {
    const { intake, clock } = this.#world;
    const { records, rawBytes, frameCrc } = block.facts;
    const run = {
      source: row.number,
      from: row.held,
      to: block.end,
      mark: encodeMark(block.hash, false),
      format: 'text' as const,
      records,
      bytes: rawBytes,
      time: clock.now(),
      continues: false,
      unterminated: false,
    };
    const { header, frame } = block;
    if (intake.append(run, { header, frame, frameCrc, descriptions: this.#descriptions }) === undefined) return false;
    if (this.#descriptions) row.described = true;
    this.#descriptions = undefined;
    row.held = block.end;
    row.hash = block.hash;
    row.gapped = false;
    this.#keep(row);
    this.#blocks++;
    this.#world.took({ kind: 'block', source: row.number, records, bytes: rawBytes });
    return true;
  }
}
