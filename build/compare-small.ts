/**
 * `node build/compare-small.ts trickle|many BUILD BUILD… [--seconds 15] [--settle 20]`: several builds of the executable at the same
 * time on the same logs, each with a receiver of its own: on a machine that others use too they differ by what they do, not by the
 * minute in which they did it. trickle: 100 lines a second in one file; many: 1,000 in as many files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, sleep } from '../test/end-to-end/tailspool.ts';
import { Watch } from './bench/measure.ts';
import { mib } from './bench/numbers.ts';
import { lineMaker } from './bench/texts/text.ts';

const kinds = { trickle: { files: 1, linesPerSecond: 100 }, many: { files: 1000, linesPerSecond: 1000 } } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '15' }, settle: { type: 'string', default: '20' } },
});
const [kind, ...builds] = positionals;
if ((kind !== 'trickle' && kind !== 'many') || builds.length === 0) throw new Error('trickle|many BUILD…');
const children: ChildProcess[] = [];
const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-compare-'));
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main(kinds[kind]);
process.exit(0);

async function main({ files, linesPerSecond }: (typeof kinds)[keyof typeof kinds]): Promise<void> {
  const logs = join(folder, 'logs');
  fs.mkdirSync(logs);
  const paths = Array.from({ length: files }, (_, number) => join(logs, `${number}.log`));
  const descriptors = paths.map((path) => fs.openSync(path, 'a'));
  const agents = [];
  for (const [index, build] of builds.entries()) agents.push(await begin(build, join(folder, `${index}`), logs));
  writeSteadily(descriptors, linesPerSecond);
  await sleep(Number(values.settle) * 1000);
  const watches = agents.map((pid) => new Watch(pid));
  for (const watch of watches) watch.restart();
  await sleep(Number(values.seconds) * 1000);
  console.log(`${kind}, ${values.seconds} s after ${values.settle} s, load ${loadavg()[0]!.toFixed(0)}`);
  for (const [index, watch] of watches.entries()) {
    const { cpuSeconds, privateBytes } = watch.take();
    const percent = ((cpuSeconds / Number(values.seconds)) * 100).toFixed(2);
    console.log(`${percent.padStart(6)} % of a core, private ${(privateBytes / mib).toFixed(1)} MiB: ${builds[index]}`);
  }
}

/** An agent that ships to a receiver of the same build. */
async function begin(build: string, place: string, logs: string): Promise<number> {
  fs.mkdirSync(place);
  const listen = `127.0.0.1:${await freePort()}`;
  start(build, ['receive', '--listen', listen, '--data-dir', join(place, 'receiver')]);
  const collectors = { logs: { type: 'file', include: [join(logs, '*.log')] } };
  const shippers = { central: { type: 'http', protocol: 'native', url: `http://${listen}/v1/blocks` } };
  const config = join(place, 'tailspool.yaml');
  fs.writeFileSync(config, JSON.stringify({ data_dir: join(place, 'agent'), collectors, shippers }));
  return start(build, ['run', '--config', config]);
}

function start(build: string, args: readonly string[]): number {
  const child = spawn(build, args, { stdio: 'ignore' });
  children.push(child);
  return child.pid!;
}

function writeSteadily(descriptors: readonly number[], linesPerSecond: number): void {
  const line = lineMaker('nginx', 1);
  const began = performance.now();
  let written = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - began) * linesPerSecond) / 1000);
    for (; written < due; written++) fs.writeSync(descriptors[written % descriptors.length]!, line(written));
  }, 10);
}
