/** Peers of a simulated machine's sockets: what each has sent, and what of it has to arrive. */
import type { SeededRandom } from './random.ts';
import type { SimulatedConnection, SimulatedSockets } from './sockets.ts';

export interface Peer {
  readonly name: string;
  /** What the other side's kernel took, in order. Each text begins with the peer's name. */
  readonly sent: ReadonlySet<string>;
  /** Of them: what has to arrive. */
  readonly certain: ReadonlySet<string>;
  readonly mayRepeat: boolean;
  /** It has nothing more to send, and waits for nothing. */
  readonly idle: boolean;
  heldBack: number;
  /** Connects where it is not, and sends what it has and so many records more, as far as it can. `sockets`: undefined while nobody is there. */
  act(sockets: SimulatedSockets | undefined, records: number): void;
  /** Time has passed in which nothing crashed: what was read is durable. */
  settled(): void;
}

const address = { address: '192.0.2.7', port: 40_000 };

/** Sends without hearing anything. Bytes go in pieces that are cut anywhere. */
export class PlainPeer implements Peer {
  readonly name: string;
  readonly sent = new Set<string>();
  readonly certain = new Set<string>();
  readonly mayRepeat = false;
  readonly idle = true;
  heldBack = 0;
  readonly #at: { readonly stream: string } | { readonly datagram: string };
  readonly #frame: (text: string) => string;
  readonly #random: SeededRandom;
  #sockets: SimulatedSockets | undefined;
  #connection: SimulatedConnection | undefined;
  #unsettled: string[] = [];
  #next = 0;

  constructor(
    name: string,
    at: { readonly stream: string } | { readonly datagram: string },
    frame: (text: string) => string,
    random: SeededRandom,
  ) {
    this.name = name;
    this.#at = at;
    this.#frame = frame;
    this.#random = random;
  }

  act(sockets: SimulatedSockets | undefined, records: number): void {
    if (sockets !== this.#sockets) this.#lost();
    this.#sockets = sockets;
    if (sockets === undefined) return;
    for (let more = 0; more < records; more++) {
      const text = `${this.name} ${this.#next++} ${'x'.repeat(this.#random.below(40))}`.trimEnd();
      if ('datagram' in this.#at) {
        if (sockets.send(this.#at.datagram, Buffer.from(this.#frame(text)), address)) this.#took(text);
        else this.heldBack++;
      } else if (!this.#stream(sockets, this.#at.stream, text)) return;
    }
    if (this.#random.chance(0.1)) this.#hangUp();
  }

  settled(): void {
    if (this.#connection !== undefined && this.#connection.unread > 0) return;
    for (const text of this.#unsettled) this.certain.add(text);
    this.#unsettled = [];
  }

  /** False where it could not: then the record was never there. */
  #stream(sockets: SimulatedSockets, at: string, text: string): boolean {
    if (this.#connection === undefined || this.#connection.gone) this.#connection = sockets.connect(at, address);
    const connection = this.#connection;
    if (connection === undefined) return false;
    const bytes = Buffer.from(this.#frame(text));
    if (connection.room < 2) {
      this.heldBack++;
      return false;
    }
    const cut = this.#random.below(bytes.length);
    connection.send(bytes.subarray(0, cut));
    connection.send(bytes.subarray(cut));
    this.#took(text);
    return true;
  }

  #hangUp(): void {
    this.#connection?.end();
    this.#connection = undefined;
  }

  /** The other side is not what it was: whether the last records arrived nobody knows. */
  #lost(): void {
    this.#connection = undefined;
    this.#unsettled = [];
  }

  #took(text: string): void {
    this.sent.add(text);
    this.#unsettled.push(text);
  }
}

/** RELP: sends again what was not acknowledged when a session broke. */
export class RelpPeer implements Peer {
  readonly name: string;
  readonly sent = new Set<string>();
  readonly certain = new Set<string>();
  readonly mayRepeat = true;
  heldBack = 0;
  readonly #at: string;
  #sockets: SimulatedSockets | undefined;
  #connection: SimulatedConnection | undefined;
  #heard = 0;
  #transaction = 0;
  #next = 0;
  readonly #waiting: string[] = [];
  #onTheirWay = new Map<number, string>();

  constructor(name: string, at: string) {
    this.name = name;
    this.#at = at;
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && this.#onTheirWay.size === 0;
  }

  act(sockets: SimulatedSockets | undefined, records: number): void {
    for (let more = 0; more < records; more++) this.#waiting.push(`${this.name} ${this.#next++}`);
    if (sockets !== this.#sockets || this.#connection?.gone) this.#breakOff();
    this.#sockets = sockets;
    if (sockets === undefined || !this.#open(sockets)) return;
    this.#hear();
    while (this.#waiting.length > 0) {
      if (this.#connection!.room < 1) {
        this.heldBack++;
        return;
      }
      const text = this.#waiting.shift()!;
      this.sent.add(text);
      this.#onTheirWay.set(this.#command('syslog', text), text);
    }
  }

  settled(): void {
    this.#hear();
  }

  #open(sockets: SimulatedSockets): boolean {
    if (this.#connection !== undefined) return true;
    this.#connection = sockets.connect(this.#at, address);
    if (this.#connection === undefined) return false;
    [this.#heard, this.#transaction] = [0, 0];
    this.#command('open', 'relp_version=0\nrelp_software=simulated\ncommands=syslog');
    return true;
  }

  #command(command: string, data: string): number {
    const number = ++this.#transaction;
    this.#connection!.send(Buffer.from(`${number} ${command} ${Buffer.byteLength(data)} ${data}\n`));
    return number;
  }

  #hear(): void {
    const answers = this.#connection?.received.slice(this.#heard) ?? [];
    this.#heard += answers.length;
    for (const [, number] of Buffer.concat(answers)
      .toString()
      .matchAll(/^(\d+) rsp \d+ 200 OK/gm)) {
      const text = this.#onTheirWay.get(Number(number));
      if (text !== undefined) this.certain.add(text);
      this.#onTheirWay.delete(Number(number));
    }
  }

  #breakOff(): void {
    this.#hear();
    this.#waiting.unshift(...this.#onTheirWay.values());
    this.#onTheirWay = new Map();
    this.#connection = undefined;
  }
}
