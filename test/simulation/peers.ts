/** Simulated peers of collectors: a RELP client, a Fluent Forward client, and a journal behind its journalctl. */
import { decodeMulti, encode } from '@msgpack/msgpack';
import { FluentCollector } from '../../collectors/fluent/collector.ts';
import { JournaldCollector } from '../../collectors/journald/collector.ts';
import type { ChildCommand, ChildEnd, ChildProcess, Collector } from '../../collectors/ports.ts';
import { RelpCollector } from '../../collectors/relp/collector.ts';
import { Frames } from '../../collectors/relp/frames.ts';
import { rawRecorder } from '../../collectors/relp/record.ts';
import type { Intake } from '../../spool/nouns.ts';
import type { Clock, LogEntry } from '../../spool/ports.ts';
import type { SeededRandom } from './random.ts';
import type { SimulatedConnection, SimulatedSockets } from './sockets.ts';

/** What a peer is given to make its collector. */
export interface PeerPorts {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly log: { write(entry: LogEntry): void };
  readonly sockets: SimulatedSockets;
}

/** The other side of a collector; it outlives the machine. */
export interface SimulatedPeer {
  /** A machine begins: what was under way with the one before is lost. */
  begin(ports: PeerPorts): Collector;
  /** One turn: sends something, hears something. */
  step(): void;
  /** Everything was sent, and acknowledged where that is told. */
  readonly done: boolean;
  /** Acknowledged, as numbers of records. */
  readonly told: ReadonlySet<number>;
  /** How often a record may have come more than once, all in all. */
  readonly twiceMax: number;
}

const at = { host: '127.0.0.1', port: 1 };
const limits = { tls: undefined, connectionsMax: 10, connectionsPerPeerMax: 10, attributes: {}, resource: {} };
const peer = { address: '10.0.0.7', port: 7 };
const windowMax = 5;

/** A client with connections: what it sent and was not told of, it sends again over the next one. */
abstract class Client implements SimulatedPeer {
  readonly told = new Set<number>();
  readonly records: number;
  readonly random: SeededRandom;
  protected connection: SimulatedConnection | undefined;
  protected underWay = new Map<number, number>();
  #sockets: SimulatedSockets | undefined;
  #heard = 0;

  constructor(records: number, random: SeededRandom) {
    this.records = records;
    this.random = random;
  }

  begin(ports: PeerPorts): Collector {
    this.#sockets = ports.sockets;
    this.#lost();
    return this.collector(ports);
  }

  get done(): boolean {
    return this.told.size === this.records;
  }

  abstract readonly twiceMax: number;

  step(): void {
    // Now and then a connection breaks for no reason.
    if (this.random.chance(0.02)) {
      this.connection?.cut();
      this.#lost();
    }
    if (this.connection === undefined) {
      this.connection = this.#sockets?.connect(String(at.port), peer);
      this.#heard = 0;
      if (this.connection) this.greet(this.connection);
    }
    if (this.connection === undefined) return;
    this.#listen();
    for (let number = 0; number < this.records && this.underWay.size < windowMax; number++)
      if (!this.told.has(number) && ![...this.underWay.values()].includes(number) && this.random.chance(0.7))
        this.send(number);
  }

  #listen(): void {
    const received = this.connection?.received ?? [];
    for (const bytes of received.slice(this.#heard)) this.hear(bytes);
    this.#heard = received.length;
  }

  #lost(): void {
    // What was said before the end may have arrived, or not.
    if (this.random.chance(0.8)) this.#listen();
    this.connection = undefined;
    this.lost(this.underWay.size);
    this.underWay = new Map();
  }

  protected abstract collector(ports: PeerPorts): Collector;
  protected abstract greet(connection: SimulatedConnection): void;
  protected abstract send(number: number): void;
  protected abstract hear(bytes: Uint8Array): void;
  protected abstract lost(underWay: number): void;
}

export class RelpPeer extends Client {
  twiceMax = 0;
  #txnr = 1;
  #frames = new Frames(1024);

  protected collector({ intake, clock, log, sockets }: PeerPorts): Collector {
    const options = { name: 'r', ...at, ...limits, messageBytesMax: 1024 };
    return new RelpCollector(options, { intake, clock, log, streams: sockets.streams, record: rawRecorder() });
  }

  protected greet(connection: SimulatedConnection): void {
    this.#txnr = 1;
    this.#frames = new Frames(1024);
    connection.send(Buffer.from('1 open 15 commands=syslog\n'));
  }

  protected send(number: number): void {
    const text = `record ${number}`;
    this.underWay.set(++this.#txnr, number);
    this.connection?.send(Buffer.from(`${this.#txnr} syslog ${text.length} ${text}\n`));
  }

  protected hear(bytes: Uint8Array): void {
    for (const frame of this.#frames.feed(bytes)) {
      if (frame.kind !== 'frame' || frame.command !== 'rsp' || !frame.data.toString().startsWith('200')) continue;
      const number = this.underWay.get(frame.txnr);
      if (number !== undefined) this.told.add(number);
      this.underWay.delete(frame.txnr);
    }
  }

  /** Over another session it cannot tell what was stored. */
  protected lost(underWay: number): void {
    this.twiceMax += underWay;
  }
}

export class FluentPeer extends Client {
  /** A chunk has a name. */
  readonly twiceMax = 0;

  protected collector({ intake, clock, random, log, sockets }: PeerPorts): Collector {
    const options = { name: 'f', ...at, ...limits, messageBytesMax: 4096, memoryBytesMax: 65_536, chunksMax: 1000 };
    const { streams } = sockets;
    return new FluentCollector(options, { intake, clock, random, log, streams, hostName: 'h', sharedKey: undefined });
  }

  protected greet(): void {}

  protected send(number: number): void {
    this.underWay.set(number, number);
    this.connection?.send(encode(['t', number, { message: `record ${number}` }, { chunk: String(number) }]));
  }

  protected hear(bytes: Uint8Array): void {
    for (const answer of decodeMulti(bytes)) {
      const number = Number((answer as { readonly ack: string }).ack);
      this.told.add(number);
      this.underWay.delete(number);
    }
  }

  protected lost(): void {}
}

const sequence = 'a'.repeat(32);

/** Its entries stand there from the beginning; a child shows some at a time and now and then ends. */
export class JournalPeer implements SimulatedPeer {
  readonly told = new Set<number>();
  /** The cursor stands in the block. */
  readonly twiceMax = 0;
  readonly #records: number;
  readonly #random: SeededRandom;
  #shown = 0;
  #wake: (() => void) | undefined;

  constructor(records: number, random: SeededRandom) {
    this.#records = records;
    this.#random = random;
  }

  get done(): boolean {
    return this.#shown === this.#records && this.#wake !== undefined;
  }

  begin({ intake, clock, log }: PeerPorts): Collector {
    const children = { spawn: (command: ChildCommand) => this.#spawn(command) };
    const selection = { units: [], identifiers: [], priority: undefined, matches: [] };
    const own = { pid: 1, executable: '', bootId: '', unit: undefined };
    const place = { namespace: undefined, directory: undefined, startAt: 'beginning' } as const;
    const options = { name: 'j', journalctl: 'journalctl', ...selection, ...place, attributes: {}, resource: {}, own };
    this.#wake = undefined;
    return new JournaldCollector({ ...options, entryBytesMax: 65_536 }, { intake, children, clock, log });
  }

  step(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #spawn({ arguments: given }: ChildCommand): ChildProcess {
    const cursor = given.find((one) => one.startsWith('--cursor='));
    // The entry itself comes first.
    let next = cursor === undefined ? 0 : Number.parseInt(/;i=([0-9a-f]+);/.exec(cursor)![1]!, 16) - 1;
    this.#shown = next;
    const end = Promise.withResolvers<ChildEnd>();
    const killed = { kind: 'killed', signal: 'SIGTERM' } as const;
    let over = false;
    const stop = () => {
      over = true;
      end.resolve(killed);
      this.step();
      return end.promise;
    };
    const read = async (take: (piece: Uint8Array) => boolean): Promise<boolean> => {
      while (!over) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#random.chance(0.05)) void stop();
        if (over) return false;
        const upto = Math.min(this.#records, next + this.#random.below(4));
        const piece = Buffer.from(Array.from({ length: upto - next }, (_, index) => entry(next + index)).join(''));
        next = upto;
        this.#shown = next;
        if (piece.length > 0 && !take(piece)) return true;
      }
      return false;
    };
    return { pid: 1, ended: end.promise, stop, read };
  }
}

function entry(number: number): string {
  const cursor = `s=${sequence};i=${(number + 1).toString(16)};b=${sequence};m=1;t=1;x=1`;
  return `__CURSOR=${cursor}\nMESSAGE=record ${number}\n\n`;
}
