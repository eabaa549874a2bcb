/**
 * One connection of a Fluent Forward client: handshake where a key is shared, then messages. A chunk is acknowledged when its
 * events are durable; one that was taken before, and is sent again since its acknowledgement was lost, is acknowledged and not taken.
 */
import { encode } from '@msgpack/msgpack';
import { limits } from '../../spool/nouns.ts';
import type { Keys } from '../http/keys.ts';
import { Acknowledging } from '../shared/acknowledging.ts';
import { type Deposit, recordBytesMax } from '../shared/deposit.ts';
import { bytesValue, encodeEvent } from '../shared/event.ts';
import type { StreamConnection } from '../socket-ports.ts';
import { forwardedEvent } from './forwarded-event.ts';
import { hello, judgePing } from './handshake.ts';
import { type Message, readMessage } from './messages.ts';
import { type Framed, ValueFramer } from './value-framer.ts';

export interface SessionCounts {
  sessions: number;
  messages: number;
  chunks_acknowledged: number;
  /** Known chunks that came again. */
  chunks_repeated: number;
  malformed: number;
  handshakes_refused: number;
  over_memory: number;
  held_bytes: number;
}

export interface SessionWorld {
  readonly deposit: Deposit;
  readonly keys: Keys;
  readonly counts: SessionCounts;
  readonly messageBytesMax: number;
  readonly memoryBytesMax: number;
  readonly hostName: string;
  /** undefined: no handshake. */
  readonly shared: { readonly key: string; readonly nonce: Uint8Array } | undefined;
  refused(why: string): void;
}

/** Deeper and more than any log; each part costs memory and time when it is decoded. */
const depthMax = 32;
const partsMax = 500_000;
const chunkBytesMax = 256;
const unacknowledgedMax = 1024;

type Events = Extract<Message, { kind: 'events' }>;

export class Session {
  readonly #connection: StreamConnection;
  readonly #world: SessionWorld;
  readonly #framing: ConstructorParameters<typeof ValueFramer>[0];
  readonly #framer: ValueFramer;
  readonly #acknowledging: Acknowledging<Uint8Array>;
  #greeted: boolean;
  #over = false;
  #held = 0;

  constructor(connection: StreamConnection, world: SessionWorld) {
    this.#connection = connection;
    this.#world = world;
    this.#framing = { valueBytesMax: world.messageBytesMax, depthMax, partsMax };
    this.#framer = new ValueFramer(this.#framing);
    this.#greeted = world.shared === undefined;
    this.#acknowledging = new Acknowledging(
      () => world.deposit.flush(),
      (answers) => this.#acknowledge(answers),
    );
    world.counts.sessions += 1;
  }

  /** Until the connection's end. Never rejects. */
  async run(): Promise<void> {
    const { shared } = this.#world;
    if (shared) this.#connection.write(hello(shared.nonce));
    while (!this.#over) {
      const piece = await this.#connection.read();
      if (piece === undefined) break;
      for (const framed of this.#framer.feed(piece)) {
        await this.#take(framed);
        if (this.#over) break;
      }
      this.#holds(this.#framer.heldBytes);
      if (this.#acknowledging.waiting > unacknowledgedMax) await this.#acknowledging.settled();
    }
    this.#holds(0);
    await this.#acknowledging.settled();
  }

  async #take(framed: Framed): Promise<void> {
    if (framed.kind === 'broken') return this.#refuse(`what it sends is no MessagePack within limits: ${framed.why}`);
    if (!this.#greeted) return this.#greet(framed.bytes);
    const message = readMessage(framed.bytes, this.#framing);
    switch (message.kind) {
      case 'nothing':
        return;
      case 'events':
        return await this.#store(message);
      case 'bad':
        this.#malformed(1, framed.bytes.length);
        this.#world.refused(`a message was passed over: ${message.why}`);
        return;
      default:
        return message satisfies never;
    }
  }

  #greet(ping: Uint8Array): void {
    const { shared, hostName, counts } = this.#world;
    if (!shared) return;
    const { ok, why, answer } = judgePing(ping, shared.nonce, shared.key, hostName);
    this.#connection.write(answer);
    this.#greeted = ok;
    if (ok) return;
    counts.handshakes_refused += 1;
    this.#refuse(`its handshake failed: ${why}`);
  }

  async #store({ tag, entries, chunk, malformed }: Events): Promise<void> {
    const { counts, keys } = this.#world;
    const key = chunk && chunk.length <= chunkBytesMax ? Buffer.from(chunk).toString('base64') : undefined;
    if (key !== undefined && keys.has(key)) counts.chunks_repeated += 1;
    else {
      const about = { ...this.#peer(), 'fluent.tag': bytesValue(tag) };
      const records = entries.map((entry) => encodeEvent(forwardedEvent(entry, about)));
      await this.#put(
        records.filter((record) => this.#fits(record)),
        key,
      );
      if (this.#over) return;
      this.#malformed(malformed, 0);
      counts.messages += 1;
    }
    if (chunk) this.#acknowledging.add([encode({ ack: textOrBytes(chunk) })]);
  }

  /** What control characters made too long as JSON is counted, and passed over. */
  #fits(record: string): boolean {
    if (record.length * 3 <= recordBytesMax) return true;
    const bytes = Buffer.byteLength(record);
    if (bytes > recordBytesMax) this.#world.deposit.drop('too_large', 1, bytes);
    return bytes <= recordBytesMax;
  }

  /** All of it in one block with its chunk's key, where it fits one. */
  async #put(records: readonly string[], key: string | undefined): Promise<void> {
    const { deposit, keys } = this.#world;
    const whole = key === undefined ? undefined : Buffer.from(records.map((record) => `${record}\n`).join(''));
    if (key !== undefined && whole && whole.length <= limits.blockBytesMax) {
      while (!deposit.putWhole(whole, records.length, 'json')) {
        if (!(await this.#room())) return;
        // Another connection may have brought it meanwhile.
        if (keys.has(key)) return;
      }
      return keys.remember(key);
    }
    for (let at = deposit.put(records); at < records.length; at += deposit.put(records, at)) {
      if (!(await this.#room())) return;
    }
  }

  /** False where the connection is to end before there is room. */
  async #room(): Promise<boolean> {
    await this.#world.deposit.room();
    const { ended } = this.#connection;
    if (ended !== 'closing' && ended !== 'cut') return true;
    this.#over = true;
    return false;
  }

  #acknowledge(answers: readonly Uint8Array[]): boolean {
    if (!this.#connection.write(Buffer.concat(answers))) return false;
    this.#world.counts.chunks_acknowledged += answers.length;
    return true;
  }

  #malformed(records: number, bytes: number): void {
    if (records === 0) return;
    this.#world.counts.malformed += records;
    this.#world.deposit.drop('malformed', records, bytes);
  }

  /** Of a message that is arriving; who is over the limit of all is cut off, and may come again. */
  #holds(bytes: number): void {
    const { counts, memoryBytesMax } = this.#world;
    counts.held_bytes += bytes - this.#held;
    this.#held = bytes;
    if (bytes === 0 || counts.held_bytes <= memoryBytesMax) return;
    counts.over_memory += 1;
    this.#over = true;
    this.#connection.cut();
  }

  #peer(): Readonly<Record<string, string | number>> {
    const { address, port } = this.#connection.peer;
    return address === undefined ? {} : { 'network.peer.address': address, 'network.peer.port': port ?? 0 };
  }

  #refuse(why: string): void {
    this.#over = true;
    this.#world.refused(why);
  }
}

/** As the client wrote it, so that it knows it again: a text, but for one that is none. */
function textOrBytes(chunk: Uint8Array): string | Uint8Array {
  const value = bytesValue(chunk);
  return typeof value === 'string' ? value : chunk;
}
