/** An agent and a receiver with a mirror, in a folder of their own: the smallest whole. */
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { askStatus, freePort, Tailspool, until } from './tailspool.ts';

export interface PairOptions {
  /** Globs relative to the folder of logs. */
  readonly include?: readonly string[];
  /** The whole section (YAML, below `collectors:`) instead of one collector of files. */
  readonly collectors?: readonly string[];
  /** More lines for the collector's, the spool's and the shipper's part of the configuration (YAML, `key: value`). */
  readonly collector?: readonly string[];
  readonly spool?: readonly string[];
  readonly shipper?: readonly string[];
  /** Where the shipper goes instead of the receiver. */
  readonly url?: string;
  /** More lines for the receiver's collector and spool. */
  readonly receiver?: { readonly collector?: readonly string[]; readonly spool?: readonly string[] };
  /** Folders below the pair's, where they are not `agent` and `receiver`. */
  readonly agentData?: string;
  readonly receiverData?: string;
  /** What both print is kept in the folder, as with KEEP in the environment. */
  readonly logsKept?: boolean;
}

export class Pair implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-pair-'));
  readonly logs = join(this.folder, 'logs');
  readonly agentData: string;
  readonly receiverData: string;
  readonly out = join(this.folder, 'mirror');
  readonly config = join(this.folder, 'tailspool.yaml');
  readonly port: number;
  readonly #logsKept: boolean;
  readonly #receiverConfig: string | undefined;
  agent: Tailspool | undefined;
  receiver: Tailspool | undefined;
  /** The folder stays when the pair goes. */
  kept = process.env.KEEP !== undefined;

  /** `port`: the receiver's; by default a free one. */
  static async make(options: PairOptions = {}, port?: number): Promise<Pair> {
    return new Pair(port ?? (await freePort()), options);
  }

  private constructor(port: number, options: PairOptions) {
    this.port = port;
    this.agentData = join(this.folder, options.agentData ?? 'agent');
    this.receiverData = join(this.folder, options.receiverData ?? 'receiver');
    this.#logsKept = this.kept || options.logsKept === true;
    fs.mkdirSync(this.logs);
    fs.writeFileSync(this.config, this.#yaml(options));
    if (options.receiver === undefined) return;
    this.#receiverConfig = join(this.folder, 'receiver.yaml');
    fs.writeFileSync(this.#receiverConfig, this.#receiverYaml(options.receiver));
  }

  /** What `tailspool receive` stands for, with more lines. */
  #receiverYaml({ collector = [], spool = [] }: NonNullable<PairOptions['receiver']>): string {
    return [
      `data_dir: ${this.receiverData}`,
      `collectors: { edge: { ${['type: blocks', `listen: 127.0.0.1:${this.port}`, ...collector].join(', ')} } }`,
      `spool: { ${spool.join(', ')} }`,
      `shippers: { mirror: { type: mirror, path: ${this.out} } }`,
      '',
    ].join('\n');
  }

  #yaml(options: PairOptions): string {
    const include = (options.include ?? ['*.log']).map((glob) => JSON.stringify(join(this.logs, glob)));
    const indented = (lines: readonly string[] = []) => lines.map((line) => `    ${line}`);
    return [
      `data_dir: ${this.agentData}`,
      ...(process.env.KEEP ? ['log: { level: debug }'] : []),
      'collectors:',
      ...(options.collectors?.map((line) => `  ${line}`) ?? [
        '  logs:',
        '    type: file',
        `    include: [${include.join(', ')}]`,
        ...indented(options.collector),
      ]),
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

  /** `environment`: added to the agent's. */
  startAgent(environment: Readonly<Record<string, string>> = {}): Tailspool {
    this.agent = new Tailspool(['run', '--config', this.config], { keepIn: this.#keepIn('agent.log'), environment });
    return this.agent;
  }

  startReceiver(port = this.port, environment: Readonly<Record<string, string>> = {}): Tailspool {
    const where = ['--listen', `127.0.0.1:${port}`, '--data-dir', this.receiverData, '--out', this.out];
    const args = this.#receiverConfig ? ['run', '--config', this.#receiverConfig] : ['receive', ...where];
    this.receiver = new Tailspool(args, { keepIn: this.#keepIn('receiver.log'), environment });
    return this.receiver;
  }

  #keepIn(name: string): string | undefined {
    return this.#logsKept ? join(this.folder, name) : undefined;
  }

  /** The mirror's copy of a log; undefined while there is none. */
  mirrored(log: string): Buffer | undefined {
    const path = join(this.out, hostname(), this.logs, log);
    return fs.existsSync(path) ? fs.readFileSync(path) : undefined;
  }

  /** What the mirror holds of a collector that has no files, in its one format; '' while there is nothing. */
  arrived(collector: string, file = 'records.ndjson'): string {
    const path = this.arrivedPath(collector, file);
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '';
  }

  arrivedPath(collector: string, file = 'records.ndjson'): string {
    return join(this.out, hostname(), `@${collector}`, file);
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
    if (this.kept) process.stderr.write(`kept: ${this.folder}\n`);
    else fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
