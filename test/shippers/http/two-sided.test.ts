/**
 * Seeded runs of a real shipper and a real receiver with everything between and around them going wrong: requests that never
 * arrive, answers that get lost or cut, bodies cut or flipped, copies of requests that arrive late, restarts and crashes of
 * both sides. `SEED=n` replays one run, `SEEDS=n` runs more.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TransportRequest } from '../../../shippers/ports.ts';
import { encodeAnswer } from '../../../spool/wire-answer.ts';
import type { Fault } from '../../wire/network.ts';
import { Pair } from '../../wire/pair.ts';
import { Seeded } from '../../wire/seeded.ts';

const seeds = process.env.SEED ? [Number(process.env.SEED)] : range(Number(process.env.SEEDS ?? 25));
const happened: Record<string, number> = {};

for (const seed of seeds) {
  test(`with everything going wrong, each block arrives once and in order (SEED=${seed})`, async () => {
    const { pair, chance, settle } = await world(seed, seed + 1000);
    for (let step = 0; step < 60; step++) await randomStep(pair, chance, step);
    await settle();
    await pair.clock.runFor(200_000); // late copies arrive
    await pair.drain();
    pair.assertExactlyOnce();
    for (const { status } of pair.network.seen) count(`status ${status}`);
    for (const [outcome, times] of Object.entries(pair.shipper!.status().outcomes)) count(`outcome ${outcome}`, times);
    await pair.stop();
  });
}

for (const seed of seeds) {
  test(`with either side restored from older copies, nothing is lost (SEED=${seed})`, async () => {
    const { pair, chance, settle } = await world(seed, seed + 2000);
    const copies = { agent: pair.agent.image(), center: pair.center.image() };
    for (let step = 0; step < 60; step++) {
      await randomStep(pair, chance, step);
      if (chance.chance(0.1)) copies.agent = pair.agent.image();
      if (chance.chance(0.1)) copies.center = pair.center.image();
      if (chance.chance(0.04)) await restore('agent', () => pair.restartAgent(copies.agent));
      if (chance.chance(0.04)) await restore('receiver', () => pair.restartReceiver(copies.center));
    }
    await settle();
    const received = new Set(pair.received());
    const missing = pair.agent.image().blocks.filter((block) => !received.has(block.hash));
    assert.deepEqual(
      missing.map((block) => block.position),
      [],
    );
    await pair.stop();
  });
}

/** Both sides, running over a network with faults until `settle`, which ends them and waits until everything has arrived. */
async function world(seed: number, chanceSeed: number) {
  const pair = new Pair(seed);
  const chance = new Seeded(chanceSeed);
  pair.batchBytesMax = 300 + chance.below(4000);
  pair.network.fault = (request) => randomFault(chance, request);
  await pair.start();
  const settle = async () => {
    pair.network.fault = () => ({ kind: 'none' });
    pair.center.release();
    pair.center.autoSync = true;
    pair.center.sync();
    pair.agent.sync();
    pair.agent.add('the last\n');
    await pair.drain();
  };
  return { pair, chance, settle };
}

async function restore(side: string, doIt: () => Promise<void>): Promise<void> {
  count(`${side} restored`);
  await doIt();
}

after(() => {
  if (seeds.length < 20) return;
  for (const needed of [
    'agent crash',
    'receiver crash',
    'agent restored',
    'receiver restored',
    'receiver full',
    'late_copy',
    'twice',
    'status 400',
    'status 503',
    'outcome acknowledged',
    'outcome network',
    'outcome not_ours',
  ])
    assert.ok((happened[needed] ?? 0) > 0, `"${needed}" never happened: ${JSON.stringify(happened)}`);
});

async function randomStep(pair: Pair, chance: Seeded, step: number): Promise<void> {
  const dice = chance.below(100);
  if (dice < 45)
    for (let i = chance.below(6); i >= 0; i--) pair.agent.add(`step ${step} block ${i}\n`.repeat(1 + chance.below(30)));
  else if (dice < 53) {
    count('agent crash');
    pair.agent.autoSync = chance.chance(0.7);
    await pair.restartAgent(pair.agent.image(), chance.below(2) * chance.below(5000));
  } else if (dice < 61) {
    count('receiver crash');
    await pair.restartReceiver();
    pair.center.autoSync = chance.chance(0.7);
  } else if (dice < 66) {
    count('receiver full');
    pair.center.hold = chance.chance(0.5) ? 'spool_full' : 'unsynced';
  } else if (dice < 75) pair.center.release();
  else if (dice < 85) {
    pair.center.sync();
    pair.agent.sync();
  } else await pair.clock.runFor(chance.below(20_000));
  if (chance.chance(0.7)) await pair.clock.runFor(chance.below(300));
}

function randomFault(chance: Seeded, request: TransportRequest): Fault {
  if (chance.chance(0.55)) return { kind: 'none', delayMs: chance.below(50) };
  const fault = pickFault(chance, request);
  count(fault.kind);
  return fault;
}

function pickFault(chance: Seeded, request: TransportRequest): Fault {
  const fraction = chance.fraction();
  switch (chance.below(9)) {
    case 0:
      return { kind: 'refused' };
    case 1:
      return { kind: 'lost_request' };
    case 2:
      return { kind: 'lost_answer' };
    case 3:
      return { kind: 'cut_body', fraction };
    case 4:
      return { kind: 'cut_answer', fraction };
    case 5:
      return { kind: 'flip', fraction };
    case 6:
      return { kind: 'twice' };
    case 7:
      return { kind: 'late_copy', delayMs: chance.below(120_000) };
    default:
      return { kind: 'instead', answer: strangeAnswer(chance, request) };
  }
}

/** A login page, or an answer that claims what is not true. */
function strangeAnswer(chance: Seeded, request: TransportRequest) {
  const page = { status: 200, headers: {}, body: Buffer.from('<html>Please log in</html>') };
  if (chance.chance(0.5)) return page;
  const upto = Number(request.headers['tailspool-upto'] ?? 0);
  const row = { epoch: request.headers['tailspool-epoch'] ?? '0'.repeat(32), held: upto, hash: 'f'.repeat(32) };
  const receiver = request.headers['tailspool-receiver'] ?? 'a'.repeat(32);
  const told = { answer: 'taken' as const, receiver, row, rows: [], describe: false, versions: [], message: 'Yes!' };
  return { status: 200, headers: {}, body: Buffer.from(encodeAnswer(told)) };
}

function count(what: string, times = 1): void {
  happened[what] = (happened[what] ?? 0) + times;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1);
}
