/** An agent that takes requests and mirrors what it took into files, in a folder of its own. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askStatus, freePort, Tailspool, until, untilAnswers } from './tailspool.ts';

export class HttpAgent implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-http-'));
  readonly data = join(this.folder, 'data');
  readonly config = join(this.folder, 'tailspool.yaml');
  readonly port: number;
  process: Tailspool | undefined;

  private constructor(port: number, type: string, collector: readonly string[]) {
    this.port = port;
    const text = [
      `data_dir: ${this.data}`,
      'resource: { host.name: taker }',
      `collectors: { in: { type: ${type}, ${[`listen: "127.0.0.1:${port}"`, ...collector].join(', ')} } }`,
      `shippers: { mirror: { type: mirror, path: ${this.folder}/mirror } }`,
    ];
    fs.writeFileSync(this.config, `${text.join('\n')}\n`);
  }

  /** `collector`: more keys (`key: value`) for it. */
  static async start(type = 'http', collector: readonly string[] = []): Promise<HttpAgent> {
    const agent = new HttpAgent(await freePort(), type, collector);
    await agent.start();
    return agent;
  }

  async start(): Promise<void> {
    this.process = new Tailspool(['run', '--config', this.config]);
    await untilAnswers(this.data, () => this.process?.printed || 'it printed nothing');
  }

  async kill(): Promise<void> {
    await this.process?.end('SIGKILL');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Until everything taken stands in the mirror; its lines. */
  async mirrored(ending: 'log' | 'ndjson'): Promise<string[]> {
    const settled = async () => (await askStatus(this.data))?.shippers[0]?.waiting.records === 0;
    await until('the mirror to have everything', settled, () => this.process?.printed ?? '');
    const file = join(this.folder, 'mirror', 'taker', '@in', `records.${ending}`);
    return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
