import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';

import { chooseCodec } from '../../agent/host/codec.ts';
import { openZlibCodec } from '../../agent/host/codec-zlib.ts';
import { ByteWriter } from '../../spool/bytes.ts';
import type { BlockHeader } from '../../spool/format.ts';
import { decodeHeader, encodeHeader, hashOf } from '../../spool/format.ts';
import { decodeAlike, encodeAlike } from '../../spool/format-alike.ts';
import { decodeDescriptions, encodeDescriptions } from '../../spool/format-descriptions.ts';
import type { Table } from '../../spool/format-table.ts';
import { contentSize, decodeTable, encodeTable } from '../../spool/format-table.ts';
import type { Run } from '../../spool/nouns.ts';

test('a header says after decoding what it said before encoding', () => {
  const result = decodeHeader(encoded(sample));
  assert.equal(result.kind, 'header');
  if (result.kind === 'header') assert.deepEqual(plain(result.header), plain(sample));
});

test('every single flipped bit and every truncation of a header is noticed', () => {
  const whole = encoded(sample);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(decodeHeader(bytes).kind, 'header', `bit ${bit}`);
  }
  for (let length = 0; length < whole.length; length++)
    assert.equal(decodeHeader(whole.subarray(0, length)).kind, 'short', `length ${length}`);
});

test('a header of a newer version with a sound checksum is no damage', () => {
  const bytes = encoded(sample);
  bytes.writeUInt16LE(2, 12);
  assert.equal(decodeHeader(bytes).kind, 'damaged');
  reseal(bytes);
  assert.deepEqual(decodeHeader(bytes), { kind: 'unknown_version', version: 2, length: bytes.length });
});

test('a header whose runs do not add up to its frame is refused', () => {
  assert.equal(decodeHeader(encoded({ ...sample, rawBytes: sample.rawBytes + 1 })).kind, 'damaged');
  assert.equal(decodeHeader(encoded({ ...sample, records: sample.records + 1 })).kind, 'damaged');
});

test('descriptions keep file names that are not UTF-8', () => {
  const entries = [
    {
      number: 3,
      description: { collector: 'a', type: 'file', resource: {}, attributes: { 'log.file.path': '/x/\udcff.log' } },
    },
  ];
  assert.deepEqual(decodeDescriptions(encodeDescriptions(entries)), entries);
});

test('a thousand descriptions that are alike take about forty bytes each, and say what they said before', () => {
  const entries = Array.from({ length: 1000 }, (_, index) => {
    const name = `service-${(index * 7919) % 1000}\udcff.log`;
    const attributes = { 'log.file.path': `/var/log/some/folder/${name}`, 'log.file.name': name };
    return {
      number: 5 + index,
      description: { collector: 'a', type: 'file', resource: { 'host.name': 'h' }, attributes },
    };
  });
  const bytes = encodeAlike(entries);
  assert(bytes.length < 60 * entries.length, `${bytes.length}`);
  assert.deepEqual(decodeAlike(bytes), entries);
  assert.equal(decodeAlike(bytes.subarray(0, bytes.length - 1)), undefined);
});

test('descriptions that share what they have with each other may not become any size', () => {
  const attributes = { 'log.file.path': 'x'.repeat(60_000) };
  const entry = { number: 1, description: { collector: 'a', type: 'file', resource: {}, attributes } };
  const few = Array.from({ length: 250 }, () => entry);
  assert.equal(decodeAlike(encodeAlike(few))?.length, few.length);
  const many = Array.from({ length: 300 }, () => entry);
  assert(encodeAlike(many).length < 70_000);
  assert.equal(decodeAlike(encodeAlike(many)), undefined);
});

test('a table says after decoding what it said before, with either codec', () => {
  for (const codec of codecs) {
    const section = encodeTable(table, codec);
    const decoded = decodeTable(section, codec);
    assert.deepEqual(plain(decoded), plain(table), codec.name);
  }
});

test('a zstd frame tells its content size, whatever its length', () => {
  for (const codec of codecs)
    for (const size of [1, 255, 256, 257, 65_535, 65_791, 65_792, 262_144, 1 << 20]) {
      const into = Buffer.alloc(codec.frameBytesMax(size));
      const frame = into.subarray(0, codec.compress(Buffer.alloc(size, 'x'), into));
      assert.equal(contentSize(frame), size, `${codec.name} ${size}`);
    }
});

const codecs = [chooseCodec().codec, openZlibCodec()];

const run = (over: Partial<Run>): Run => ({
  source: 1,
  from: 0,
  to: 10,
  mark: Buffer.from([1, 2, 3, 4]),
  state: undefined,
  format: 'text',
  records: 1,
  bytes: 10,
  time: 1_700_000_000_000,
  continues: false,
  unterminated: false,
  dropped: undefined,
  ...over,
});

const sample: BlockHeader = {
  frameBytes: 20,
  frameCrc: 0xdeadbeef,
  rawBytes: 10 + 31 + 7,
  position: 2 ** 40 + 5,
  spool: '01'.repeat(16),
  epoch: '02'.repeat(16),
  previous: '03'.repeat(16),
  previousEnd: 2 ** 40 + 1,
  vouched: 2 ** 40,
  time: 1_700_000_000_100,
  recordsBefore: 12345678901,
  sourceBytesBefore: 2 ** 45,
  records: 5,
  runs: [
    run({}),
    run({
      source: 70_000,
      from: 2 ** 41,
      to: 2 ** 41 + 30,
      bytes: 31,
      records: 1,
      unterminated: true,
      state: Buffer.from('state'),
    }),
    run({ source: 2, to: 500, bytes: 7, records: 3, format: 'json', mark: Buffer.alloc(0), time: 1_700_000_000_200 }),
    run({ source: 2, from: 500, to: 900, bytes: 0, records: 0, dropped: { reason: 'hole', records: -1, bytes: 400 } }),
    run({ source: 9, from: 0, to: 0, bytes: 0, records: 0, state: Buffer.alloc(0), continues: true }),
  ],
  descriptions: [
    { number: 70_000, description: { collector: 'c', type: 'file', resource: { 'host.name': 'h' }, attributes: {} } },
  ],
  drops: [{ shipper: 's', collector: 'c', reason: 'retention', upto: 99, tally: { records: 5, bytes: 600 } }],
  opening: { id: '02'.repeat(16), start: 77, parent: { id: '0b'.repeat(16), end: 66, hash: '0c'.repeat(16) } },
  table: Buffer.from('table'),
  origin: Buffer.from('origin'),
  originDescriptions: Buffer.from('descriptions'),
};

const table: Table = {
  nextSource: 12,
  spooledBytes: 999,
  sources: [
    {
      number: 11,
      description: { collector: 'c', type: 'file', resource: {}, attributes: { 'log.file.path': '/a' } },
      cursor: { offset: 5, mark: Buffer.from([9]) },
      state: Buffer.from([8, 8]),
    },
  ],
  collectors: { c: { spooled: { records: 1, bytes: 2 }, dropped: { hole: { records: 3, bytes: 4 } } } },
  shippers: [
    { name: 'new', cursor: undefined, dropped: {}, droppedUpto: 0, floor: 0 },
    {
      name: 'central',
      cursor: { receiver: '', epoch: '0d'.repeat(16), forked: true, position: 50, hash: '0e'.repeat(16) },
      dropped: { c: { retention: { records: 7, bytes: 8 } } },
      droppedUpto: 40,
      floor: 30,
    },
  ],
};

function encoded(header: BlockHeader): Buffer {
  const out = new ByteWriter();
  encodeHeader(header, out);
  assert.equal(hashOf(out.bytes).length, 32);
  return Buffer.from(out.bytes);
}

function reseal(bytes: Buffer): void {
  const crc = crc32(bytes.subarray(20), crc32(bytes.subarray(0, 16)));
  bytes.writeUInt32LE(crc, 16);
}

/** Buffers and null prototypes compared by content. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
