/**
 * `npm start [-- --sample] [--logs FOLDER] [--folder FOLDER]`: the main job on this host. A receiver, and an agent that tails the host's own logs and ships them to
 * it, as two real processes, with a live view; Ctrl-C ends both cleanly. Everything stands below `tmp/demo` and begins anew
 * each time. Where no log can be read, or with --sample, it writes one of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { adminSocketPath } from '../admin/admin.ts';
import { hostLocks } from '../host/lock.ts';
import { hostTransports } from '../host/transport.ts';
import type { AgentStatus } from '../status/status.ts';
import { size } from '../status/units.ts';
import { type FoundLog, findLogs } from './logs.ts';
import { writeSample } from './sample.ts';
import { allArrived, draw, type Seen, summary } from './view.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const portWished = 8600;
const lookMs = 1000;
const linesEveryMs = 10_000;
const endMsMax = 10_000;
/** A log larger than this is followed from its end: nobody wants to wait for gigabytes to see the demo. */
const wholeBytesMax = 256 * 1024 * 1024;

const { values: options } = parseArgs({
  options: {
    sample: { type: 'boolean', default: false },
    logs: { type: 'string', default: '/var/log' },
    folder: { type: 'string' },
  },
});

const folder = resolve(options.folder ?? join(root, 'tmp/demo'));
const paths = {
  lock: `${folder}.lock`,
  agent: join(folder, 'agent'),
  receiver: join(folder, 'receiver'),
  received: join(folder, 'received'),
  config: join(folder, 'tailspool.yaml'),
  sample: join(folder, 'sample.log'),
};

async function main(): Promise<number> {
  fs.mkdirSync(dirname(folder), { recursive: true });
  const lock = hostLocks().take(paths.lock);
  if (lock.kind === 'held') {
    console.error(`The demo runs already: ${lock.holder}.`);
    return 3;
  }
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  await using stack = new AsyncDisposableStack();
  stack.use(lock.lock);
  const logs = chooseLogs(stack);
  const listen = `127.0.0.1:${await choosePort()}`;
  fs.writeFileSync(paths.config, configuration(logs, listen));
  const receiver = new Part('receiver', [
    'receive',
    '--listen',
    listen,
    '--data-dir',
    paths.receiver,
    '--out',
    paths.received,
  ]);
  const agent = new Part('agent', ['run', '--config', paths.config]);
  const parts = [agent, receiver];
  console.log(`A receiver on ${listen}, an agent with ${shown(paths.config)}. Ctrl-C ends both.\n`);
  const seen = await watch(parts);
  const clean = await endAll(parts);
  await stack.disposeAsync();
  tellEnd(seen, clean);
  return clean ? 0 : 1;
}

function chooseLogs(stack: AsyncDisposableStack): FoundLog[] {
  const found = options.sample ? [] : findLogs(options.logs);
  if (found.some((log) => log.bytes > 0)) return found;
  if (!options.sample) console.log(`No log that can be read stands in ${options.logs}:`);
  console.log(`a sample log is written to ${shown(paths.sample)}.`);
  stack.use(writeSample(paths.sample));
  return [{ path: paths.sample, bytes: 0 }];
}

/** A collector for each file, so that read = waiting + acknowledged can be shown for each. JSON is YAML too. */
function configuration(logs: readonly FoundLog[], listen: string): string {
  const collectors = logs.map(({ path, bytes }) => {
    const name = path.replace(/^\/(var\/log\/)?/, '').replaceAll('/', '-');
    return [name, { type: 'file', include: [path], ...(bytes > wholeBytesMax ? { start_at: 'end' } : {}) }];
  });
  const config = {
    data_dir: paths.agent,
    collectors: Object.fromEntries(collectors),
    shippers: { central: { type: 'http', protocol: 'native', url: `http://${listen}/v1/blocks` } },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** The usual port, or any that is free. */
async function choosePort(): Promise<number> {
  return (await tryPort(portWished)) ?? (await tryPort(0)) ?? portWished;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}

/** One of the two processes. What it logs goes to a file; its end is shown with the last of it. */
class Part {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly logFile: string;
  readonly ended: Promise<number | null>;

  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.logFile = join(folder, `${name}.log`);
    const log = fs.openSync(this.logFile, 'w');
    const main = join(root, 'agent/main.ts');
    // Not in our process group: Ctrl-C is ours, the agent is ended first.
    this.#child = spawn(process.execPath, ['--no-warnings', main, ...args], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    fs.closeSync(log);
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code) => resolve(code));
      this.#child.once('error', () => resolve(null));
    });
    process.once('exit', () => this.kill('SIGKILL'));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }
}

/** Shows what happens until a signal comes or a part ends; returns what was seen last. */
async function watch(parts: readonly Part[]): Promise<Seen | undefined> {
  const { promise: stop, resolve: end } = Promise.withResolvers<'stop'>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end('stop'));
  for (const part of parts) void part.ended.then(() => end('stop'));
  const screen = new Screen();
  let before: Seen | undefined;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) screen.show(seen, before);
    before = seen ?? before;
    const pause = new Promise<'on'>((on) => setTimeout(() => on('on'), lookMs));
    if ((await Promise.race([stop, pause])) === 'stop') return before;
  }
}

async function look(): Promise<Seen | undefined> {
  const [agent, receiver] = await Promise.all([ask(paths.agent), ask(paths.receiver)]);
  return agent && { atMs: performance.now(), agent, receiver };
}

/** What a process says of itself; undefined while it does not answer. */
async function ask(dataDir: string): Promise<AgentStatus | undefined> {
  const socketPath = adminSocketPath(dataDir);
  if (!fs.existsSync(socketPath)) return undefined;
  const transport = hostTransports.open({ url: 'http://admin', socketPath, connectTimeoutMs: lookMs });
  try {
    const limits = {
      progressTimeoutMs: lookMs,
      answerBytesMax: 16 * 1024 * 1024,
      signal: new AbortController().signal,
    };
    const answer = await transport.send({ method: 'GET', url: 'http://admin/status.json', headers: {}, ...limits });
    return JSON.parse(Buffer.from(answer.body).toString());
  } catch {
    return undefined;
  } finally {
    await transport.close();
  }
}

/** On a terminal one picture that changes; elsewhere a picture when everything has arrived, and a line now and then. */
class Screen {
  #lines = 0;
  #pictured = false;
  #saidAt = performance.now();

  show(seen: Seen, before: Seen | undefined): void {
    if (process.stdout.isTTY) {
      this.#redraw(draw(seen, before, { columns: process.stdout.columns, rows: process.stdout.rows }));
    } else if (!this.#pictured && before !== undefined && allArrived(seen)) {
      this.#pictured = true;
      this.#saidAt = seen.atMs;
      console.log(draw(seen, before, { columns: 120, rows: 60 }).join('\n'));
    } else if (seen.atMs - this.#saidAt >= linesEveryMs) {
      this.#saidAt = seen.atMs;
      console.log(summary(seen));
    }
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#lines > 0 ? `\x1b[${this.#lines}A` : '';
    this.#lines = lines.length;
    process.stdout.write(`${up}\x1b[J${lines.join('\n')}\n`);
  }
}

/** The agent first: what it still sends finds somebody. True when both ended by themselves and well. */
async function endAll(parts: readonly Part[]): Promise<boolean> {
  let clean = true;
  for (const part of parts) {
    const asked = part.running;
    part.kill('SIGTERM');
    const timer = setTimeout(() => part.kill('SIGKILL'), endMsMax);
    const code = await part.ended;
    clearTimeout(timer);
    if (code === 0 && asked) continue;
    clean = false;
    const said = fs.readFileSync(part.logFile, 'utf8').trim().split('\n').slice(-10).join('\n');
    console.error(
      `\nThe ${part.name} ended ${code === null ? 'by a signal' : `with ${code}`}. The end of its log (${part.logFile}):\n${said}`,
    );
  }
  return clean;
}

/** Below the current folder without what everybody knows. */
function shown(path: string): string {
  const below = relative('.', path);
  return below === '' || below.startsWith('..') ? path : below;
}

function tellEnd(seen: Seen | undefined, clean: boolean): void {
  if (!clean || seen === undefined) return;
  const here = shown(folder);
  console.log(`\nBoth ended cleanly. ${summary(seen)}; ${size(seen.agent.spool.bytes)} in the spool.`);
  console.log(`  ls -R ${here}/received/${hostname()}          # what arrived, as files again`);
  console.log(`  zstdcat ${here}/agent/spool/*.zst | tail  # what the agent keeps until the aggregator has it`);
}

process.exitCode = await main();
