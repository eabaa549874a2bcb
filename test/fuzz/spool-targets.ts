/** Decoders of what lies in a data_dir's spool and cursors. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { soleFrame } from '../../agent/host/zstd-frame.ts';
import { ByteWriter } from '../../spool/bytes.ts';
import { CursorFile, readCursor } from '../../spool/cursor-file.ts';
import { decodeHeader, encodeHeader, sealHeader } from '../../spool/format.ts';
import { decodeAlike, encodeAlike } from '../../spool/format-alike.ts';
import { decodeDescriptions, encodeDescriptions, parseDescription } from '../../spool/format-descriptions.ts';
import { layoutOf } from '../../spool/format-nesting.ts';
import { decodeRuns, encodeRuns } from '../../spool/format-runs.ts';
import { contentSize, decodeTable, encodeTable, expandFrame } from '../../spool/format-table.ts';
import { foldersOf, segmentName } from '../../spool/layout.ts';
import { limits } from '../../spool/nouns.ts';
import { scan } from '../../spool/scan.ts';
import { verifySpool } from '../../spool/verify.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { codec } from '../spool/temporary-spool.ts';
import type { Target } from './target.ts';

const golden = join(import.meta.dirname, '../golden/v1');
export const goldenSegments = ['agent/spool', 'receiver/spool'].flatMap((folder) =>
  fs.readdirSync(join(golden, folder)).map((name) => fs.readFileSync(join(golden, folder, name))),
);
const goldenCursor = fs.readFileSync(join(golden, 'agent/cursors/central'));
const time = 1_780_000_000_000;
const parts = partsOf(goldenSegments);

export const spoolTargets: readonly Target[] = [
  {
    name: 'block header',
    from: 'disk',
    valid: parts.headers,
    seal: sealed,
    run(input) {
      const result = decodeHeader(input);
      layoutOf(input, codec);
      if (result.kind !== 'header') return;
      const out = new ByteWriter(1024);
      encodeHeader(result.header, out);
      const again = decodeHeader(out.bytes);
      assert.equal(again.kind, 'header', 'what was decoded encodes to a header');
      if (again.kind === 'header') assert.deepEqual(again.header, result.header);
    },
  },
  {
    name: 'runs',
    from: 'disk',
    valid: parts.runs,
    run(input) {
      const runs = decodeRuns(input, time);
      if (!runs) return;
      assert.ok(runs.length <= limits.runsMax);
      for (const run of runs) assert.ok(run.source >= 1 && run.to >= run.from && run.bytes >= 0);
      assert.deepEqual(decodeRuns(encodeRuns(runs, time), time), runs);
    },
  },
  {
    name: 'descriptions',
    from: 'disk',
    valid: parts.descriptions,
    run(input) {
      parseDescription(input.toString('utf8'));
      const entries = decodeDescriptions(input);
      if (entries) assert.deepEqual(decodeDescriptions(encodeDescriptions(entries)), entries);
      const alike = decodeAlike(input);
      if (alike) assert.deepEqual(decodeAlike(encodeAlike(alike)), alike);
      if (entries) assert.deepEqual(decodeAlike(encodeAlike(entries)), entries);
    },
  },
  {
    name: 'table (compressed)',
    from: 'disk',
    valid: parts.tables,
    run(input) {
      const size = contentSize(input);
      assert.ok(size === undefined || size >= 0);
      decodeTable(input, codec);
    },
  },
  {
    name: 'table (expanded)',
    from: 'disk',
    valid: parts.tables.map((table) => Buffer.from(expandFrame(table, codec)!)),
    run(input) {
      const table = decodeTable(compressed(input), codec);
      if (table) assert.deepEqual(decodeTable(encodeTable(table, codec), codec), table);
    },
  },
  {
    name: 'zstd frame',
    from: 'disk',
    valid: parts.frames,
    run(input) {
      const into = Buffer.alloc(4096);
      typed(() => soleFrame(input));
      typed(() => codec.expand(input, into));
    },
  },
  {
    name: 'segment',
    from: 'disk',
    valid: goldenSegments,
    run(input) {
      const start = input.length >= 36 ? input.readUInt32LE(32) : 0;
      const disk = diskWith(`/data/spool/${segmentName(start)}`, input);
      const file = disk.world.open(`/data/spool/${segmentName(start)}`, 'read');
      let at = start;
      for (const item of scan({ file, start, from: start, end: start + input.length, spool: undefined })) {
        assert.equal(item.position, at, 'without holes');
        assert.ok(item.end > at, 'it goes on');
        at = item.end;
      }
      file.close();
      verifySpool(disk.world, codec, { segments: '/data/spool', cursors: undefined }, () => undefined);
    },
  },
  {
    name: 'cursor file',
    from: 'disk',
    valid: [goldenCursor],
    seal: sealedCursor,
    async run(input) {
      const disk = diskWith('/data/cursors/s', input);
      const read = readCursor(disk.world, '/data/cursors/s');
      if (read.kind !== 'cursor') return;
      disk.world.unlink('/data/cursors/s');
      const file = new CursorFile(disk.world, foldersOf('/data'), 's', { kind: 'none' });
      await file.save(read.record);
      file.close();
      const again = readCursor(disk.world, '/data/cursors/s');
      const { spool, cursor, passed } = read.record;
      assert.equal(again.kind, 'cursor');
      if (again.kind !== 'cursor') return;
      assert.deepEqual([again.record.spool, again.record.cursor, again.record.passed], [spool, cursor, passed]);
    },
  },
];

export function diskWith(path: string, bytes: Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.writeFile(path, bytes);
  return disk;
}

/** It may refuse, by an error of its own. */
export function typed(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    assert.ok(
      error instanceof Error && !/^BUG|undefined|is not a function|Cannot read/.test(error.message),
      `${error}`,
    );
  }
}

function compressed(bytes: Buffer): Buffer {
  const into = Buffer.alloc(codec.frameBytesMax(bytes.length));
  return into.subarray(0, codec.compress(bytes, into));
}

function sealed(bytes: Buffer): Buffer {
  const header = Buffer.from(bytes);
  if (header.length < 132) return header;
  header.writeUInt32LE(0x184d2a5b, 0);
  header.writeUInt32LE(0x42505354, 8);
  sealHeader(header, header.readUInt32LE(20), header.readUInt32LE(24));
  return header;
}

function sealedCursor(bytes: Buffer): Buffer {
  const file = Buffer.from(bytes);
  for (const at of [0, 4096]) {
    if (file.length < at + 12) continue;
    const length = file.readUInt16LE(at + 6);
    file.writeUInt32LE(crc32(file.subarray(at + 12, at + 12 + length), crc32(file.subarray(at, at + 8))), at + 8);
  }
  return file;
}

function partsOf(segments: readonly Buffer[]) {
  const [headers, frames, tables, descriptions, runs]: Buffer[][] = [[], [], [], [], []];
  for (const segment of segments) {
    for (let at = 0; at < segment.length; ) {
      const result = decodeHeader(segment.subarray(at));
      if (result.kind !== 'header') throw new Error('BUG: a golden header does not decode');
      const { header, length } = result;
      headers!.push(segment.subarray(at, at + length));
      if (header.table) tables!.push(Buffer.from(header.table));
      if (header.descriptions.length > 0) descriptions!.push(Buffer.from(encodeDescriptions(header.descriptions)));
      if (header.runs.length > 0) runs!.push(Buffer.from(encodeRuns(header.runs, time)));
      at += length;
      if (header.frameBytes > 0) frames!.push(segment.subarray(at, at + header.frameBytes));
      at += header.frameBytes;
    }
  }
  return { headers: headers!, frames: frames!, tables: tables!, descriptions: descriptions!, runs: runs! };
}
