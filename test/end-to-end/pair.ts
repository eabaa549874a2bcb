/** An agent and a receiver with a mirror, in a folder of their own: the smallest whole. */
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { askStatus, freePort, Tailspool, until } from './tailspool.ts';

export interface PairOptions {
  /** Globs relative to the folder of logs. */
  readonly include?: readonly string[];
  /** More lines for the collector's, the spool's and the shipper's part of the configuration (YAML, `key: value`). */
  readonly collector?: readonly string[];
  readonly spool?: readonly string[];
  readonly shipper?: readonly string[];
  /** Where the shipper goes instead of the receiver. */
  readonly url?: string;
}

export class Pair implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-pair-'));
  readonly logs = join(this.folder, 'logs');
  readonly agentData = join(this.folder, 'agent');
  readonly receiverData = join(this.folder, 'receiver');
  readonly out = join(this.folder, 'mirror');
  readonly config = join(this.folder, 'tailspool.yaml');
  readonly port: number;
  agent: Tailspool | undefined;
  receiver: Tailspool | undefined;

  static async make(options: PairOptions = {}): Promise<Pair> {
    return new Pair(await freePort(), options);
  }

  private constructor(port: number, options: PairOptions) {
    this.port = port;
    fs.mkdirSync(this.logs);
    fs.writeFileSync(this.config, this.#yaml(options));
  }

  #yaml(options: PairOptions): string {
    const include = (options.include ?? ['*.log']).map((glob) => JSON.stringify(join(this.logs, glob)));
    const indented = (lines: readonly string[] = []) => lines.map((line) => `    ${line}`);
    return [
      `data_dir: ${this.agentData}`,
      ...(process.env.KEEP ? ['log: { level: debug }'] : []),
      'collectors:',
      '  logs:',
      '    type: file',
      `    include: [${include.join(', ')}]`,
      ...indented(options.collector),
      ...(options.spool ? ['spool:', ...options.spool.map((line) => `  ${line}`)] : []),
      'shippers:',
      '  central:',
      '    type: http',
      '    protocol: native',
      `    url: ${options.url ?? `http://127.0.0.1:${this.port}/v1/blocks`}`,
      ...indented(options.shipper),
      '',
    ].join('\n');
  }

  startAgent(): Tailspool {
    this.agent = new Tailspool(['run', '--config', this.config], this.#keepIn('agent.log'));
    return this.agent;
  }

  startReceiver(port = this.port): Tailspool {
    const where = ['--listen', `127.0.0.1:${port}`, '--data-dir', this.receiverData, '--out', this.out];
    this.receiver = new Tailspool(['receive', ...where], this.#keepIn('receiver.log'));
    return this.receiver;
  }

  /** With KEEP set the folder stays, and the logs of both stand in it. */
  #keepIn(name: string): string | undefined {
    return process.env.KEEP ? join(this.folder, name) : undefined;
  }

  /** The mirror's copy of a log; undefined while there is none. */
  mirrored(log: string): Buffer | undefined {
    const path = join(this.out, hostname(), this.logs, log);
    return fs.existsSync(path) ? fs.readFileSync(path) : undefined;
  }

  /** Waits until the mirror holds at least as much as was written, and no more is under way. */
  async untilMirrored(log: string, bytes: number, limitMs?: number): Promise<void> {
    const size = () => this.mirrored(log)?.length ?? -1;
    const path = `${log}: ${bytes} bytes in the mirror`;
    await until(
      path,
      () => size() >= bytes,
      async () => `there are ${size()}\n${await this.describe()}`,
      limitMs,
    );
  }

  /** For the message of a failed test. */
  async describe(): Promise<string> {
    const short = async (dataDir: string) => {
      const status = await askStatus(dataDir);
      return JSON.stringify(status && { ...status, process: undefined }, undefined, 1);
    };
    return [
      `agent (${this.agent?.running ? 'runs' : 'ended'}):\n${this.agent?.printed ?? ''}${await short(this.agentData)}`,
      `receiver (${this.receiver?.running ? 'runs' : 'ended'}):\n${this.receiver?.printed ?? ''}${await short(this.receiverData)}`,
      `files:\n${fs.readdirSync(this.folder, { recursive: true }).join('\n')}`,
    ].join('\n\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent?.[Symbol.asyncDispose]();
    await this.receiver?.[Symbol.asyncDispose]();
    if (process.env.KEEP) process.stderr.write(`kept: ${this.folder}\n`);
    else fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
