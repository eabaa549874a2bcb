/** Collectors of sockets over a real spool and the host's sockets. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostDatagramListener } from '../../../agent/host/datagram-listener.ts';
import { hostStreamListener } from '../../../agent/host/stream-listener.ts';
import type { Collector } from '../../../collectors/ports.ts';
import { lineFraming } from '../../../collectors/shared/framing/delimited.ts';
import { DatagramCollector, type DatagramWorld } from '../../../collectors/socket/datagram-collector.ts';
import type { DatagramCollectorOptions, StreamCollectorOptions } from '../../../collectors/socket/options.ts';
import { eventEncoder } from '../../../collectors/socket/records.ts';
import { StreamCollector, type StreamWorld } from '../../../collectors/socket/stream-collector.ts';
import type { LogEntry } from '../../../spool/ports.ts';
import type { Spool } from '../../../spool/spool.ts';
import { delivered, type TestSpool, temporarySpool } from '../../spool/temporary-spool.ts';

const common = {
  name: 'in',
  resource: { 'host.name': 'h' },
  attributes: {},
  format: 'json',
  whenFull: 'block',
  encoder: eventEncoder,
} as const;

export class SocketWorld {
  readonly #dir: TestSpool;
  readonly logged: LogEntry[] = [];
  readonly spool: Spool;
  readonly #t: TestContext;

  private constructor(t: TestContext, dir: TestSpool, spool: Spool) {
    this.#t = t;
    this.#dir = dir;
    this.spool = spool;
  }

  static async open(t: TestContext, options: Parameters<TestSpool['open']>[0] = {}) {
    const dir = temporarySpool();
    const spool = await dir.open(options);
    t.after(async () => {
      await spool.close();
      await dir[Symbol.asyncDispose]();
    });
    return new SocketWorld(t, dir, spool);
  }

  async streams(options: Partial<StreamCollectorOptions> = {}): Promise<StreamCollector> {
    const listen = {
      at: { host: '127.0.0.1', port: 0 },
      connectionsMax: 1000,
      connectionsPerPeerMax: 1000,
      handshakeTimeoutMs: 10_000,
      outputBytesMax: 65_536,
    };
    const made = new StreamCollector(
      { ...common, type: 'tcp', framing: () => lineFraming(65_536), listen, ...options },
      { ...this.#world(), streams: hostStreamListener({ write: (entry) => this.logged.push(entry) }) },
    );
    return this.#started(made);
  }

  async datagrams(options: Partial<DatagramCollectorOptions> = {}): Promise<DatagramCollector> {
    const listen = { at: { host: '127.0.0.1', port: 0 }, datagramBytesMax: 65_535 };
    const made = new DatagramCollector(
      { ...common, type: 'udp', listen, ...options },
      { ...this.#world(), datagrams: hostDatagramListener() },
    );
    return this.#started(made);
  }

  /** Any other collector of sockets, from what the host has. */
  start<T extends Collector>(make: (world: StreamWorld & DatagramWorld) => T): Promise<T> {
    const streams = hostStreamListener({ write: (entry) => this.logged.push(entry) });
    return this.#started(make({ ...this.#world(), streams, datagrams: hostDatagramListener() }));
  }

  /** Everything durable, as lines. */
  async records(): Promise<string[]> {
    await this.spool.intake.flush();
    return delivered(this.#dir, this.spool.outlet('s')).map((line) => line.slice(0, -1));
  }

  async bodies(): Promise<unknown[]> {
    return (await this.records()).map((line) => JSON.parse(line).body);
  }

  #world() {
    const log = { write: (entry: LogEntry) => void this.logged.push(entry) };
    return { intake: this.spool.intake, clock: hostClock, log };
  }

  async #started<T extends Collector>(made: T): Promise<T> {
    await made.start();
    this.#t.after(() => made.stop());
    return made;
  }
}

export async function sendTo(port: number, bytes: string | Uint8Array, { end = true } = {}): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1' }).on('error', () => {});
  await new Promise<void>((resolve) => (end ? socket.end(bytes, resolve) : socket.write(bytes, () => resolve())));
  return socket;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < limit, `not within 20 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
