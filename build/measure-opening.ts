/**
 * Measures what opening a spool costs: `node build/measure-opening.ts [MIB]` prints the table in docs/performance.md. Makes spools
 * of blocks with many small runs (16 MiB unless told), and opens each in a process of its own with the executable's heap limit.
 * `node build/measure-opening.ts open DIR` opens one.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { hostClock } from '../agent/host/clock.ts';
import { chooseCodec } from '../agent/host/codec.ts';
import { hostFiles } from '../agent/host/files.ts';
import { hostRandom } from '../agent/host/random.ts';
import type { Files } from '../spool/ports.ts';
import { openSpool, type Spool } from '../spool/spool.ts';

interface Shape {
  readonly name: string;
  readonly sources: number;
}

const shapes: readonly Shape[] = [
  { name: 'a line of 1,000 files in each block', sources: 1000 },
  { name: 'a line of one file in each block', sources: 1 },
];
const heapMebibytes = 128;

/** What is filled here need not survive a power cut. */
const withoutSyncs: Files = {
  ...hostFiles,
  open(path, mode) {
    const file = hostFiles.open(path, mode);
    file.datasync = async () => {};
    return file;
  },
};

const [first = '16', folder = ''] = process.argv.slice(2);
// Timers of the spool do not keep a process alive.
setInterval(() => {}, 1000);
if (first === 'open') await openAndTell(folder);
else await measure(Number(first));
process.exit();

async function measure(mebibytes: number): Promise<void> {
  console.log(
    `spool of ${mebibytes} MiB                      blocks      runs   seconds  peak RSS MiB  longest pause ms`,
  );
  for (const shape of shapes) {
    const dataDir = mkdtempSync(`${tmpdir()}/tailspool-opening-`);
    try {
      const blocks = await fill(dataDir, shape, mebibytes * 1024 * 1024);
      const columns = [shape.name.padEnd(38), `${blocks}`.padStart(10), `${blocks * shape.sources}`.padStart(9)];
      console.log(columns.join(' '), opened(dataDir));
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  }
}

/** In a new process, as small as the executable's. */
function opened(dataDir: string): string {
  const flags = ['--no-warnings', `--max-old-space-size=${heapMebibytes}`, '--max-semi-space-size=1'];
  try {
    const args = [...flags, import.meta.filename, 'open', dataDir];
    return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trimEnd();
  } catch (error) {
    const { signal, status } = error as { signal?: string; status?: number };
    return `ended with ${signal ?? status}`;
  }
}

async function openAndTell(dataDir: string): Promise<void> {
  const start = performance.now();
  let longest = 0;
  let last = start;
  const beat = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(beat, 1);
  const spool = await open(dataDir, hostFiles);
  beat();
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1024;
  const columns = [seconds.toFixed(1).padStart(9), peak.toFixed(0).padStart(13), longest.toFixed(0).padStart(17)];
  console.log(columns.join(' '));
  await spool.close();
}

/** A backlog of one line a run. */
async function fill(dataDir: string, { sources }: Shape, bytes: number): Promise<number> {
  const spool = await open(dataDir, withoutSyncs);
  const numbers = Array.from({ length: sources }, (_, index) =>
    spool.intake.begin({
      collector: 'logs',
      type: 'file',
      resource: { 'host.name': 'host' },
      attributes: { 'log.file.path': `/var/log/app/${index}.log` },
    }),
  );
  const line = Buffer.from(`2026-01-01T00:00:00Z GET /index.html 200 ${'x'.repeat(40)}\n`);
  let blocks = 0;
  for (; spool.status().bytes < bytes; blocks++) {
    for (const source of numbers) {
      const from = blocks * line.length;
      while (!spool.intake.reserve(line.length)) await spool.intake.room();
      spool.intake.reserve(line.length)!.set(line);
      spool.intake.commit({
        ...{ source, from, to: from + line.length, bytes: line.length, records: 1, mark: Buffer.alloc(5) },
        ...{ format: 'text', time: hostClock.now(), continues: false, unterminated: false },
      });
    }
    await spool.intake.flush();
  }
  await spool.close();
  return blocks;
}

function open(dataDir: string, files: Files): Promise<Spool> {
  return openSpool(
    {
      ...{ dataDir, syncIntervalMs: 1, segmentBytes: 1024 ** 3, maxBytes: 16 * 1024 ** 3, minFreeBytes: 0 },
      ...{ damagedBytesMax: 1024 ** 3, retainAckedBytes: 0, shippers: [{ name: 'central', whenFull: 'block' }] },
    },
    { files, clock: hostClock, random: hostRandom, codec: chooseCodec().codec, log: { write() {} } },
  );
}
