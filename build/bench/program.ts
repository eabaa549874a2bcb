/** Agents and receivers as built, each with its own folder and a watch on it. */
import './executable.ts';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus } from '../../agent/status/status.ts';
import { askStatus, sleep, Tailspool, untilAnswers } from '../../test/end-to-end/tailspool.ts';
import { forgetExecutable } from './executable.ts';
import { Watch } from './measure.ts';

export { askStatus, freePort, sleep } from '../../test/end-to-end/tailspool.ts';

const workLimitMs = 3_600_000;
const pollMs = 100;
const pollMsMax = 1000;

export interface Running extends AsyncDisposable {
  readonly dataDir: string;
  readonly process: Tailspool;
  readonly watch: Watch;
  /** Since the process began. */
  readonly startedAt: number;
  status(): Promise<AgentStatus>;
  /** Ends it as a service manager does; what it left is in `dataDir`. */
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly include: readonly string[];
  /** Receivers by the shipper's name: ports on this host. */
  readonly to: Readonly<Record<string, number>>;
  readonly syncInterval?: string;
  readonly maxSize?: string;
  /** The longest pause between attempts; the default is 30 s. */
  readonly retryMax?: string;
  /** Starts from a warm page cache: where the time until it is ready counts, not its memory. */
  readonly warm?: boolean;
  /** Another build than the one that is measured. */
  readonly executable?: string | undefined;
}

/** `folder/agent` is its data_dir, which may be there from an earlier run. */
export function startAgent(folder: string, options: AgentOptions): Running {
  const dataDir = join(folder, 'agent');
  const config = join(folder, 'agent.yaml');
  const spool = {
    ...(options.syncInterval && { sync_interval: options.syncInterval }),
    ...(options.maxSize && { max_size: options.maxSize }),
  };
  const retry = options.retryMax && { retry_max: options.retryMax };
  const shippers = Object.entries(options.to).map(([name, port]) => [
    name,
    { type: 'http', protocol: 'native', url: `http://127.0.0.1:${port}/v1/blocks`, ...retry },
  ]);
  const document = {
    data_dir: dataDir,
    collectors: { logs: { type: 'file', include: options.include } },
    spool,
    shippers: Object.fromEntries(shippers),
  };
  // JSON is YAML.
  fs.writeFileSync(config, JSON.stringify(document));
  return start(dataDir, config, options);
}

/** Collectors as they stand in a configuration, and no shipper: the spool is a ring. */
export function startCollecting(
  folder: string,
  collectors: Readonly<Record<string, object>>,
  executable?: string,
): Running {
  fs.mkdirSync(folder, { recursive: true });
  const [dataDir, config] = [join(folder, 'agent'), join(folder, 'agent.yaml')];
  fs.writeFileSync(config, JSON.stringify({ data_dir: dataDir, collectors }));
  return start(dataDir, config, { executable });
}

export interface ReceiverOptions {
  readonly port: number;
  readonly out?: boolean;
  readonly syncInterval?: string | undefined;
  readonly name?: string;
  readonly executable?: string | undefined;
}

/** `folder/receiver` is its data_dir. Answers when this returns. */
export async function startReceiver(folder: string, options: ReceiverOptions): Promise<Running> {
  const { port, syncInterval, name = 'receiver', executable } = options;
  const dataDir = join(folder, name);
  const config = join(folder, `${name}.yaml`);
  const document = {
    data_dir: dataDir,
    collectors: { edge: { type: 'blocks', listen: `127.0.0.1:${port}` } },
    spool: syncInterval === undefined ? {} : { sync_interval: syncInterval },
    shippers: options.out ? { mirror: { type: 'mirror', path: join(folder, 'out') } } : {},
  };
  fs.writeFileSync(config, JSON.stringify(document));
  const receiver = start(dataDir, config, { executable });
  await untilAnswers(dataDir);
  return receiver;
}

function start(dataDir: string, config: string, options: Pick<AgentOptions, 'warm' | 'executable'>): Running {
  const { warm = false, executable } = options;
  if (!warm) forgetExecutable(executable);
  const startedAt = performance.now();
  const process = new Tailspool(['run', '--config', config], { executable });
  const watch = new Watch(process.pid);
  return {
    dataDir,
    process,
    watch,
    startedAt,
    async status() {
      for (;;) {
        const status = await askStatus(dataDir);
        if (status !== undefined) return status;
        if (!process.running) throw new Error(`tailspool run --config ${config} ended:\n${process.printed}`);
        await sleep(20);
      }
    },
    async stop() {
      if (process.running) await process.end('SIGTERM');
    },
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
    },
  };
}

/** Waits until `shipper` (the first, by default) has proof of so many bytes of log. */
export async function untilAcknowledged(agent: Running, bytes: number, shipper?: string): Promise<void> {
  const acknowledged = ({ shippers }: AgentStatus) =>
    (shipper === undefined ? shippers[0] : shippers.find(({ name }) => name === shipper))?.totals.collectors.logs
      ?.acknowledged.bytes ?? 0;
  const begun = performance.now();
  let everyMs = pollMs;
  const check = (status: AgentStatus) => {
    const done = acknowledged(status);
    // Answering costs the agent about a millisecond of CPU: it is asked seldom while much is left.
    const leftMs = ((performance.now() - begun) * Math.max(0, bytes - done)) / Math.max(1, done);
    everyMs = Math.min(pollMsMax, Math.max(pollMs, leftMs / 2));
    return done >= bytes;
  };
  await untilStatus(agent, `${bytes} bytes acknowledged`, check, () => everyMs);
}

export async function untilStatus(
  agent: Running,
  what: string,
  check: (status: AgentStatus) => boolean,
  everyMs = () => pollMs,
): Promise<AgentStatus> {
  const end = performance.now() + workLimitMs;
  for (;;) {
    const status = await agent.status();
    if (check(status)) return status;
    if (performance.now() > end)
      throw new Error(`waited ${workLimitMs / 1000} s for ${what}:\n${agent.process.printed}`);
    await sleep(everyMs());
  }
}
