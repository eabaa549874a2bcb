/**
 * Dead letters once more: read in order from their spool, given to whoever sends them. The reader's cursor passes a block when
 * each of its letters was delivered or stands at the end again, with why it was refused this time.
 */

import { recordsOf } from '../../shippers/http/plain/body.ts';
import { Expander } from '../../shippers/http/plain/contents.ts';
import type { RetryReport, SendLetter } from '../../shippers/ports.ts';
import type { BlockView, Outlet, Position, Tally } from '../../spool/nouns.ts';
import type { Clock, Codec } from '../../spool/ports.ts';
import { decodeLetter, type StoredLetter } from './letter.ts';

export interface RoundWorld {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly codec: Codec;
  /** Puts letters to the end, durably; false where there is no room. */
  putBack(letters: readonly StoredLetter[]): Promise<boolean>;
}

interface Letter {
  readonly stored: StoredLetter;
  readonly key: string;
  readonly bytes: number;
}

type Tried = {
  readonly delivered: number;
  readonly back: StoredLetter[];
  readonly refused: number;
  readonly stopped?: string;
};

export async function retryRound(
  world: RoundWorld,
  send: SendLetter,
  limitMs: number,
  until: Position = world.outlet.durable,
): Promise<RetryReport> {
  const { outlet, clock } = world;
  const endAt = clock.monotonic() + limitMs;
  let delivered = 0;
  let refused = 0;
  for (;;) {
    const next = nextBlock(outlet);
    const report = () => ({ delivered, refused, until, done: false, held: outlet.waiting().records });
    if (!next || next.block.position >= until) return { ...report(), done: true };
    if (clock.monotonic() >= endAt) return report();
    const letters = lettersOf(next.block, next.epoch, world);
    const tried = await tryAll(letters, send, endAt, clock);
    delivered += tried.delivered;
    refused += tried.refused;
    if (tried.back.length > 0 && !(await world.putBack(tried.back)))
      return { ...report(), stopped: 'there is no room to keep what was refused again' };
    for (const [collector, tally] of talliesOf(letters, tried.back)) outlet.dropped('refused', tally, collector);
    await pass(outlet, next.block, next.epoch);
    if (tried.stopped !== undefined) return { ...report(), stopped: tried.stopped };
  }
}

/** Gives up what is held. */
export async function dropAll(world: RoundWorld): Promise<number> {
  const { outlet } = world;
  let dropped = 0;
  for (let next = nextBlock(outlet); next; next = nextBlock(outlet)) {
    const letters = lettersOf(next.block, next.epoch, world);
    for (const [collector, tally] of talliesOf(
      letters,
      letters.map(({ stored }) => stored),
    ))
      outlet.dropped('filtered', tally, collector);
    dropped += letters.length;
    await pass(outlet, next.block, next.epoch);
  }
  return dropped;
}

async function tryAll(letters: readonly Letter[], send: SendLetter, endAt: number, clock: Clock): Promise<Tried> {
  const back: StoredLetter[] = [];
  let delivered = 0;
  let refused = 0;
  for (const [index, { stored, key }] of letters.entries()) {
    const rest = () => [...back, ...letters.slice(index).map((letter) => letter.stored)];
    // A block that takes too long is broken off: what is left of it goes to the end untried.
    if (clock.monotonic() >= endAt + 30_000) return { delivered, refused, back: rest(), stopped: 'it takes too long' };
    const verdict = await send(stored.letter, key);
    switch (verdict.kind) {
      case 'delivered':
        delivered++;
        break;
      case 'refused': {
        const { status, reason } = verdict;
        back.push({ ...stored, letter: { ...stored.letter, status, reason, refusedAt: clock.now() } });
        refused++;
        break;
      }
      case 'stopped':
        return { delivered, refused, back: rest(), stopped: verdict.why };
      default:
        verdict satisfies never;
    }
  }
  return { delivered, refused, back };
}

interface Next {
  readonly block: BlockView;
  readonly epoch: string;
}

/** The block at the cursor that has letters. */
function nextBlock(outlet: Outlet): Next | undefined {
  let at = outlet.cursor?.position ?? outlet.oldest;
  for (;;) {
    const result = outlet.read(at, 1);
    if (result.kind === 'end' || result.kind === 'unreadable') return undefined;
    at = result.upto;
    if (result.kind === 'gap') continue;
    const block = result.blocks.find(({ records }) => records > 0);
    if (block) return { block, epoch: result.epoch.id };
  }
}

function lettersOf(block: BlockView, epoch: string, { codec, outlet }: RoundWorld): Letter[] {
  const contents = new Expander(codec).expand(block);
  if (typeof contents === 'string') return [];
  const letters: Letter[] = [];
  for (const { number, bytes } of recordsOf(contents, { first: 0, count: contents.records })) {
    const stored = decodeLetter(bytes);
    const key = `${outlet.spool}:${epoch}:${block.position}/${number}-1`;
    if (stored) letters.push({ stored, key, bytes: bytes.length + 1 });
  }
  return letters;
}

function talliesOf(letters: readonly Letter[], gone: readonly StoredLetter[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { stored, bytes } of letters) {
    const { origin, letter } = stored;
    const isGone = gone.some(
      (other) =>
        other.letter.record === letter.record &&
        other.origin.position === origin.position &&
        other.origin.epoch === origin.epoch,
    );
    if (!isGone) continue;
    const before = tallies.get(letter.collector) ?? { records: 0, bytes: 0 };
    tallies.set(letter.collector, { records: before.records + 1, bytes: before.bytes + bytes });
  }
  return tallies;
}

async function pass(outlet: Outlet, { end, hash }: BlockView, epoch: string): Promise<void> {
  await outlet.save({ receiver: '', epoch, forked: false, position: end, hash }, true);
}
