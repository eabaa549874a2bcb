/**
 * What this runtime takes to do the least that 1,000 files ask for that gain a line a second each: `node build/measure-floor-files.ts`.
 * Prints percent of a core for each step with those before it. The agent as built is `npm run bench -- --only many`.
 */
import * as fs from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCodec } from '../agent/host/codec.ts';
import { printedBy, shareOfCore } from './floor.ts';

const steps = [
  'a timer once a second',
  'and reading what each of the files gained, with 64 bytes before it (one call a file)',
  'and compressing, writing and syncing it, once a second',
  'and being told of each line (fs.watch of the folder)',
];
const files = 1_000;
const line = `${'x'.repeat(180)}\n`;
const seenBytes = 64;
const settleMs = 5_000;
const measuredMs = 15_000;
const flags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-concurrent-recompilation'];

const [, , step, folder] = process.argv;
if (step === undefined) await measureAll();
else await run(Number(step), folder!);

/** Each step in a process of its own, one after the other; the lines are written here, spread over the second. */
async function measureAll(): Promise<void> {
  const logs = fs.mkdtempSync(join(tmpdir(), 'tailspool-floor-files-'));
  const descriptors = Array.from({ length: files }, (_, index) => fs.openSync(join(logs, `${index}.log`), 'a'));
  let next = 0;
  const writer = setInterval(() => {
    for (let count = 0; count < files / 100; count++) fs.writeSync(descriptors[next++ % files]!, line);
  }, 10);
  const shares: string[] = [];
  for (const index of steps.keys()) {
    shares.push(await printedBy(import.meta.filename, [String(index), logs], flags));
  }
  clearInterval(writer);
  for (const descriptor of descriptors) fs.closeSync(descriptor);
  fs.rmSync(logs, { recursive: true });
  console.log(`${files} files with a line a second each, load ${loadavg()[0]!.toFixed(1)}`);
  for (const [index, what] of steps.entries()) console.log(`${shares[index]!.padStart(6)} % of a core: ${what}`);
}

async function run(step: number, logs: string): Promise<void> {
  const open = Array.from({ length: files }, (_, index) => {
    const descriptor = fs.openSync(join(logs, `${index}.log`), 'r');
    return { descriptor, offset: fs.fstatSync(descriptor).size };
  });
  const { codec } = chooseCodec();
  const block = Buffer.alloc(2 * files * line.length);
  const seen = Buffer.alloc(seenBytes);
  const frame = Buffer.alloc(codec.frameBytesMax(block.length));
  const path = join(fs.mkdtempSync(join(tmpdir(), 'tailspool-floor-')), 'spool');
  const spool = fs.openSync(path, 'w');
  fs.rmSync(join(path, '..'), { recursive: true });
  if (step >= 3) fs.watch(logs, () => {});
  setInterval(() => {
    if (step < 1) return;
    let filled = 0;
    for (const file of open) {
      const into = block.subarray(filled, filled + 2 * line.length);
      const bytes = fs.readvSync(file.descriptor, [seen, into], Math.max(0, file.offset - seenBytes)) - seenBytes;
      if (bytes <= 0) continue;
      file.offset += bytes;
      filled += bytes;
    }
    if (step < 2) return;
    const bytes = codec.compress(block.subarray(0, filled), frame);
    fs.writeSync(spool, frame, 0, bytes);
    fs.fdatasync(spool, () => {});
  }, 1_000);
  console.log((await shareOfCore(settleMs, measuredMs)).toFixed(2));
  process.exit(0);
}
