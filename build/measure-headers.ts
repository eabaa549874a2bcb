/**
 * Measures what block headers cost: `node build/measure-headers.ts` prints the table in docs/spool-format.md. Two shapes of
 * work (one busy file; many files with a line each), on generated nginx-like lines from a fixed seed.
 */
import { crc32, zstdCompressSync } from 'node:zlib';
import { chooseCodec } from '../agent/host/codec.ts';
import { ByteWriter } from '../spool/bytes.ts';
import { type BlockHeader, encodeHeader, headerFixedBytes } from '../spool/format.ts';
import { encodeRuns } from '../spool/format-runs.ts';
import { encodeTable } from '../spool/format-table.ts';
import { type Id, type Run, zeroHash } from '../spool/nouns.ts';

const { codec } = chooseCodec();
const blocks = 20;
const zeroId: Id = '0'.repeat(32);
const startMs = 1_780_000_000_000;
let seed = 1;

interface Shape {
  readonly name: string;
  readonly sources: number;
  readonly linesPerRun: number;
  /** What the tailing collector puts beside each cursor. */
  readonly markBytes: number;
}

console.log('shape                                        raw/block   header   a run frame:1 block:1 packed:1');
for (const markBytes of [5, 0]) {
  measure({ name: `one file, full blocks, mark ${markBytes}`, sources: 1, linesPerRun: 1600, markBytes });
  measure({ name: `1,000 files, a line each, mark ${markBytes}`, sources: 1000, linesPerRun: 1, markBytes });
  measure({ name: `100 files, a line each, mark ${markBytes}`, sources: 100, linesPerRun: 1, markBytes });
  measure({ name: `one file, one line, mark ${markBytes}`, sources: 1, linesPerRun: 1, markBytes });
}
for (const count of [1, 1000, 10_000]) measureTable(count);

function measure(shape: Shape): void {
  const sum = { raw: 0, headers: 0, frames: 0, packed: 0 };
  for (let index = 0; index < blocks; index++) {
    const pieces = Array.from({ length: shape.sources }, () => Buffer.from(lines(shape.linesPerRun)));
    const runs = pieces.map((bytes, source) => runOf(source + 1, bytes.length, startMs + source, shape));
    const raw = Buffer.concat(pieces);
    const frame = compress(raw);
    sum.raw += raw.length;
    sum.frames += frame.length;
    sum.headers += headerBytes(runs, raw.length, frame);
    sum.packed += headerFixedBytes + 4 + zstdCompressSync(encodeRuns(runs, startMs)).length;
  }
  const columns = [
    `${(sum.raw / blocks / 1024).toFixed(1)} KiB`.padStart(11),
    (sum.headers / blocks).toFixed(0).padStart(8),
    (sum.headers / blocks / shape.sources).toFixed(1).padStart(7),
    (sum.raw / sum.frames).toFixed(2).padStart(7),
    (sum.raw / (sum.frames + sum.headers)).toFixed(2).padStart(7),
    (sum.raw / (sum.frames + sum.packed)).toFixed(2).padStart(8),
  ];
  console.log(shape.name.padEnd(42), columns.join(' '));
}

function runOf(source: number, bytes: number, time: number, shape: Shape): Run {
  const from = random(50_000_000);
  const mark = Buffer.alloc(shape.markBytes);
  for (let at = 1; at < mark.length; at++) mark[at] = random(256);
  return {
    ...{ source, from, to: from + bytes, mark, bytes, time, records: shape.linesPerRun },
    ...{ format: 'text', continues: false, unterminated: false },
  };
}

function headerBytes(runs: readonly Run[], rawBytes: number, frame: Buffer): number {
  const header: BlockHeader = {
    ...{ frameBytes: frame.length, frameCrc: crc32(frame), rawBytes, position: 1_000_000_000, spool: zeroId },
    ...{ epoch: zeroId, previous: zeroHash, previousEnd: 1_000_000_000, vouched: 999_000_000, time: startMs },
    ...{ recordsBefore: 5_000_000, sourceBytesBefore: 1_000_000_000, records: runs.length },
    ...{ runs, descriptions: [], drops: [] },
  };
  const out = new ByteWriter();
  encodeHeader(header, out);
  return out.length;
}

function measureTable(count: number): void {
  const sources = Array.from({ length: count }, (_, index) => ({
    number: index * 3 + 1,
    description: {
      collector: 'nginx',
      type: 'file',
      resource: { 'host.name': 'web1.example.com', 'deployment.environment.name': 'prod' },
      attributes: { 'log.file.path': `/var/log/nginx/vhost-${index}/access.log`, 'log.file.name': 'access.log' },
    },
    cursor: { offset: random(50_000_000), mark: randomBytes(5) },
    state: randomBytes(90),
  }));
  const table = encodeTable({ nextSource: 1, sources, collectors: {}, shippers: [], spooledBytes: 0 }, codec);
  console.log(`table of ${count} sources: ${table.length} bytes, ${(table.length / count).toFixed(1)} a source`);
}

function compress(raw: Uint8Array): Buffer {
  const into = Buffer.alloc(codec.frameBytesMax(raw.length));
  return Buffer.from(into.subarray(0, codec.compress(raw, into)));
}

function lines(count: number): string {
  let text = '';
  for (let index = 0; index < count; index++) {
    const time = new Date(startMs + random(1_000_000)).toISOString();
    const address = `10.${random(4)}.${random(256)}.${random(256)}`;
    const path = `/api/v1/items/${random(100_000)}?page=${random(50)}`;
    const status = [200, 200, 200, 304, 404][random(5)];
    const agent = agents()[random(3)];
    text += `${address} - - [${time}] "GET ${path} HTTP/1.1" ${status} ${random(50_000)} "-" "${agent}"\n`;
  }
  return text;
}

function agents(): readonly string[] {
  return [
    'Mozilla/5.0 (X11; Linux x64; rv:142.0) Gecko/20100101 Firefox/142.0',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
    'curl/8.14.1',
  ];
}

function randomBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/** A small generator with a fixed seed, so that the table is the same on every machine. */
function random(below: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((seed / 0x80000000) * below);
}
