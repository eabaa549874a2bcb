/**
 * A real systemd-journald of a test's own: in a mount namespace with its own /run (a tmpfs), so it is nobody else's. The agent reads
 * it with a `journalctl` that enters there. Root only.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './tailspool.ts';

const journald = '/lib/systemd/systemd-journald';
const settings = [
  ...['[Journal]', 'RateLimitIntervalSec=0', 'ReadKMsg=no', 'Audit=no', 'ForwardToWall=no'],
  ...['RuntimeMaxUse=1G', 'RuntimeMaxFileSize=64M', ''],
].join('\n');

/** Why there can be none here; false where there can. */
export function cannotHaveJournal(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!fs.existsSync(journald)) return 'systemd-journald is not installed';
  const missing = ['unshare', 'nsenter', 'journalctl', 'systemd-cat'].filter(
    (program) => spawnSync(program, ['--version']).error !== undefined,
  );
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/run']).status !== 0 && 'needs to mount';
}

export class Journal implements AsyncDisposable {
  readonly #folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-journal-'));
  readonly #process: ChildProcess;
  /** For the collector's `journalctl`. */
  readonly journalctl = join(this.#folder, 'journalctl');

  private constructor() {
    const prepare = 'mount -t tmpfs tmpfs /run && mkdir -p /run/log/journal /run/systemd/journald.conf.d';
    const script = `${prepare} && printf %s "$1" > /run/systemd/journald.conf.d/test.conf && exec ${journald}`;
    const args = ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', settings];
    this.#process = spawn('unshare', args, { stdio: 'ignore' });
    const enter = `#!/bin/sh\nexec nsenter -t ${this.#process.pid} -m -- journalctl "$@"\n`;
    fs.writeFileSync(this.journalctl, enter, { mode: 0o755 });
  }

  static async start(): Promise<Journal> {
    const journal = new Journal();
    await until('a journal', () => journal.try('test', '-S', '/run/systemd/journal/stdout').status === 0);
    return journal;
  }

  /** What a program in its world printed. */
  run(program: string, args: readonly string[], input: string | Buffer = ''): string {
    const { status, stdout, stderr } = this.try(program, ...args, { input });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    return stdout.toString();
  }

  try(program: string, ...rest: (string | { readonly input: string | Buffer })[]) {
    const args = rest.filter((one) => typeof one === 'string');
    const input = rest.find((one) => typeof one === 'object')?.input ?? '';
    const enter = ['-t', String(this.#process.pid), '-m', '--', program, ...args];
    return spawnSync('nsenter', enter, { input, timeout: 120_000, maxBuffer: 1024 * 1024 * 1024 });
  }

  /** One entry for each line, as the standard output of a program with this identifier. */
  lines(identifier: string, lines: readonly string[]): void {
    this.run('systemd-cat', ['-t', identifier], lines.map((line) => `${line}\n`).join(''));
  }

  /** What the journal itself shows of these entries' messages, in its order. */
  messages(identifier: string): string[] {
    this.run('journalctl', ['--sync']);
    return this.run('journalctl', ['-o', 'cat', '-t', identifier]).split('\n').slice(0, -1);
  }

  /** Everything older than the file that is being written goes. */
  vacuum(): void {
    this.run('journalctl', ['--rotate']);
    this.run('journalctl', ['--vacuum-size=1']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    if (this.#process.exitCode === null && this.#process.kill('SIGTERM')) await ended;
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
