/**
 * Real processes of the real program, for end-to-end tests and torture: started, asked, stopped and killed. By default the
 * sources (`agent/main.ts`); with TAILSPOOL set to a path, that executable.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { AgentStatus } from '../../agent/status/status.ts';

const mainFile = join(import.meta.dirname, '../../agent/main.ts');

/** The program and the arguments before its own. */
export const program: readonly [string, ...string[]] = process.env.TAILSPOOL
  ? [process.env.TAILSPOOL]
  : [process.execPath, '--no-warnings', mainFile];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** How much of what a process prints is kept, for the message of a failed test. */
const printedBytesMax = 64 * 1024;

export interface TailspoolOptions {
  /** A file to which what it prints is added, to be read after a failure. */
  readonly keepIn?: string | undefined;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another executable than `program`. */
  readonly executable?: string | undefined;
}

export class Tailspool {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = '';
  #err = '';

  constructor(args: readonly string[], { keepIn, environment = {}, executable }: TailspoolOptions = {}) {
    const [command, ...first] = executable === undefined ? program : [executable];
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    this.#child = spawn(command, [...first, ...args], { stdio, env: { ...process.env, ...environment } });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#out = (this.#out + chunk).slice(-printedBytesMax)));
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#err = (this.#err + chunk).slice(-printedBytesMax);
      if (keepIn !== undefined) appendFileSync(keepIn, chunk);
    });
    this.ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve({ code, signal, out: this.#out, err: this.#err })),
    );
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get printed(): string {
    return this.#out + this.#err;
  }

  /** Sends the signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.end('SIGKILL');
  }
}

/** Runs to its end. */
export function run(...args: string[]): Promise<Ended> {
  return new Tailspool(args).ended;
}

/** What the agent of this data_dir says of itself, or undefined while none answers. */
export function askStatus(dataDir: string): Promise<AgentStatus | undefined> {
  return askAdmin(dataDir, '/status.json').then((text) => (text === undefined ? undefined : JSON.parse(text)));
}

/** The body of an admin answer, or undefined while none answers. */
export function askAdmin(dataDir: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asking = request({ socketPath: join(dataDir, 'admin.sock'), path, timeout: 5000 }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks).toString()));
      answer.on('error', () => resolve(undefined));
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(undefined));
    asking.end();
  });
}

/** More where everything is slow: under emulation, say. */
const patienceMs = Number(process.env.TAILSPOOL_PATIENCE_MS ?? 60_000);

/** Waits for something to become true; throws with `what` (and what it last saw) when it takes too long. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  describe: () => string | Promise<string> = () => '',
  limitMs = patienceMs,
): Promise<void> {
  const start = Date.now();
  while (!(await check())) {
    if (Date.now() - start > limitMs) throw new Error(`waited ${limitMs / 1000} s for: ${what}\n${await describe()}`);
    await sleep(25);
  }
}

/** Waits until an agent or a receiver answers on its socket. `describe`: what it printed, for the message of a failed test. */
export async function untilAnswers(dataDir: string, describe?: () => string): Promise<void> {
  await until(`an answer from ${dataDir}`, async () => (await askAdmin(dataDir, '/livez')) !== undefined, describe);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A port that was free a moment ago, and stays the same over restarts. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Whether a socket of IPv4 has this port, as the kernel says: nothing is sent to find out. */
export function isPortBound(protocol: 'tcp' | 'udp', port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync(`/proc/net/${protocol}`, 'utf8').split('\n').slice(1);
  return rows.some((row) => row.trim().split(/\s+/)[1]?.endsWith(local));
}
