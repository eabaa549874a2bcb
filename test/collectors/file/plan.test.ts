/** The decisions of rotation.ts on made-up situations: what is known, what stands there, how they are alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Likeness } from '../../../collectors/file/identity.ts';
import { planRotation } from '../../../collectors/file/rotation.ts';
import { commonStartBytesMax, type KnownGeneration, type StandingFile } from '../../../collectors/file/standing.ts';

const whole = { finished: false, cutOff: false, blank: false, modifiedMs: 0 };
const generation: KnownGeneration = { ...whole, offset: 500, open: false };
const blank: KnownGeneration = { ...whole, offset: 0, open: true, blank: true };
const file: StandingFile = {
  ...{
    current: false,
    related: true,
    compressed: false,
    sizeBytes: 1000,
    modifiedMs: 100,
    age: 1,
    plainName: '/a.log.1',
  },
};
const current: StandingFile = { ...file, current: true, age: 0, plainName: '/a.log' };
const archive: StandingFile = { ...file, compressed: true };

/** `alike` by "known,standing"; everything else is other. */
function plan(
  known: KnownGeneration[],
  standing: StandingFile[],
  alike: Record<string, Likeness['kind']>,
  newerThanMs = 50,
  { startsAlike = false, mayWait = true, isWithin = true } = {},
) {
  const likeness = (one: number, other: number): Likeness => ({ kind: alike[`${one},${other}`] ?? 'other', at: 100 });
  const comparison = { likeness, startsAlike: () => startsAlike, isWithin: () => isWithin };
  const { rulings, begin, lost } = planRotation(known, standing, comparison, { newerThanMs, mayWait });
  return {
    rulings: rulings.map((ruling) => ('known' in ruling ? `${ruling.is} ${ruling.known}` : ruling.is)),
    begin,
    lost,
  };
}

test('the file at the path goes on, and nothing else is read', () => {
  const found = plan([generation], [current, file], { '0,0': 'itself' });
  assert.deepEqual(found, { rulings: ['continued 0', 'not_ours'], begin: [], lost: [] });
});

test('a renamed file goes on, a missed one and the new one begin, oldest first', () => {
  const missed = { ...file, modifiedMs: 150 };
  const found = plan([generation], [current, missed, file], { '0,2': 'itself' }, 100);
  assert.deepEqual(found, { rulings: ['new', 'new', 'continued 0'], begin: [1, 0], lost: [] });
});

test('what is older than the newest known generation was there before', () => {
  assert.deepEqual(plan([generation], [current, file], {}, 101).rulings, ['new', 'not_ours']);
});

test('what is counted as rotated after a known generation was missed, even if the clock was set back in between', () => {
  const known = { ...file, age: 2, modifiedMs: 150 };
  const found = plan([generation], [current, file, known, { ...file, age: 3 }], { '0,2': 'itself' }, 150);
  assert.deepEqual(found, { rulings: ['new', 'new', 'continued 0', 'not_ours'], begin: [1, 0], lost: [] });
});

test('the copy of copytruncate goes on where its original was', () => {
  const found = plan([generation], [current, file], { '0,0': 'truncated', '0,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'continued 0'], begin: [0], lost: [] });
});

test('a short copy of what was read is that, where the original was cut off, renamed and compressed at once', () => {
  const cutOff = { ...generation, open: true, cutOff: true };
  const copy = { ...file, sizeBytes: 500 };
  const found = plan([cutOff], [current, copy], { '0,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'continued 0'], begin: [0], lost: [] });
});

test('an archive that holds just what was read of one is that, even if another begins alike', () => {
  const known = [
    { ...generation, offset: 1000, finished: true },
    { ...generation, offset: 300 },
  ];
  const found = plan(known, [current, archive], { '0,1': 'copy', '1,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'read_before 0'], begin: [0], lost: [{ known: 1, why: 'gone' }] });
});

test('who has more bytes in common has the better claim', () => {
  const known = [
    { ...generation, offset: 300 },
    { ...generation, offset: 700 },
  ];
  const found = plan(known, [current, archive], { '0,1': 'copy', '1,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'continued 1'], begin: [0], lost: [{ known: 0, why: 'gone' }] });
});

test('where a short start does not tell files apart, all of them are read from their beginnings', () => {
  const two = [current, archive, { ...archive, plainName: '/a.log.2', modifiedMs: 60 }];
  const found = plan([generation], two, { '0,1': 'copy', '0,2': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'new', 'new'], begin: [2, 1, 0], lost: [{ known: 0, why: 'unclear' }] });
  const long = { ...generation, offset: commonStartBytesMax };
  assert.equal(plan([long], two, { '0,1': 'copy', '0,2': 'copy' }).lost.length, 0);
});

test('a plain file with the same start is no copy of one that was not truncated: who renames keeps the inode', () => {
  const found = plan([generation], [current, file], { '0,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'new'], begin: [1, 0], lost: [{ known: 0, why: 'unclear' }] });
});

test('a copy in the making is held while its original stands', () => {
  assert.deepEqual(plan([generation], [current, file], { '0,0': 'itself', '0,1': 'prefix' }).rulings, [
    'continued 0',
    'held',
  ]);
});

test('after a power cut a file goes on at the newest point that is the same', () => {
  const found = plan([generation], [current], { '0,0': 'went_back' });
  assert.deepEqual(found, { rulings: ['new'], begin: [0], lost: [{ known: 0, why: 'went_back' }] });
});

test('an open file that was deleted goes on through its descriptor', () => {
  assert.deepEqual(plan([{ ...generation, open: true }], [current], {}), { rulings: ['new'], begin: [0], lost: [] });
});

test('at the first start what was rotated before is left alone', () => {
  assert.deepEqual(plan([], [current, file], {}, Number.POSITIVE_INFINITY).rulings, ['new', 'not_ours']);
});

test('a copy that was missed comes before what was written to the path since, even if that was seen there empty', () => {
  const copies = [current, { ...file, modifiedMs: 300 }, { ...file, modifiedMs: 200, age: 2 }];
  const found = plan([generation, blank], copies, { '0,2': 'itself', '1,0': 'itself' });
  assert.deepEqual(found, {
    rulings: ['new', 'new', 'continued 0'],
    begin: [1, 0],
    lost: [{ known: 1, why: 'gone' }],
  });
});

test('a copy that was missed comes before a generation that was seen and is unread', () => {
  const unread = { ...blank, blank: false };
  const copies = [current, { ...file, modifiedMs: 300 }, { ...file, modifiedMs: 200, age: 2 }];
  const found = plan([generation, unread], copies, { '0,2': 'itself', '1,0': 'itself' });
  assert.deepEqual([found.begin, found.lost], [[1, 0], [{ known: 1, why: 'gone' }]]);
});

test('several copies that were missed are read in the order of their making, behind the rest of the one that was read', () => {
  const copies = [1, 2, 3, 4].map((age) => ({ ...file, modifiedMs: 500 - 100 * age, age }));
  const found = plan([generation], [current, ...copies], { '0,0': 'truncated', '0,4': 'copy' });
  assert.deepEqual(found, {
    rulings: ['new', 'new', 'new', 'new', 'continued 0'],
    begin: [3, 2, 1, 0],
    lost: [],
  });
});

test('a file that was empty goes on as that, if nothing was missed', () => {
  const found = plan([generation, blank], [current, file], { '0,1': 'itself', '1,0': 'itself' });
  assert.deepEqual(found, { rulings: ['continued 1', 'continued 0'], begin: [], lost: [] });
});

test('of a file that was not read yet nothing is read while it seems to be copied; when that takes too long, both are', () => {
  const older = { ...file, modifiedMs: 60, age: 2 };
  const standing = [current, file, older];
  const alike = { '0,2': 'itself' } as const;
  const waits = plan([generation], standing, alike, 50, { startsAlike: true });
  assert.deepEqual(waits, { rulings: ['held', 'held', 'continued 0'], begin: [], lost: [] });
  const emptyBefore = plan([generation, blank], standing, { ...alike, '1,0': 'itself' }, 50, { startsAlike: true });
  assert.deepEqual(emptyBefore, {
    rulings: ['held', 'held', 'continued 0'],
    begin: [],
    lost: [{ known: 1, why: 'gone' }],
  });
  const tooLong = plan([generation], standing, alike, 50, { startsAlike: true, mayWait: false });
  assert.deepEqual(tooLong, { rulings: ['new', 'new', 'continued 0'], begin: [1, 0], lost: [] });
});

test('an empty file under a rotated name that turns out to be a copy in the making is not read', () => {
  const alike = { '0,1': 'itself', '1,0': 'itself' } as const;
  const held = { rulings: ['continued 1', 'held'], begin: [], lost: [{ known: 0, why: 'gone' }] };
  assert.deepEqual(plan([blank, generation], [current, file], { ...alike, '1,1': 'copy' }), held);
  assert.deepEqual(plan([blank, generation], [current, file], alike, 50, { startsAlike: true }), held);
  assert.deepEqual(plan([blank, generation], [current, file], alike).rulings, ['continued 1', 'continued 0']);
});

test('a few bytes that were read before do not name a file that was rotated after what was read later', () => {
  const few: KnownGeneration = { ...generation, finished: true };
  const long: KnownGeneration = { ...generation, offset: 5000 };
  const archives = [1, 2, 3].map((age) => ({
    ...archive,
    age,
    sizeBytes: 500,
    modifiedMs: 400 - age,
    plainName: `${age}`,
  }));
  const later = { ...archive, age: 4, sizeBytes: 9000, modifiedMs: 300, plainName: '4' };
  const itself = { ...archive, age: 5, sizeBytes: 500, modifiedMs: 200, plainName: '5' };
  const alike = { '0,1': 'copy', '0,2': 'copy', '0,3': 'copy', '1,4': 'copy', '0,5': 'copy' } as const;
  const found = plan([few, long], [current, ...archives, later, itself], alike);
  assert.deepEqual(found.rulings, ['new', 'new', 'new', 'new', 'continued 1', 'read_before 0']);
  assert.deepEqual(found.begin, [3, 2, 1, 0]);
});

test('the same few bytes in two files are told apart by the order in which they were read', () => {
  const few: KnownGeneration = { ...generation, finished: true };
  const archives = [2, 1].map((age) => ({
    ...archive,
    age,
    sizeBytes: 500,
    modifiedMs: 400 - age,
    plainName: `${age}`,
  }));
  const alike = { '0,1': 'copy', '0,2': 'copy', '1,1': 'copy', '1,2': 'copy' } as const;
  assert.deepEqual(plan([few, few], [current, ...archives], alike).rulings, ['new', 'read_before 0', 'read_before 1']);
  const later = { ...archive, age: 1, sizeBytes: 9000, modifiedMs: 450, plainName: 'later' };
  const known = [few, few, { ...generation, offset: 5000 }, few];
  const numberedOn = archives.map((one) => ({ ...one, age: one.age + 1, modifiedMs: one.modifiedMs }));
  const found = plan(known, [current, later, ...numberedOn], {
    ...{ '2,1': 'copy', '0,2': 'copy', '1,2': 'copy', '3,2': 'copy', '0,3': 'copy', '1,3': 'copy', '3,3': 'copy' },
  });
  assert.deepEqual(found.rulings, ['new', 'continued 2', 'read_before 0', 'read_before 1'], 'the last one is gone');
});

test('a copy that holds more than the file at the path shows that this was cut off and begins alike', () => {
  const now = { sizeBytes: 600, modifiedMs: 120 };
  const cut = { ...current, sizeBytes: 600, modifiedMs: 120, now };
  const alike = { '0,0': 'itself', '0,1': 'copy' } as const;
  const rulings = (copy: StandingFile, at = cut, known = generation) =>
    plan([known], [at, copy], alike, 90, { startsAlike: true }).rulings;
  assert.deepEqual(rulings(file), ['new', 'continued 0']);
  assert.deepEqual(rulings({ ...archive, sizeBytes: 700 }), ['new', 'continued 0']);
  const asLong = { ...file, sizeBytes: 600 };
  assert.deepEqual(rulings(asLong), ['new', 'continued 0'], 'as long, and the file was written to since');
  assert.deepEqual(rulings({ ...asLong, modifiedMs: 120 }), ['continued 0', 'held'], 'a copy in the making');
  assert.deepEqual(
    rulings({ ...file, sizeBytes: 550 }),
    ['continued 0', 'held'],
    'it may have grown since it was copied',
  );
  assert.deepEqual(rulings({ ...file, modifiedMs: 80 }), ['continued 0', 'held'], 'it was there before');
  const long = { ...generation, offset: commonStartBytesMax };
  assert.deepEqual(rulings(file, cut, long), ['continued 0', 'held'], 'so much is no common start');
  const other = plan([generation], [{ ...cut, sizeBytes: 1200, now: { ...now, sizeBytes: 1200 } }, file], alike, 90);
  assert.deepEqual(other.rulings, ['new', 'continued 0'], 'they part behind what was read');
  const earlier = { ...generation, offset: 1000, finished: true };
  const explained = plan([earlier, generation], [cut, archive], { '1,0': 'itself', '1,1': 'copy', '0,1': 'copy' }, 90, {
    startsAlike: true,
  });
  assert.deepEqual(explained.rulings, ['continued 1', 'read_before 0'], 'it is the one before');
  const unread = plan([], [cut, file], {}, 90, { startsAlike: true });
  assert.deepEqual(
    [unread.rulings, unread.begin],
    [
      ['new', 'new'],
      [1, 0],
    ],
    'not a copy in the making',
  );
});

test('what was missed and read late does not make those that were read before it strangers', () => {
  const few: KnownGeneration = { ...generation, finished: true, modifiedMs: 300 };
  const late: KnownGeneration = { ...generation, offset: 700, finished: true, modifiedMs: 200 };
  const newer = { ...archive, sizeBytes: 500, modifiedMs: 300 };
  const older = { ...archive, age: 2, sizeBytes: 700, modifiedMs: 200, plainName: '2' };
  const found = plan([few, late], [current, newer, older], { '0,1': 'copy', '1,2': 'itself' });
  assert.deepEqual(found.rulings, ['new', 'read_before 0', 'continued 1']);
});

test('only the file that was rotated last may be a copy in the making', () => {
  const now = { ...current, sizeBytes: 5000 };
  const alike = { ...file, sizeBytes: 400, age: 2, modifiedMs: 100, plainName: '2' };
  const later = { ...file, sizeBytes: 800, modifiedMs: 150 };
  const found = plan([generation], [now, later, alike], {}, 50, { startsAlike: true });
  assert.deepEqual(found.rulings, ['held', 'held', 'new']);
});

test('the clock was set back: what was missed is begun by its counters, where those that were read show how they count', () => {
  const known = [1000, 2000].map((offset): KnownGeneration => ({ ...generation, offset, finished: true }));
  const read = [6, 5].map((age) => ({ ...file, age, modifiedMs: 1000 - age, plainName: `${age}` }));
  const missed = [4, 3, 2].map((age) => ({ ...file, age, modifiedMs: 100 + age, plainName: `${age}` }));
  const begun = (one: Likeness['kind'], other: Likeness['kind'], ages = read) =>
    plan(known, [...ages, ...missed], { '0,0': one, '1,1': other }).begin;
  assert.deepEqual(begun('itself', 'itself'), [2, 3, 4]);
  assert.deepEqual(
    begun('other', 'itself'),
    [4, 3, 2, 0],
    'some have a higher counter, some a lower one: by their times',
  );
  assert.deepEqual(begun('itself', 'itself', [{ ...read[1]! }, { ...read[0]! }]), [4, 3, 2], 'counted upwards');
});

test('late lines make what was missed first the youngest: its counter tells, where all that was missed counts on from what was read', () => {
  const known: KnownGeneration = { ...generation, finished: true };
  const read = { ...file, age: 3, modifiedMs: 60, plainName: '3' };
  const late = { ...file, age: 2, modifiedMs: 300, plainName: '2' };
  const last = { ...file, age: 1, modifiedMs: 200, plainName: '1' };
  assert.deepEqual(plan([known], [current, read, late, last], { '0,1': 'itself' }).begin, [2, 3, 0]);
  const upwards = [current, { ...read, age: 1 }, { ...late, age: 3 }, { ...last, age: 2 }];
  assert.deepEqual(plan([known], upwards, { '0,1': 'itself' }).begin, [3, 2, 0]);
});

test('an archive that begins as an open generation does, and is not of it, was missed', () => {
  const open = { ...generation, offset: 0, open: true };
  const held = plan([open], [current, archive], { '0,1': 'copy' });
  assert.deepEqual(held.rulings, ['new', 'held']);
  const other = plan([open], [current, archive], { '0,1': 'copy' }, 50, { isWithin: false });
  assert.deepEqual(
    [other.rulings, other.begin],
    [
      ['new', 'new'],
      [1, 0],
    ],
  );
});

test('what is read through its descriptor, its compressed form tells, was rotated after what was missed: that comes first', () => {
  const open = { ...generation, offset: 0, open: true };
  const newer = { ...archive, modifiedMs: 300 };
  const missed = { ...file, age: 2, modifiedMs: 200, plainName: '2' };
  const found = plan([open], [current, newer, missed], { '0,1': 'copy' });
  assert.deepEqual(found, { rulings: ['new', 'held 0', 'new'], begin: [2, 1, 0], lost: [] });
  const read = plan([{ ...open, offset: 500 }], [current, newer, missed], { '0,1': 'copy' });
  assert.deepEqual(
    [read.rulings, read.begin],
    [
      ['new', 'held', 'new'],
      [2, 0],
    ],
  );
});
