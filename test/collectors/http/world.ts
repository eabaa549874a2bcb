/** An http collector over a real spool in a temporary folder, behind the real listener. */
import { hostClock } from '../../../agent/host/clock.ts';
import { hostInflater } from '../../../agent/host/inflater.ts';
import { hostListener } from '../../../agent/host/listener.ts';
import { HttpCollector, type HttpOptions } from '../../../collectors/http/collector.ts';
import type { Credentials } from '../../../collectors/web/credentials.ts';
import type { Spool } from '../../../spool/spool.ts';
import { delivered, type TestSpool, temporarySpool } from '../../spool/temporary-spool.ts';

export const httpDefaults: HttpOptions = {
  ...{
    name: 'in',
    host: '127.0.0.1',
    port: 0,
    path: undefined,
    format: 'auto',
    meaning: 'event',
    keysMax: 1000,
    keysMs: 3_600_000,
  },
  ...{
    bodyBytesMax: 8 << 20,
    memoryBytesMax: 64 << 20,
    connectionsMax: 100,
    connectionsPerPeerMax: 100,
    idleTimeoutMs: 5000,
  },
  ...{ rateBytesPerSecondMax: undefined, attributes: {}, resource: { 'host.name': 'h' } },
};

export class HttpWorldUnderTest implements AsyncDisposable {
  readonly folder: TestSpool = temporarySpool();
  spool!: Spool;
  collector!: HttpCollector;
  credentials: Credentials = {};

  static async start(options: Partial<HttpOptions> = {}, credentials: Credentials = {}) {
    const world = new HttpWorldUnderTest();
    world.credentials = credentials;
    await world.open(options);
    return world;
  }

  /** Opens the spool, again after `close`. */
  async open(options: Partial<HttpOptions> = {}): Promise<void> {
    this.spool = await this.folder.open();
    const { intake } = this.spool;
    this.collector = new HttpCollector(
      { ...httpDefaults, ...options },
      {
        ...{ intake, clock: hostClock, inflater: hostInflater, log: this.folder.ports.log },
        listener: hostListener(this.folder.ports.log),
        credentials: this.credentials,
      },
    );
    await this.collector.start();
  }

  get url(): string {
    return `http://127.0.0.1:${this.collector.address!.port}/`;
  }

  /** What is durable, record by record, each with its line feed. */
  get records(): string[] {
    return delivered(this.folder, this.spool.outlet('s'));
  }

  /** `key`: as Idempotency-Key. Gives the status and what was answered. */
  async post(body: string | Uint8Array, headers: Record<string, string> = {}, key?: string) {
    const all = key === undefined ? headers : { ...headers, 'idempotency-key': key };
    const response = await fetch(this.url, { method: 'POST', body: Buffer.from(body), headers: all });
    return { status: response.status, headers: response.headers, told: (await response.json()) as Told };
  }

  async close(): Promise<void> {
    await this.collector.stop();
    await this.spool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

export interface Told {
  readonly records?: number;
  readonly repeated?: boolean;
  readonly error?: string;
}

export const ndjson = { 'content-type': 'application/x-ndjson' };
export const json = { 'content-type': 'application/json' };
export const lines = { 'content-type': 'text/plain' };
