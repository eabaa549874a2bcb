/**
 * Everything that reads the spool's bytes, fed with what no writer writes: every bit flip and every cut of the golden
 * segments, random changes with the checksum put right again, and noise. Nothing throws, nothing runs on, nothing grows
 * beyond its limits. SEED replays a run, FUZZ_MS makes it longer.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ByteReader } from '../../spool/bytes.ts';
import { decodeHeader, measureHeader, sealHeader } from '../../spool/format.ts';
import { decodeAlike } from '../../spool/format-alike.ts';
import { decodeDescriptions } from '../../spool/format-descriptions.ts';
import { layoutOf } from '../../spool/format-nesting.ts';
import { decodeRuns } from '../../spool/format-runs.ts';
import { contentSize, decodeTable, expandFrame } from '../../spool/format-table.ts';
import { limits } from '../../spool/nouns.ts';
import type { OpenFile } from '../../spool/ports.ts';
import { scan } from '../../spool/scan.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec } from './temporary-spool.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const fuzzMs = Number(process.env.FUZZ_MS ?? 1500);
const golden = join(import.meta.dirname, '../golden/v1');
const segments = ['agent/spool', 'receiver/spool'].flatMap((folder) =>
  fs.readdirSync(join(golden, folder)).map((name) => fs.readFileSync(join(golden, folder, name))),
);

/** The headers of the golden blocks, and the tables in them, expanded. */
function parts(): { headers: Buffer[]; tables: Buffer[] } {
  const headers: Buffer[] = [];
  const tables: Buffer[] = [];
  for (const segment of segments) {
    for (let at = 0; at < segment.length; ) {
      const result = decodeHeader(segment.subarray(at));
      assert.equal(result.kind, 'header');
      if (result.kind !== 'header') break;
      headers.push(Buffer.from(segment.subarray(at, at + result.length)));
      if (result.header.table) tables.push(expandFrame(result.header.table, codec)!);
      at += result.length + result.header.frameBytes;
    }
  }
  return { headers, tables };
}

test('no flipped bit and no cut of a header goes unnoticed', () => {
  for (const header of parts().headers) {
    for (let bit = 0; bit < header.length * 8; bit++) {
      const flipped = Buffer.from(header);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(decodeHeader(flipped).kind, 'header', `bit ${bit}`);
    }
    for (let length = 0; length < header.length; length++)
      assert.notEqual(decodeHeader(header.subarray(0, length)).kind, 'header');
  }
});

test('no flipped bit and no cut of a segment makes a reader stop, jump or run on', () => {
  for (const segment of segments) {
    for (let bit = 0; bit < segment.length * 8; bit += 3) {
      const flipped = Buffer.from(segment);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      walk(flipped, segment.readUInt32LE(32));
    }
    for (let length = 0; length < segment.length; length++) walk(segment.subarray(0, length), segment.readUInt32LE(32));
  }
});

test(`headers with anything in them, whose checksum is right, do no harm (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const { headers } = parts();
  let decoded = 0;
  const end = Date.now() + fuzzMs;
  while (Date.now() < end) {
    const header = mutated(random.pick(headers), random, 20);
    if (header.length < 20) continue;
    sealHeader(
      header,
      header.length >= 28 ? header.readUInt32LE(20) : 0,
      header.length >= 28 ? header.readUInt32LE(24) : 0,
    );
    assert.equal(measureHeader(header).kind, 'whole');
    const result = decodeHeader(header);
    layoutOf(header, codec);
    if (result.kind !== 'header') continue;
    decoded++;
    assert.ok(result.header.runs.length <= limits.runsMax);
    for (const run of result.header.runs) assert.ok(run.source >= 1 && run.to >= run.from && run.bytes >= 0);
  }
  assert.ok(decoded > 10, `${decoded} decoded`);
});

test(`sections with anything in them do no harm (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const { tables } = parts();
  const end = Date.now() + fuzzMs;
  while (Date.now() < end) {
    const noise = Buffer.from(random.bytes(random.below(200)));
    decodeRuns(noise, 0);
    decodeDescriptions(noise);
    decodeAlike(noise);
    contentSize(noise);
    decodeTable(noise, codec);
    const table = mutated(random.pick(tables), random, 0);
    const frame = Buffer.alloc(codec.frameBytesMax(table.length));
    const length = codec.compress(table, frame);
    decodeTable(frame.subarray(0, length), codec);
    decodeTable(mutated(frame.subarray(0, length), random, 0), codec);
  }
});

test('counts and lengths that promise more than there is are refused before anything is allocated', () => {
  const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.equal(decodeRuns(huge, 0), undefined);
  assert.equal(decodeDescriptions(huge), undefined);
  assert.equal(decodeAlike(huge), undefined);
  const reader = new ByteReader(huge);
  assert.equal(reader.blob(limits.blockBytesMax).length, 0);
  assert.ok(reader.failed);
  // A frame that says it expands to a terabyte, and one that is a bomb within the limit of a table.
  assert.equal(decodeTable(Buffer.from('28b52ffde00000000000010000010000', 'hex'), codec), undefined);
  const zeroes = Buffer.alloc(limits.tableBytesMax);
  const bomb = Buffer.alloc(codec.frameBytesMax(zeroes.length));
  const length = codec.compress(zeroes, bomb);
  assert.ok(length < 16 * 1024);
  assert.equal(decodeTable(bomb.subarray(0, length), codec), undefined);
});

/** Reads a segment as recovery does: in order, without holes, to its end. */
function walk(bytes: Buffer, start: number): void {
  let at = start;
  for (const item of scan({ file: fileOf(bytes), start, from: start, end: start + bytes.length, spool: undefined })) {
    assert.equal(item.position, at);
    assert.ok(item.end > at && item.end <= start + bytes.length);
    at = item.end;
  }
  assert.equal(at, start + bytes.length);
}

function fileOf(bytes: Buffer): OpenFile {
  const refuse = (): never => {
    throw new Error('only read');
  };
  return {
    read: (into, position) => bytes.copy(into, 0, position, position + into.length),
    ...{ readInto: refuse, readLater: refuse, write: refuse, truncate: refuse, stat: refuse, statLater: refuse },
    ...{ datasync: refuse, close: () => undefined },
  };
}

/** A few bytes changed, cut out, put in or repeated, from `keep` on. */
function mutated(bytes: Buffer, random: SeededRandom, keep: number): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + random.below(3); changes > 0 && result.length > keep; changes--) {
    const at = keep + random.below(result.length - keep);
    const span = 1 + random.below(8);
    const kind = random.below(5);
    if (kind === 0) result[at]! ^= 1 << random.below(8);
    else if (kind === 1) result[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(at + span)]);
    else if (kind === 3) result = Buffer.concat([result.subarray(0, at), random.bytes(span), result.subarray(at)]);
    else result = Buffer.concat([result.subarray(0, at), result.subarray(Math.max(keep, at - span))]);
  }
  return result;
}
