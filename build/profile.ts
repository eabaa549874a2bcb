/**
 * `node build/profile.ts [--size 512MiB]`: where the CPU of agent and receiver goes on the whole path, step by step, what is
 * allocated, and the system calls for each MiB of log. From the sources, so that starting up counts more than in the executable; profile and
 * strace run one after the other, since strace slows everything down. Steps are shares of the main thread's time on its way.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { askStatus, freePort, sleep } from '../test/end-to-end/tailspool.ts';
import { gib, mib, parseSize, shortNumber, sizeText } from './bench/numbers.ts';
import { makeText } from './bench/texts/text.ts';
import { traceCalls } from './bench/trace.ts';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const flags = ['--max-semi-space-size=1', '--max-old-space-size=128', '--v8-pool-size=1', '--no-warnings'];
const tracedBytes = 64 * mib;

const natives: Readonly<Record<string, string>> = {
  compress: 'compressing',
  readBuffers: 'reading the log',
  read: 'reading back from the spool',
  writeBuffer: 'writing the spool',
  writev: 'sending',
  crc32: 'CRC-32',
  'wasm-function[0]': 'counting lines',
  fdatasync: 'handing syncs to a thread',
  fsync: 'handing syncs to a thread',
  unlink: 'deleting segments',
};

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { size: { type: 'string', default: '512MiB' } } });
  const bytes = parseSize('size', values.size);
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-profile-'));
  try {
    const log = makeText(join(folder, 'text.log'), 'nginx', bytes, 1);
    const small = makeText(join(folder, 'small.log'), 'nginx', Math.min(bytes, tracedBytes), 1);
    await runOnce(join(folder, 'profiled'), log, 'profiled');
    const calls = await runOnce(join(folder, 'traced'), small, 'traced');
    for (const name of ['agent', 'receiver'] as const) {
      printSteps(name, join(folder, 'profiled', `${name}-profile`), bytes);
      printAllocated(fs.readFileSync(join(folder, 'profiled', `${name}.out`), 'utf8'), bytes);
      printCalls(calls[name] ?? '', small.bytes);
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Agent and receiver until all of the log is acknowledged; what strace said of each where it was asked. */
async function runOnce(folder: string, log: { readonly path: string; readonly bytes: number }, how: string) {
  fs.mkdirSync(folder);
  const port = await freePort();
  const blocks = { type: 'blocks', listen: `127.0.0.1:${port}` };
  // Under strace it grows only when both are there: what starting up calls is left out.
  const path = how === 'traced' ? join(folder, 'growing.log') : log.path;
  const file = { type: 'file', include: [path] };
  const http = { type: 'http', protocol: 'native', url: `http://127.0.0.1:${port}/v1/blocks` };
  const receiver = await begin(folder, 'receiver', { collectors: { edge: blocks } }, how);
  while ((await askStatus(join(folder, 'receiver'))) === undefined) await sleep(50);
  const agent = await begin(folder, 'agent', { collectors: { logs: file }, shippers: { central: http } }, how);
  if (how === 'traced') {
    while ((await askStatus(join(folder, 'agent'))) === undefined) await sleep(50);
    await Promise.all([agent.trace(), receiver.trace()]);
    fs.copyFileSync(log.path, path);
  }
  for (let done = 0; done < log.bytes; await sleep(300)) {
    const status = await askStatus(join(folder, 'agent'));
    done = status?.shippers[0]?.totals.collectors.logs?.acknowledged.bytes ?? 0;
  }
  return { agent: await agent.end(), receiver: await receiver.end() };
}

interface Running {
  trace(): Promise<void>;
  /** What strace counted, if it did. */
  end(): Promise<string>;
}

async function begin(folder: string, name: string, configuration: object, how: string): Promise<Running> {
  const config = join(folder, `${name}.yaml`);
  fs.writeFileSync(config, JSON.stringify({ data_dir: join(folder, name), ...configuration }));
  const profiling = ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${join(folder, `${name}-profile`)}`];
  const extra = how === 'profiled' ? [...profiling, '--trace-gc'] : [];
  const out = fs.openSync(join(folder, `${name}.out`), 'w');
  const program = [...flags, ...extra, join(root, 'agent/main.ts'), 'run', '--config', config];
  const child = spawn(process.execPath, program, { stdio: ['ignore', out, out] });
  let traced: (() => Promise<string>) | undefined;
  return {
    async trace() {
      traced = await traceCalls(child.pid!);
    },
    async end() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      fs.closeSync(out);
      return (await traced?.()) ?? '';
    },
  };
}

function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(3);
}

function printSteps(name: string, folder: string, bytes: number): void {
  const profile = JSON.parse(fs.readFileSync(join(folder, fs.readdirSync(folder)[0]!), 'utf8')) as Profile;
  const steps = new Map<string, number>();
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id])));
  const frames = (id: number | undefined): CallFrame[] =>
    id === undefined ? [] : [byId.get(id)!.callFrame, ...frames(parents.get(id))];
  for (const [index, id] of profile.samples.entries()) {
    const step = stepOf(frames(id));
    if (step !== undefined) steps.set(step, (steps.get(step) ?? 0) + profile.timeDeltas[index]!);
  }
  const total = [...steps.values()].reduce((sum, each) => sum + each, 0);
  const startUp = steps.get('start-up') ?? 0;
  steps.delete('start-up');
  const busy = `${seconds(total - startUp)} s, and ${seconds(startUp)} s for starting up from the sources`;
  console.log(`\n${name}, ${sizeText(bytes)}: its main thread was busy for ${busy}; s/GiB:`);
  for (const [step, microseconds] of [...steps].sort((a, b) => b[1] - a[1]))
    console.log(`${seconds((microseconds * gib) / bytes).padStart(8)}  ${step}`);
}

/** undefined where it was idle. The first frame is the one that was running. */
function stepOf(frames: readonly CallFrame[]): string | undefined {
  const [{ functionName, url }] = frames as [CallFrame];
  if (functionName === '(idle)' || functionName === '(root)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'V8 and libuv by themselves';
  const native = natives[functionName];
  if (native !== undefined && (url === '' || /codec|zlib|wasm/.test(url))) return native;
  if (functionName === 'hash' && url.startsWith('node:')) return 'SHA-256 of headers';
  if (frames.some((frame) => /modules\/|bootstrap/.test(frame.url) && frame.url.startsWith('node:'))) return 'start-up';
  if (frames.some((frame) => frame.url.includes('/agent/status/'))) return 'answering for its status';
  const room = frames
    .map((frame) => /\/(collectors|spool|shippers|agent|node_modules)\//.exec(frame.url)?.[1])
    .find(Boolean);
  return room === undefined ? 'Node: sockets, HTTP, timers' : `JavaScript of ${room}/ and what it calls`;
}

/** What V8 says at each collection: how much the heap grew since the one before. */
function printAllocated(said: string, bytes: number): void {
  let [grown, after, count] = [0, 0, 0];
  for (const [, from, to] of said.matchAll(
    /ms: (?:Scavenge|Mark-Compact)[^\n]*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \(/g,
  )) {
    grown += Math.max(0, Number(from) - after);
    after = Number(to);
    count++;
  }
  const each = (grown * 1024) / (bytes / mib);
  console.log(
    `allocated: ${shortNumber(each)} KiB of JavaScript objects per MiB of log, start-up included; ${count} collections`,
  );
}

function printCalls(summary: string, bytes: number): void {
  const counted = [...summary.matchAll(/^\s*(\w+)\s+(\d+)\s*$/gm)].filter(([, call]) => call !== 'total');
  const each = counted.map(([, call, count]) => ({ call, perMib: Number(count) / (bytes / mib) }));
  const most = each.sort((a, b) => b.perMib - a.perMib).slice(0, 12);
  const text = most.map(({ call, perMib }) => `${call} ${shortNumber(perMib)}`).join(', ');
  console.log(`system calls per MiB of log: ${text || 'strace is not installed'}`);
}
