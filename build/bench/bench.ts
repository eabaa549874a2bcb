/**
 * `npm run bench -- [--size 1GiB] [--rounds 3] [--seed 1] [--out] [--json]`: the whole path of the built executable (agent →
 * HTTP → receiver) over a log on disk, beside what a shell does with the same log, in turns within one run, since the
 * machine's mood counts more than anything. Prints medians, and ratios to the pipeline that also compresses and sends.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeLog } from './log-maker.ts';
import { timePipeline, type Usage, Watch } from './measure.ts';

const executable = fileURLToPath(new URL('../../dist/tailspool', import.meta.url));
if (!fs.existsSync(executable) && process.env.TAILSPOOL === undefined) {
  console.error('dist/tailspool is not there yet: npm run build');
  process.exit(2);
}
process.env.TAILSPOOL ??= executable;
// Read after TAILSPOOL is known.
const { askStatus, freePort, sleep, Tailspool, untilAnswers } = await import('../../test/end-to-end/tailspool.ts');

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1GiB' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    out: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

interface Way {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly usage?: Usage;
}

const gib = 1024 ** 3;
const limitMs = 600_000;

await main();

async function main(): Promise<void> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-bench-'));
  try {
    const log = join(folder, 'access.log');
    const made = makeLog(log, parseSize(values.size), Number(values.seed));
    say(
      `${(made.bytes / gib).toFixed(2)} GiB, ${made.lines.toLocaleString('en')} lines, seed ${values.seed}; ${availableParallelism()} × ${cpus()[0]?.model}`,
    );
    const ways: Way[] = [];
    for (let round = 1; round <= Number(values.rounds); round++) {
      ways.push(...(await shellWays(folder, log)), ...(await ownWay(join(folder, `round-${round}`), log, made.bytes)));
      say(`round ${round} of ${values.rounds} done`);
    }
    report(ways, made.bytes);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function shellWays(folder: string, log: string): Promise<Way[]> {
  const compressed = join(folder, 'log.zst');
  const file = await timePipeline(`zstd -q -f -1 -T1 < ${log} > ${compressed}`);
  fs.rmSync(compressed);
  const sink = createServer((request, response) => request.resume().on('end', () => response.end()));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const { port } = sink.address() as AddressInfo;
  const sent = await timePipeline(`cat ${log} | zstd -q -1 | curl -sS -T - http://127.0.0.1:${port}/`);
  sink.close();
  return [
    { name: 'zstd -1 -T1 < log > file', ...file },
    { name: 'cat log | zstd -1 | curl -T -', ...sent },
  ];
}

/**
 * What was just written lies in the page cache in large pieces, and a process that maps it seems to use 10 to 30 MiB more than
 * an installed one: the executable is forgotten first, and read again as after a boot.
 */
function forgetExecutable(): void {
  const file = process.env.TAILSPOOL ?? executable;
  spawnSync('sync', [file]);
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** Agent and receiver as they are installed, until everything is acknowledged. */
async function ownWay(folder: string, log: string, bytes: number): Promise<Way[]> {
  fs.mkdirSync(folder);
  forgetExecutable();
  const [agentDir, receiverDir] = [join(folder, 'agent'), join(folder, 'receiver')];
  const listen = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'tailspool.yaml');
  fs.writeFileSync(
    config,
    `data_dir: ${agentDir}
collectors: { nginx: { type: file, include: [${log}] } }
shippers: { central: { type: http, protocol: native, url: "http://${listen}/v1/blocks" } }
`,
  );
  const out = values.out ? ['--out', join(folder, 'out')] : [];
  await using receiver = new Tailspool(['receive', '--listen', listen, '--data-dir', receiverDir, ...out]);
  await untilAnswers(receiverDir);
  const receiverWatch = new Watch(receiver.pid);
  const start = performance.now();
  await using agent = new Tailspool(['run', '--config', config]);
  const agentWatch = new Watch(agent.pid);
  while ((await acknowledged(agentDir)) < bytes) {
    if (!agent.running || !receiver.running) throw new Error(`a process ended:\n${agent.printed}\n${receiver.printed}`);
    if (performance.now() - start > limitMs) throw new Error(`not done after ${limitMs / 1000} s:\n${agent.printed}`);
    await sleep(100);
  }
  const seconds = (performance.now() - start) / 1000;
  const [agentUsage, receiverUsage] = [agentWatch.take(), receiverWatch.take()];
  await agent.end('SIGTERM');
  await receiver.end('SIGTERM');
  fs.rmSync(folder, { recursive: true });
  return [
    { name: 'tailspool run (agent)', seconds, cpuSeconds: agentUsage.cpuSeconds, usage: agentUsage },
    { name: 'tailspool receive', seconds, cpuSeconds: receiverUsage.cpuSeconds, usage: receiverUsage },
  ];
}

async function acknowledged(dataDir: string): Promise<number> {
  const shipper = (await askStatus(dataDir))?.shippers[0];
  return shipper?.totals.collectors.nginx?.acknowledged.bytes ?? 0;
}

function report(ways: readonly Way[], bytes: number): void {
  const names = [...new Set(ways.map((way) => way.name))];
  const rows = names.map((name) => {
    const runs = ways.filter((way) => way.name === name);
    const usages = runs.flatMap((way) => way.usage ?? []);
    return {
      way: name,
      megabytesPerSecond: bytes / 1e6 / median(runs.map((way) => way.seconds)),
      cpuSecondsPerGib: (median(runs.map((way) => way.cpuSeconds)) * gib) / bytes,
      peakMib: median(usages.map((usage) => usage.peakBytes / 2 ** 20)),
      privateMib: median(usages.map((usage) => usage.privateBytes / 2 ** 20)),
    };
  });
  if (values.json) return void console.log(JSON.stringify(rows));
  const base = rows.find((row) => row.way.startsWith('cat'))!.cpuSecondsPerGib;
  const line = (cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(30) : cell.padStart(13))).join('');
  console.log(line(['', 'MB/s', 'CPU-s/GiB', 'ratio to curl', 'peak RSS MiB', 'private MiB']));
  for (const row of rows) {
    const cpu = [row.cpuSecondsPerGib.toFixed(2), (row.cpuSecondsPerGib / base).toFixed(2)];
    console.log(line([row.way, row.megabytesPerSecond.toFixed(0), ...cpu, whole(row.peakMib), whole(row.privateMib)]));
  }
}

function whole(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]!
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function parseSize(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(MiB|GiB)$/.exec(text);
  if (found === null) throw new Error(`--size ${text}: a number with MiB or GiB, for example 256MiB`);
  return Number(found[1]) * (found[2] === 'GiB' ? gib : 2 ** 20);
}

function say(line: string): void {
  if (!values.json) console.log(line);
}
