/** Runs the real agent and the real receiver under strace: under load, with a rotation, a kill -9 and a stop; gives their traces. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, program, sleep, untilAnswers } from '../end-to-end/tailspool.ts';
import { SeededRandom } from '../simulation/random.ts';
import { calls, parseTrace, type Step } from './trace.ts';

export interface Recorded {
  readonly agent: readonly Step[];
  readonly receiver: readonly Step[];
  readonly lines: number;
}

/** Why it cannot be done here; undefined where it can. */
export function cannotRecord(): string | undefined {
  const tried = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']);
  if (tried.error) return 'strace is not installed';
  return tried.status === 0 ? undefined : 'strace may not trace here';
}

export async function record(seed: number, seconds: number): Promise<Recorded> {
  const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'tailspool-power-loss-')));
  const running: Traced[] = [];
  try {
    const port = await freePort();
    const logs = join(folder, 'logs');
    fs.mkdirSync(logs);
    for (const name of ['edge', 'centre']) fs.mkdirSync(join(folder, name));
    const config = join(folder, 'tailspool.yaml');
    fs.writeFileSync(config, yamlOf(folder, port));
    const start = (name: string, ...args: string[]) => {
      const traced = new Traced(join(folder, `${name}.trace`), args);
      running.push(traced);
      return traced;
    };
    const agent = (part: number) => start(`agent.${part}`, 'run', '--config', config);
    start('receiver', 'run', '--config', writeReceiver(folder, port));
    await untilAnswers(join(folder, 'centre/data'));
    const first = agent(1);
    const writer = new Writer(logs, seed);
    await untilAnswers(join(folder, 'edge/data'));
    await writer.write(seconds / 2);
    await first.end('SIGKILL');
    await writer.write(0.2);
    agent(2);
    await untilAnswers(join(folder, 'edge/data'));
    await writer.write(seconds / 2);
    await sleep(1500);
    for (const traced of running.toReversed()) await traced.end('SIGTERM');
    const read = (name: string) => fs.readFileSync(join(folder, `${name}.trace`), 'latin1');
    return {
      agent: [
        ...parseTrace(read('agent.1'), join(folder, 'edge')),
        ...parseTrace(read('agent.2'), join(folder, 'edge')),
      ],
      receiver: parseTrace(read('receiver'), join(folder, 'centre')),
      lines: writer.lines,
    };
  } finally {
    for (const traced of running) await traced.end('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function yamlOf(folder: string, port: number): string {
  return `
data_dir: ${folder}/edge/data
collectors: { app: { type: file, include: [${folder}/logs/*.log], scan_interval: 1s } }
spool: { max_size: 64MiB, segment_size: 256KiB, min_free: 0 }
shippers: { central: { type: http, protocol: native, url: "http://127.0.0.1:${port}/v1/blocks" } }
`;
}

function writeReceiver(folder: string, port: number): string {
  const path = join(folder, 'receiver.yaml');
  fs.writeFileSync(
    path,
    `
data_dir: ${folder}/centre/data
collectors: { edge: { type: blocks, listen: "127.0.0.1:${port}" } }
spool: { max_size: 64MiB, segment_size: 256KiB, min_free: 0 }
shippers: { mirror: { type: mirror, path: ${folder}/mirror } }
`,
  );
  return path;
}

/** A process of ours under strace. */
class Traced {
  readonly #strace: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(traceFile: string, args: readonly string[]) {
    const options = ['-f', '-y', '-xx', '-s', '20000000', '-e', `trace=${calls.join(',')}`, '-e', 'signal=none'];
    this.#strace = spawn('strace', [...options, '-o', traceFile, '--', ...program, ...args], {
      stdio: 'ignore',
      // Calls that libuv would hand to the kernel by io_uring would not be seen.
      env: { ...process.env, UV_USE_IO_URING: '0' },
    });
    this.#ended = new Promise((resolve) => this.#strace.once('close', () => resolve()));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#strace.exitCode !== null || this.#strace.signalCode !== null) return;
    const { pid } = this.#strace;
    for (const child of fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' '))
      if (child !== '') process.kill(Number(child), signal);
    await this.#ended;
  }
}

/** Lines that do not compress well, into two logs, one of which is rotated. */
class Writer {
  readonly #logs: string;
  readonly #random: SeededRandom;
  lines = 0;

  constructor(logs: string, seed: number) {
    this.#logs = logs;
    this.#random = new SeededRandom(seed);
  }

  async write(seconds: number): Promise<void> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(40)) {
      const name = join(this.#logs, this.#random.pick(['a.log', 'b.log']));
      let text = '';
      for (let left = 1 + this.#random.below(80); left > 0; left--)
        text += `${this.lines++} ${Buffer.from(this.#random.bytes(90)).toString('base64')}\n`;
      fs.appendFileSync(name, text);
      if (this.#random.chance(0.02)) fs.renameSync(name, `${name}.${this.lines}`);
    }
  }
}
