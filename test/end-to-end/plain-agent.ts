/** An agent that ships what it tails to an endpoint that is none of ours, in a folder of its own. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentStatus } from '../../agent/status/status.ts';
import { askStatus, Tailspool, until } from './tailspool.ts';

export class PlainAgent implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-plain-'));
  readonly logs = join(this.folder, 'logs');
  readonly data = join(this.folder, 'data');
  readonly config = join(this.folder, 'tailspool.yaml');
  process: Tailspool | undefined;

  /** `shipper`: more lines (`key: value`) for it; `spool` likewise. */
  constructor(url: string, shipper: readonly string[] = [], spool: readonly string[] = []) {
    fs.mkdirSync(this.logs);
    const lines = ['type: http', 'protocol: plain', `url: "${url}"`, ...shipper];
    const text = [
      `data_dir: ${this.data}`,
      'resource: { host.name: edge-7 }',
      `collectors: { logs: { type: file, include: ["${this.logs}/*.log"] } }`,
      `spool: { ${spool.join(', ')} }`,
      'shippers:',
      '  central:',
      ...lines.map((line) => `    ${line}`),
    ];
    fs.writeFileSync(this.config, `${text.join('\n')}\n`);
  }

  start(): void {
    this.process = new Tailspool(['run', '--config', this.config]);
  }

  write(name: string, text: string): void {
    fs.appendFileSync(join(this.logs, name), text, 'latin1');
  }

  async status(): Promise<AgentStatus | undefined> {
    return await askStatus(this.data);
  }

  /** Until nothing waits any more, and the cursor says so. */
  async untilDelivered(records: number): Promise<void> {
    const delivered = async () => {
      const shipper = (await this.status())?.shippers[0];
      const flows = Object.values(shipper?.totals.collectors ?? {});
      const past = flows.reduce(
        (sum, flow) => sum + flow.acknowledged.records + (flow.dropped.refused?.records ?? 0),
        0,
      );
      return past >= records && shipper?.waiting.records === 0;
    };
    await until(`${records} records to be past the cursor`, delivered, () => this.describe());
  }

  async describe(): Promise<string> {
    return `${JSON.stringify(await this.status(), undefined, 1)}\n${this.process?.printed}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
