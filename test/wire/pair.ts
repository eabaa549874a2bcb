/** An agent's shipper and a receiver, real ones, on two little spools and a network in memory. Both sides can be restarted. */
import assert from 'node:assert/strict';
import { BlocksCollector } from '../../collectors/blocks/receiver.ts';
import type { Listener, WireHandler } from '../../collectors/ports.ts';
import { HttpShipper } from '../../shippers/http/native/shipper.ts';
import type { Log, LogEntry } from '../../spool/ports.ts';
import type { Image } from './memory-spool.ts';
import { blankImage, MemorySpool } from './memory-spool.ts';
import { Network } from './network.ts';
import { Seeded } from './seeded.ts';
import { VirtualClock } from './virtual-clock.ts';

export class Pair {
  readonly clock = new VirtualClock();
  readonly network = new Network(this.clock);
  readonly random: Seeded;
  readonly log: LogEntry[] = [];
  agent: MemorySpool;
  shipper: HttpShipper | undefined;
  center: MemorySpool;
  receiver: BlocksCollector | undefined;
  memoryBytesMax = 128 * 1024 * 1024;
  batchBytesMax = 4096;
  rateBytesPerSecondMax: number | undefined;
  tokens: (() => readonly string[]) | undefined;
  authorization: (() => string) | undefined;
  failover: readonly string[] = [];
  #openings = 0;

  constructor(seed = 1) {
    this.random = new Seeded(seed);
    this.agent = this.open(blankImage(`agent ${seed}`));
    this.center = this.open(blankImage(`center ${seed}`));
  }

  open(image: Image, holeBytes = 0): MemorySpool {
    return new MemorySpool(image, `${image.id} ${++this.#openings}`, holeBytes);
  }

  events(severity: LogEntry['severity'] = 'warn'): string[] {
    return this.log.filter((entry) => entry.severity === severity).map((entry) => entry.event);
  }

  async start(): Promise<void> {
    await this.startReceiver();
    await this.startShipper();
  }

  async startReceiver(spool = this.center): Promise<BlocksCollector> {
    this.center = spool;
    const network = this.network;
    const listener: Listener = {
      async listen(options, handler: WireHandler) {
        network.handler = handler;
        const close = async () => {
          if (network.handler === handler) network.handler = undefined;
        };
        return { host: options.host, port: 1, connections: 0, close };
      },
    };
    const { clock, log, tokens, memoryBytesMax } = this;
    const options = {
      name: 'edge',
      host: '127.0.0.1',
      port: 0,
      connectionsMax: 10,
      idleTimeoutMs: 1000,
      memoryBytesMax,
    };
    const world = { intake: spool, receiver: spool.id, listener, clock, log: logInto(log), tokens };
    this.receiver = new BlocksCollector(options, world);
    await this.receiver.start();
    return this.receiver;
  }

  async startShipper(spool = this.agent, name = 'central'): Promise<HttpShipper> {
    if (name === 'central') this.agent = spool;
    const { clock, random, log, authorization } = this;
    const options = {
      name,
      url: 'http://center:8600/v1/blocks',
      failover: this.failover,
      connectTimeoutMs: 1000,
      progressTimeoutMs: 5000,
      batchBytesMax: this.batchBytesMax,
      retryDelayMsMax: 10_000,
      rateBytesPerSecondMax: this.rateBytesPerSecondMax,
    };
    const world = {
      outlet: spool.outlet(name),
      transports: this.network,
      clock,
      random,
      log: logInto(log),
      authorization: authorization && {
        header: async () => authorization(),
        refused: () => false,
        close: async () => {},
      },
    };
    const shipper = new HttpShipper(options, world);
    if (name === 'central') this.shipper = shipper;
    await shipper.start();
    return shipper;
  }

  /** Kills the agent; it starts again from what was durable. */
  async restartAgent(image = this.agent.image(), holeBytes = 0): Promise<void> {
    await this.killAgent();
    await this.startShipper(this.open(image, holeBytes));
  }

  async killAgent(): Promise<void> {
    this.agent.close();
    await this.shipper?.stop();
  }

  async restartReceiver(image = this.center.image()): Promise<void> {
    await this.killReceiver();
    await this.startReceiver(this.open(image));
  }

  async killReceiver(): Promise<void> {
    this.network.handler = undefined;
    this.center.close();
    await this.receiver?.stop();
  }

  /** Runs until everything that the agent has is acknowledged and its shipper idle. */
  async drain(spool = this.agent, shipper = this.shipper): Promise<void> {
    await this.clock.runUntil(() => {
      const cursor = spool.outlet(shipper!.name).cursor;
      return shipper!.status().state === 'idle' && (cursor?.position ?? 0) >= spool.durable;
    });
  }

  async stop(): Promise<void> {
    await this.killAgent();
    await this.killReceiver();
  }

  /** Blocks of some lines each. */
  add(blocks: number, text = 'line'): void {
    for (let i = 0; i < blocks; i++) this.agent.add(`${text} ${this.agent.blocks.length}\n`.repeat(1 + (i % 4)));
  }

  /** Hashes of the agent's blocks as the receiver has them, in its order. */
  received(): string[] {
    return this.center.blocks.flatMap((block) => block.origin ?? []);
  }

  /** The receiver has every durable block of the agent exactly once, in order. */
  assertExactlyOnce(): void {
    const sent = this.agent.image().blocks.map((block) => block.hash);
    assert.deepEqual(this.received(), sent);
  }
}

function logInto(entries: LogEntry[]): Log {
  return {
    write(entry) {
      entries.push(entry);
      if (entries.length > 10_000) entries.shift();
    },
  };
}
