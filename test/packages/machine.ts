/** A root booted with its own systemd in a container, without a manager of containers on this host. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { path, Root } from './roots.ts';

/** Everything waits at most so long. */
const patienceMs = 120_000;

export class Machine implements AsyncDisposable {
  readonly root = new Root('systemd');
  readonly #nspawn: ChildProcess;
  #printed = '';
  #leader = '';

  constructor() {
    const args = ['-D', this.root.folder, '-b', '--register=no', '--keep-unit', '--private-network', '--console=pipe'];
    this.#nspawn = spawn('systemd-nspawn', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#nspawn.stdout, this.#nspawn.stderr])
      stream?.on('data', (bytes) => (this.#printed = (this.#printed + bytes).slice(-16_384)));
  }

  /** Resolves when its systemd has started everything. */
  async booted(): Promise<void> {
    const { pid } = this.#nspawn;
    await this.until('a first process', () => {
      this.#leader = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      return this.#leader !== '';
    });
    await this.until('a running system', () =>
      /^(running|degraded)/.test(this.try('systemctl', 'is-system-running').printed),
    );
  }

  /** What a command in it printed; throws where it failed. */
  run(...command: readonly string[]): string {
    const { code, printed } = this.try(...command);
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${printed}`);
    return printed;
  }

  try(...command: readonly string[]): { readonly code: number | null; readonly printed: string } {
    const enter = ['-t', this.#leader, '-m', '-u', '-i', '-n', '-p', '-C', '--', ...command];
    const options = {
      encoding: 'utf8',
      timeout: patienceMs,
      env: { PATH: path, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    } as const;
    const { status, stdout, stderr } = spawnSync('nsenter', enter, options);
    return { code: status, printed: stdout + stderr };
  }

  /** One property of the service. */
  show(property: string): string {
    return this.run('systemctl', 'show', 'tailspool', '-P', property).trim();
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + patienceMs; !holds(); ) {
      if (Date.now() > end || this.#nspawn.exitCode !== null) {
        const said = this.#leader === '' ? '' : this.try('journalctl', '-q', '--no-pager', '-n', '40').printed;
        throw new Error(`waited in vain for ${what}\n${said}\n${this.#printed}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#nspawn.once('exit', resolve));
    if (this.#nspawn.exitCode === null) {
      this.#nspawn.kill('SIGTERM');
      const timer = setTimeout(() => this.#nspawn.kill('SIGKILL'), 30_000);
      await ended;
      clearTimeout(timer);
    }
    this.root[Symbol.dispose]();
  }
}
