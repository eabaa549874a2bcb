import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Gap } from '../../spool/nouns.ts';
import type { Batch } from '../../spool/wire.ts';
import { decodeBatch, decodeKey, encodeBatch, encodeKey, wireLimits } from '../../spool/wire.ts';
import type { Answer } from '../../spool/wire-answer.ts';
import { answerWords, decodeAnswer, encodeAnswer, encodeAnswerHeaders, forPeople } from '../../spool/wire-answer.ts';

const seed = Number(process.env.SEED ?? 42);
const plain = { noNullPrototype: true };
const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const stream = fc.stringMatching(/^[A-Za-z0-9._-]{0,64}$/);
const reason = fc.constantFrom<Gap['reason']>('hole_in_positions', 'retention', 'damaged', 'upstream', 'refused');

const batch = fc
  .record({
    spool: hex,
    epoch: hex,
    stream,
    receiver: fc.option(hex, { nil: undefined }),
    after: fc.integer({ min: 0, max: 2 ** 50 }),
    steps: fc.array(
      fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 2 ** 30 }), reason, fc.integer({ min: -1, max: 9 })),
      {
        minLength: 1,
        maxLength: wireLimits.gapsMax,
      },
    ),
    parent: fc.option(fc.record({ epoch: hex, end: fc.constant(0), hash: hex }, plain), { nil: undefined }),
    firstContact: fc.boolean(),
    descriptionsBytes: fc.integer({ min: 1, max: wireLimits.descriptionsBytesMax }),
    descriptionsCrc: fc.integer({ min: 0, max: 0xffff_ffff }),
  })
  .map(({ steps, ...rest }): Batch => {
    const gaps: Gap[] = [];
    let at = rest.after;
    for (const [isGap, length, reason, count] of steps) {
      if (isGap) gaps.push({ from: at, upto: at + length, reason, records: count, bytes: count });
      at += length;
    }
    const parent = rest.parent?.epoch === rest.epoch ? undefined : rest.parent;
    return { ...rest, parent, upto: at, gaps };
  });

const held = fc.record({ epoch: hex, held: fc.integer({ min: 0, max: 2 ** 52 }), hash: hex }, plain);
const answer = fc.record(
  {
    answer: fc.constantFrom(...answerWords),
    receiver: fc.option(hex, { nil: undefined }),
    row: fc.option(held, { nil: undefined }),
    rows: fc.array(held, { maxLength: 20 }),
    describe: fc.boolean(),
    versions: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    message: fc.stringMatching(/^[ -~]{0,100}$/),
  },
  plain,
);

test('what one side writes in headers the other reads', () => {
  fc.assert(
    fc.property(batch, (value) => {
      assert.deepEqual(decodeBatch(encodeBatch(value)), { kind: 'ok', value });
    }),
    { seed },
  );
});

test('what the receiver answers the agent reads', () => {
  fc.assert(
    fc.property(answer, (value) => {
      assert.deepEqual(decodeAnswer(Buffer.from(encodeAnswer(value))), value);
    }),
    { seed },
  );
});

test('the longest answer there can be still fits its limit', () => {
  const row = { epoch: 'f'.repeat(32), held: Number.MAX_SAFE_INTEGER, hash: 'f'.repeat(32) };
  const rows = Array.from({ length: 200 }, () => row);
  const message = 'x'.repeat(wireLimits.messageCharsMax);
  const longest: Answer = {
    answer: 'other_receiver',
    receiver: row.epoch,
    row,
    rows,
    describe: true,
    versions: [1],
    message,
  };
  const read = decodeAnswer(Buffer.from(encodeAnswer(longest)));
  assert.equal(read?.rows.length, wireLimits.streamsMax);
});

test('the headers of an answer say the same as its body, for people and proxies', () => {
  const row = { epoch: 'e'.repeat(32), held: 7, hash: 'a'.repeat(32) };
  const told: Answer = {
    answer: 'taken',
    receiver: 'b'.repeat(32),
    row,
    rows: [],
    describe: false,
    versions: [],
    message: '',
  };
  const headers = encodeAnswerHeaders(told);
  assert.equal(headers['tailspool-answer'], 'taken');
  assert.equal(headers['tailspool-receiver'], told.receiver);
  assert.equal(headers['tailspool-epoch'], row.epoch);
  assert.equal(headers['tailspool-held'], '7');
  assert.equal(headers['tailspool-hash'], row.hash);
});

const good: Batch = {
  spool: 'a'.repeat(32),
  epoch: 'b'.repeat(32),
  stream: '',
  receiver: undefined,
  after: 100,
  upto: 200,
  gaps: [],
  parent: undefined,
  firstContact: false,
  descriptionsBytes: 0,
  descriptionsCrc: 0,
};

const wrong: Record<string, Record<string, string | undefined>> = {
  'no protocol': { 'tailspool-protocol': undefined },
  'no spool': { 'tailspool-spool': undefined },
  'a spool id in capitals': { 'tailspool-spool': 'A'.repeat(32) },
  'a path as spool id': { 'tailspool-spool': '../../../../etc/passwd' },
  'a path as stream name': { 'tailspool-stream': '../x' },
  'a stream name that is too long': { 'tailspool-stream': 'x'.repeat(65) },
  'no epoch': { 'tailspool-epoch': undefined },
  'a negative position': { 'tailspool-after': '-1' },
  'a fraction': { 'tailspool-after': '1.5' },
  'an exponent': { 'tailspool-upto': '1e9' },
  'a position that is no safe integer': { 'tailspool-upto': '9007199254740993' },
  'a range that goes back': { 'tailspool-upto': '50' },
  'an empty range': { 'tailspool-upto': '100' },
  'a gap before the batch': { 'tailspool-gaps': '50-120;retention;1;1' },
  'a gap behind the batch': { 'tailspool-gaps': '150-250;retention;1;1' },
  'gaps that overlap': { 'tailspool-gaps': '100-150;retention;1;1,140-160;retention;1;1' },
  'a gap that goes back': { 'tailspool-gaps': '150-140;retention;1;1' },
  'a gap of an unknown reason': { 'tailspool-gaps': '110-120;because;1;1' },
  'too many gaps': {
    'tailspool-gaps': Array.from({ length: 65 }, (_, i) => `${100 + i}-${101 + i};damaged;1;1`).join(','),
  },
  'half a gap': { 'tailspool-gaps': '110-120;retention' },
  'a parent that is the stream itself': { 'tailspool-parent': `${'b'.repeat(32)};100;${'c'.repeat(32)}` },
  'a parent that ends behind the start': { 'tailspool-parent': `${'d'.repeat(32)};101;${'c'.repeat(32)}` },
  'half a parent': { 'tailspool-parent': 'd'.repeat(32) },
  'a receiver that is no id': { 'tailspool-receiver': 'me' },
  'a first contact that is neither': { 'tailspool-first-contact': 'maybe' },
  'descriptions without a checksum': { 'tailspool-descriptions': '5' },
  'descriptions with half a checksum': { 'tailspool-descriptions': '5', 'tailspool-descriptions-crc': 'abcd' },
  'descriptions that are too long': { 'tailspool-descriptions': String(wireLimits.descriptionsBytesMax + 1) },
};

for (const [name, change] of Object.entries(wrong)) {
  test(`a batch is refused with a sentence for people: ${name}`, () => {
    assert.equal(decodeBatch(encodeBatch(good)).kind, 'ok');
    const result = decodeBatch({ ...encodeBatch(good), ...change });
    assert.equal(result.kind, 'bad');
    assert.ok(result.kind === 'bad' && result.why.length > 10);
  });
}

test('another version of the protocol is told from a bad request', () => {
  const headers = { ...encodeKey(good), 'tailspool-protocol': '2' };
  assert.deepEqual(decodeKey(headers), { kind: 'version', version: '2' });
});

test('random headers and bodies are never understood and never throw', () => {
  const names = Object.keys(encodeBatch({ ...good, firstContact: true, descriptionsBytes: 1 }));
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.string({ maxLength: 100 }), (name, text) => {
      const result = decodeBatch({ ...encodeBatch(good), [name]: text });
      if (result.kind === 'ok') assert.deepEqual(decodeBatch(encodeBatch(result.value)), result);
    }),
    { seed },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeAnswer(bytes) === undefined),
    { seed },
  );
});

test('every cut and every bit flip of an answer is no answer, or is one that claims nothing else about what is held', () => {
  const row = { epoch: 'e'.repeat(32), held: 123456, hash: 'a1'.repeat(16) };
  const told: Answer = {
    answer: 'taken',
    receiver: 'b'.repeat(32),
    row,
    rows: [],
    describe: false,
    versions: [],
    message: 'x',
  };
  const body = Buffer.from(encodeAnswer(told));
  for (let length = 0; length < body.length - 2; length++)
    assert.equal(decodeAnswer(body.subarray(0, length)), undefined);
  for (let bit = 0; bit < body.length * 8; bit++) {
    const flipped = Buffer.from(body);
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    const read = decodeAnswer(flipped);
    // what a flip can change to another valid answer is refused by the agent: no block of its own has that hash there
    if (read?.row) assert.ok(/^[0-9a-f]{32}$/.test(read.row.hash) && Number.isSafeInteger(read.row.held));
  }
});

test('what the other side wrote for people comes as one short printable line', () => {
  assert.equal(forPeople('a\u001b[31mb\nc\u202e'), 'a [31mb c ');
  assert.ok(forPeople('x'.repeat(10_000)).length <= wireLimits.messageCharsMax);
});
