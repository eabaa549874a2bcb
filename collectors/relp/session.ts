/**
 * One RELP session: offers at `open`, then messages, each acknowledged (`rsp 200 OK`) when it is durable and not before, then `close`. A
 * client that does not keep to the protocol loses its session and nothing else.
 */
import { Acknowledging } from '../shared/acknowledging.ts';
import type { Deposit } from '../shared/deposit.ts';
import type { StreamConnection } from '../socket-ports.ts';
import { type Broken, type Frame, Frames } from './frames.ts';

export interface SessionCounts {
  sessions: number;
  messages: number;
  acknowledged: number;
  /** Longer than a message may be: their rest was passed over. */
  cut: number;
  /** Sessions that ended without `close`. */
  broken: number;
  /** Messages in these that are in the spool and were perhaps not known to be by the client: it may send them again. */
  may_be_repeated: number;
  protocol_errors: number;
}

export interface SessionWorld {
  readonly deposit: Deposit;
  readonly counts: SessionCounts;
  readonly messageBytesMax: number;
  record(message: Buffer): string | Uint8Array;
  /** Told once for a client that does not keep to the protocol. */
  refused(why: string): void;
}

/** A client may have so many messages under way; librelp's window is 128 by default. More are read when some are acknowledged. */
const unacknowledgedMax = 8192;
const offers = 'relp_version=0\nrelp_software=tailspool\ncommands=syslog';

export class Session {
  readonly #connection: StreamConnection;
  readonly #world: SessionWorld;
  #state: 'new' | 'open' | 'closed' | 'refused' = 'new';
  readonly #acknowledging: Acknowledging<number>;
  /** Acknowledged since something was heard of the client: it may not have got it. */
  #unheard = 0;

  constructor(connection: StreamConnection, world: SessionWorld) {
    this.#connection = connection;
    this.#world = world;
    this.#acknowledging = new Acknowledging(
      () => world.deposit.flush(),
      (txnrs) => this.#acknowledge(txnrs),
    );
    world.counts.sessions += 1;
  }

  /** Until the connection's end. Never rejects. */
  async run(): Promise<void> {
    const frames = new Frames(this.#world.messageBytesMax);
    while (this.#state === 'new' || this.#state === 'open') {
      const piece = await this.#connection.read();
      if (piece === undefined) break;
      this.#unheard = 0;
      if (!(await this.#take(frames.feed(piece)))) break;
      if (this.#acknowledging.waiting > unacknowledgedMax) await this.#acknowledging.settled();
    }
    await this.#end();
  }

  /** False where the spool has closed. */
  async #take(found: readonly (Frame | Broken)[]): Promise<boolean> {
    const messages: Frame[] = [];
    for (const one of found) {
      if (one.kind === 'broken') this.#refuse(one.why);
      else if (one.command === 'syslog' && this.#state === 'open') messages.push(one);
      else {
        if (!(await this.#store(messages.splice(0)))) return false;
        await this.#command(one);
      }
      if (this.#state === 'closed' || this.#state === 'refused') break;
    }
    return await this.#store(messages);
  }

  async #store(messages: readonly Frame[]): Promise<boolean> {
    const { deposit, counts, messageBytesMax, record } = this.#world;
    const records = messages.map(({ data }) => record(data));
    for (let at = 0; at < records.length; ) {
      const taken = deposit.put(records, at);
      const put = messages.slice(at, at + taken);
      this.#acknowledging.add(put.map(({ txnr }) => txnr));
      counts.cut += put.filter(({ length }) => length > messageBytesMax).length;
      counts.messages += taken;
      at += taken;
      if (at === records.length) break;
      await deposit.room();
      if (this.#connection.ended === 'closing' || this.#connection.ended === 'cut') return false;
    }
    return true;
  }

  async #command({ txnr, command, data }: Frame): Promise<void> {
    if (command === 'open' && this.#state === 'new') return this.#open(txnr, data.toString('latin1'));
    if (command === 'close') {
      await this.#acknowledging.settled();
      this.#connection.write(`${txnr} rsp 0\n0 serverclose 0\n`);
      this.#state = 'closed';
      return;
    }
    this.#respond(txnr, 500, `${command} is not expected here`);
    this.#refuse(`${command} is not expected ${this.#state === 'new' ? 'before' : 'after'} open`);
  }

  #open(txnr: number, offered: string): void {
    const commands = /^commands=(.*)$/m.exec(offered)?.[1]?.split(',') ?? [];
    if (commands.some((one) => one.trim() === 'syslog')) {
      this.#state = 'open';
      this.#respond(txnr, 200, 'OK', offers);
      return;
    }
    this.#respond(txnr, 500, 'the command syslog has to be offered');
    this.#refuse('it does not offer the command syslog');
  }

  #acknowledge(txnrs: readonly number[]): boolean {
    if (!this.#connection.write(txnrs.map((txnr) => `${txnr} rsp 6 200 OK\n`).join(''))) return false;
    this.#unheard += txnrs.length;
    this.#world.counts.acknowledged += txnrs.length;
    return true;
  }

  /** Ours to close: what is in the spool is acknowledged first, so nothing is sent again. */
  async #end(): Promise<void> {
    const { counts } = this.#world;
    if (this.#state === 'closed') return;
    if (this.#connection.ended === 'closing' || this.#state === 'refused') {
      await this.#acknowledging.settled();
      this.#connection.write('0 serverclose 0\n');
      return;
    }
    counts.broken += 1;
    counts.may_be_repeated += this.#acknowledging.waiting + this.#unheard;
    await this.#acknowledging.settled();
  }

  #respond(txnr: number, code: number, text: string, more = ''): void {
    const data = `${code} ${text}${more === '' ? '' : `\n${more}`}`;
    this.#connection.write(`${txnr} rsp ${Buffer.byteLength(data)} ${data}\n`);
  }

  #refuse(why: string): void {
    this.#state = 'refused';
    this.#world.counts.protocol_errors += 1;
    this.#world.refused(why);
  }
}
