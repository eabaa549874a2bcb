/** Speaks to a receiver by hand: any batch of an agent's spool, and anything that is none. */
import { BlocksCollector } from '../../../collectors/blocks/receiver.ts';
import type { Listener, WireBody, WireHandler, WireResponse } from '../../../collectors/ports.ts';
import type { LogEntry } from '../../../spool/ports.ts';
import type { Batch } from '../../../spool/wire.ts';
import { encodeBatch, encodeKey } from '../../../spool/wire.ts';
import type { Answer } from '../../../spool/wire-answer.ts';
import { decodeAnswer } from '../../../spool/wire-answer.ts';
import { blankImage, type Image, MemorySpool } from '../../wire/memory-spool.ts';
import { chunks } from '../../wire/network.ts';
import { VirtualClock } from '../../wire/virtual-clock.ts';

export interface Said {
  readonly status: number;
  readonly answer: Answer | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly close: boolean;
}

export interface Sending {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
  readonly change?: (body: Buffer) => Buffer;
  readonly cutAt?: number;
  readonly method?: string;
  readonly target?: string;
  readonly chunkBytes?: number;
  /** How long each chunk takes to come. */
  readonly chunkMs?: number;
}

export class Client {
  readonly clock = new VirtualClock();
  readonly log: LogEntry[] = [];
  spool: MemorySpool;
  receiver!: BlocksCollector;
  #handler!: WireHandler;
  #restarts = 1;
  readonly #memoryBytesMax: number;
  readonly #tokens: (() => readonly string[]) | undefined;

  private constructor(spool: MemorySpool, memoryBytesMax: number, tokens: (() => readonly string[]) | undefined) {
    this.spool = spool;
    this.#memoryBytesMax = memoryBytesMax;
    this.#tokens = tokens;
  }

  static async start(
    options: { memoryBytesMax?: number; tokens?: () => readonly string[]; spool?: MemorySpool } = {},
  ): Promise<Client> {
    const spool = options.spool ?? new MemorySpool(blankImage('center'), 'center 1');
    const client = new Client(spool, options.memoryBytesMax ?? 128 * 1024 * 1024, options.tokens);
    await client.begin(spool);
    return client;
  }

  /** A receiver on `spool`: the first, or after a restart. */
  async begin(spool: MemorySpool): Promise<void> {
    this.spool = spool;
    const listener: Listener = {
      listen: async (_, handler) => {
        this.#handler = handler;
        return { host: '::1', port: 1, connections: 0, close: async () => {} };
      },
    };
    const { clock, log } = this;
    const options = { name: 'edge', host: '::1', port: 0, connectionsMax: 10, idleTimeoutMs: 1000 };
    const world = {
      intake: spool,
      receiver: spool.id,
      listener,
      clock,
      log: { write: (entry: LogEntry) => log.push(entry) },
    };
    this.receiver = new BlocksCollector(
      { ...options, memoryBytesMax: this.#memoryBytesMax },
      { ...world, tokens: this.#tokens },
    );
    await this.receiver.start();
  }

  /** Crashes the receiver and starts it on what was durable, or on what `keep` leaves of it. */
  async restart(keep: (blocks: Image['blocks']) => Image['blocks'] = (blocks) => blocks): Promise<void> {
    const image = this.spool.image();
    await this.receiver.stop();
    await this.begin(new MemorySpool({ ...image, blocks: keep(image.blocks) }, `center ${++this.#restarts}`));
  }

  async send(batch: Batch, blocks: Uint8Array, sending: Sending = {}): Promise<Said> {
    const whole = sending.body ?? Buffer.from(blocks);
    const body = sending.change ? sending.change(Buffer.from(whole)) : whole;
    const headers = { ...encodeBatch(batch), 'content-length': String(body.length), ...sending.headers };
    return this.request('POST', headers, body, sending);
  }

  async ask(key: { spool: string; stream: string }): Promise<Said> {
    return this.request('GET', encodeKey(key), new Uint8Array());
  }

  async request(
    method: string,
    headers: Readonly<Record<string, string | undefined>>,
    body: Uint8Array,
    sending: Sending = {},
  ): Promise<Said> {
    const response = await this.#handler({
      method: sending.method ?? method,
      target: sending.target ?? '/v1/blocks',
      headers,
      peer: '192.0.2.7:999',
      body: this.#delayed(chunks(body, sending.cutAt, sending.chunkBytes), sending.chunkMs ?? 0),
      signal: new AbortController().signal,
    });
    return saidBy(response);
  }

  #delayed(body: WireBody, chunkMs: number): WireBody {
    if (chunkMs === 0) return body;
    const pause = () => new Promise<void>((resolve) => this.clock.after(chunkMs, resolve));
    return {
      async read(take) {
        for (let enough = false; ; ) {
          await pause();
          const came = await body.read((piece) => {
            enough = !take(piece);
            return false;
          });
          if (enough || !came) return came;
        }
      },
    };
  }

  /** Hashes of the agents' blocks as they are held. */
  held(): string[] {
    return this.spool.blocks.flatMap((block) => block.origin ?? []);
  }
}

export function saidBy(response: WireResponse): Said {
  const body = typeof response.body === 'string' ? Buffer.from(response.body) : (response.body ?? new Uint8Array());
  const { status, headers = {}, close = false } = response;
  return { status, answer: decodeAnswer(body), headers, close };
}

/** The blocks `first` to `last` (both included) of a spool, as a batch of its stream. */
export function batchOf(spool: MemorySpool, first: number, last: number, over: Partial<Batch> = {}): [Batch, Buffer] {
  const blocks = spool.blocks.slice(first, last + 1);
  const batch: Batch = {
    spool: spool.id,
    stream: '',
    epoch: blocks[0]!.epoch.id,
    receiver: undefined,
    after: blocks[0]!.position,
    upto: blocks.at(-1)!.end,
    gaps: [],
    parent: undefined,
    firstContact: false,
    descriptionsBytes: 0,
    descriptionsCrc: 0,
    ...over,
  };
  return [batch, Buffer.concat(blocks.flatMap((block) => [block.header, block.frame]))];
}

/** An agent's spool with so many blocks. */
export function agentSpool(blocks: number, seed = 'agent'): MemorySpool {
  const spool = new MemorySpool(blankImage(seed), `${seed} 1`);
  addBlocks(spool, blocks);
  return spool;
}

export function addBlocks(spool: MemorySpool, blocks: number): void {
  for (let i = 0; i < blocks; i++) spool.add(`line ${spool.blocks.length} of ${spool.epoch.id}\n`.repeat(1 + (i % 5)));
  spool.sync();
}

/** The blocks of a spool's newest opening, naming the epoch before as parent. */
export function nextEpoch(spool: MemorySpool, from: number, to: number) {
  const parent = spool.epoch.parent!;
  const start = spool.blocks[from]!.position;
  const hole = { from: parent.end, upto: start, reason: 'hole_in_positions' as const, records: 0, bytes: 0 };
  return batchOf(spool, from, to, {
    after: parent.end,
    gaps: start > parent.end ? [hole] : [],
    parent: { epoch: parent.id, end: parent.end, hash: parent.hash },
  });
}
