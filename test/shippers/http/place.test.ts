import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Blocks, type Finding, locate } from '../../../shippers/http/native/place.ts';
import type { ShipperCursor } from '../../../spool/nouns.ts';
import type { Held } from '../../../spool/wire-answer.ts';

const id = (letter: string) => letter.repeat(32);
const here = id('a');
const [e1, e2, fork] = [id('1'), id('2'), id('f')];
/** Blocks end at 200, 300 (epoch 1), 400 and 500 (epoch 2); what lies before 100 is gone. */
const ends = new Map([
  [200, e1],
  [300, e1],
  [400, e2],
  [500, e2],
]);
const hashAt = (position: number) => position.toString(16).padStart(32, '0');
const blocks: Blocks = {
  oldest: 100,
  endingAt: (position) => {
    const epoch = ends.get(position);
    return epoch === undefined
      ? undefined
      : { epoch: { id: epoch, start: 0, parent: undefined }, hash: hashAt(position) };
  },
};
const row = (epoch: string, held: number, hash = hashAt(held)): Held => ({ epoch, held, hash });
const cursor = (epoch: string, position: number, over: Partial<ShipperCursor> = {}): ShipperCursor => ({
  receiver: here,
  epoch,
  forked: false,
  position,
  hash: hashAt(position),
  ...over,
});
const foreign = id('9');

interface Expected {
  readonly finding: Finding;
  readonly position: number;
  readonly epoch: string | undefined;
  readonly fork?: boolean;
  readonly forked?: boolean;
}

const table: [name: string, rows: Held[], saved: ShipperCursor | undefined, expected: Expected][] = [
  ['nothing held, no cursor', [], undefined, { finding: 'first_contact', position: 100, epoch: undefined }],
  [
    'nothing held, a cursor of another receiver',
    [],
    cursor(e1, 300, { receiver: id('b') }),
    { finding: 'first_contact', position: 100, epoch: undefined },
  ],
  [
    'nothing held, though it acknowledged',
    [],
    cursor(e1, 300),
    { finding: 'forgotten', position: 100, epoch: undefined },
  ],
  ['held as saved', [row(e1, 300)], cursor(e1, 300), { finding: 'as_saved', position: 300, epoch: e1 }],
  [
    'held as saved, the block itself gone',
    [row(e1, 90)],
    cursor(e1, 90),
    { finding: 'as_saved', position: 90, epoch: e1 },
  ],
  ['an answer got lost', [row(e1, 300)], cursor(e1, 200), { finding: 'ahead', position: 300, epoch: e1 }],
  [
    'the first answer of a new epoch got lost',
    [row(e2, 400), row(e1, 300)],
    cursor(e1, 300),
    { finding: 'ahead', position: 400, epoch: e2 },
  ],
  ['the cursor got lost', [row(e2, 400), row(e1, 300)], undefined, { finding: 'ahead', position: 400, epoch: e2 }],
  [
    'the cursor is of another receiver',
    [row(e1, 200)],
    cursor(e1, 300, { receiver: id('b') }),
    { finding: 'ahead', position: 200, epoch: e1 },
  ],
  [
    'a declared gap was stored, the blocks behind it not',
    [row(e1, 350, hashAt(300))],
    cursor(e1, 300),
    { finding: 'as_saved', position: 300, epoch: e1 },
  ],
  ['the receiver was restored', [row(e1, 200)], cursor(e2, 400), { finding: 'behind', position: 200, epoch: e1 }],
  [
    'restored, and a part is gone here',
    [row(e1, 50, foreign)],
    cursor(e1, 300),
    { finding: 'behind_with_gap', position: 50, epoch: e1 },
  ],
  [
    'restored to before the epoch, and a part is gone here',
    [row(e1, 50, foreign), row(id('0'), 20, foreign)],
    cursor(e2, 400),
    { finding: 'behind_with_gap', position: 50, epoch: e1 },
  ],
  [
    'another history goes further',
    [row(e1, 350, foreign)],
    cursor(e1, 300),
    { finding: 'forked', position: 300, epoch: e1, fork: true },
  ],
  [
    'another history ends where a block of ours ends',
    [row(e2, 500, foreign)],
    cursor(e2, 400),
    { finding: 'forked', position: 400, epoch: e2, fork: true },
  ],
  [
    'another history goes further than this spool',
    [row(e1, 9000, foreign)],
    cursor(e1, 300),
    { finding: 'forked', position: 300, epoch: e1, fork: true },
  ],
  [
    'another history, and no cursor',
    [row(e1, 350, foreign)],
    undefined,
    { finding: 'from_oldest', position: 100, epoch: undefined, fork: true },
  ],
  [
    'another block where our cursor stands',
    [row(e1, 300, foreign)],
    cursor(e1, 300),
    { finding: 'from_oldest', position: 100, epoch: undefined, fork: true },
  ],
  [
    'a fork as saved',
    [row(fork, 300), row(e1, 350, foreign)],
    cursor(fork, 300, { forked: true }),
    { finding: 'as_saved', position: 300, epoch: fork, forked: true },
  ],
  [
    'a fork whose cursor got lost',
    [row(fork, 300), row(e1, 350, foreign)],
    undefined,
    { finding: 'ahead', position: 300, epoch: fork, forked: true },
  ],
  [
    'a cursor behind the end of this spool, whose disk lied',
    [row(e2, 900)],
    cursor(e2, 900),
    { finding: 'as_saved', position: 900, epoch: e2 },
  ],
];

for (const [name, rows, saved, expected] of table) {
  test(`where to go on: ${name}`, () => {
    const { place, finding } = locate(here, rows, saved, blocks);
    const { position, epoch, fork, forked } = place;
    assert.deepEqual({ finding, position, epoch, fork, forked }, { fork: false, forked: false, ...expected });
    assert.equal(place.receiver, here);
  });
}
