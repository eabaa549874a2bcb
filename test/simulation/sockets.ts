/**
 * Listening sockets of a simulated machine, and the peers that use them. No time passes and nothing is cut in pieces but by the
 * peer. The bytes that a peer sent and nobody read are gone with the machine, as in a kernel.
 */
import type {
  Datagram,
  DatagramListener,
  DatagramListening,
  Peer,
  StreamConnection,
  StreamEnd,
  StreamListener,
  StreamListening,
} from '../../collectors/socket-ports.ts';

const noCounts = {
  accepted: 0,
  refusedByLimit: 0,
  refusedByPeerLimit: 0,
  handshakesFailed: 0,
  handshakesTimedOut: 0,
  certificatesRefused: 0,
  closedIdle: 0,
  closedUnread: 0,
};

/** How much a peer may send that nobody has read yet; a datagram beyond it is dropped and counted. */
const unreadMax = 64;

export class SimulatedSockets {
  readonly #streams = new Map<string, (connection: SimulatedConnection) => void>();
  readonly #datagrams = new Map<string, SimulatedDatagrams>();
  readonly #alive: () => boolean;

  /** `alive`: false once the machine is dead. */
  constructor(alive: () => boolean = () => true) {
    this.#alive = alive;
  }

  readonly streams: StreamListener = {
    listen: async ({ at }, serve) => {
      const key = 'host' in at ? String(at.port) : at.path;
      if (this.#streams.has(key)) throw inUse(key);
      const open = new Set<SimulatedConnection>();
      this.#streams.set(key, (connection) => {
        open.add(connection);
        const over = () => {
          open.delete(connection);
          connection.cut();
        };
        serve(connection).then(over, over);
      });
      const listening: StreamListening = {
        host: 'host' in at ? at.host : at.path,
        port: 'host' in at ? at.port : 0,
        get connections() {
          return open.size;
        },
        handshaking: 0,
        counts: noCounts,
        close: async () => {
          this.#streams.delete(key);
          for (const connection of open) connection.close();
        },
      };
      return listening;
    },
  };

  readonly datagrams: DatagramListener = {
    listen: async ({ at }) => {
      const key = 'host' in at ? String(at.port) : at.path;
      if (this.#datagrams.has(key)) throw inUse(key);
      const made = new SimulatedDatagrams(at, () => this.#datagrams.delete(key));
      this.#datagrams.set(key, made);
      return made;
    },
  };

  /** Undefined where nobody listens. `at`: the port, or the path of a unix socket. */
  connect(at: string, peer: Peer): SimulatedConnection | undefined {
    const accept = this.#alive() ? this.#streams.get(at) : undefined;
    if (accept === undefined) return undefined;
    const connection = new SimulatedConnection(peer, this.#alive);
    accept(connection);
    return connection;
  }

  /** False where nobody listens, or it was dropped. */
  send(at: string, bytes: Uint8Array, peer: Peer): boolean {
    return this.#alive() && (this.#datagrams.get(at)?.arrive(datagramOf(bytes, peer)) ?? false);
  }
}

/** Both ends in one: the collector's (`StreamConnection`), and the client's (`send`, `end`, `received`). */
export class SimulatedConnection implements StreamConnection {
  readonly peer: Peer;
  readonly name: string;
  /** What was written to the client. */
  readonly received: Uint8Array[] = [];
  readonly #alive: () => boolean;
  readonly #arrived: Uint8Array[] = [];
  #reader: ((piece: Uint8Array | undefined) => void) | undefined;
  #ended: StreamEnd | undefined;

  constructor(peer: Peer, alive: () => boolean) {
    this.peer = peer;
    this.name = peer.address ?? 'local';
    this.#alive = alive;
  }

  get ended(): StreamEnd | undefined {
    return this.#arrived.length === 0 ? this.#ended : undefined;
  }

  /** What the client sent and nobody read yet, in pieces. */
  get unread(): number {
    return this.#arrived.length;
  }

  /** How many pieces more the client may send now. */
  get room(): number {
    return unreadMax - this.#arrived.length;
  }

  /** As the client sees it. */
  get gone(): boolean {
    return this.#ended !== undefined || !this.#alive();
  }

  /** The client's side: false where it cannot send now (it would wait), or the connection is gone. */
  send(bytes: Uint8Array): boolean {
    if (!this.#alive() || this.#ended !== undefined || this.#arrived.length >= unreadMax) return false;
    this.#arrived.push(bytes);
    this.#deliver();
    return true;
  }

  end(): void {
    this.#ended ??= 'client';
    this.#deliver();
  }

  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#deliver();
    });
  }

  write(bytes: Uint8Array | string): boolean {
    if (!this.#alive() || this.#ended !== undefined) return false;
    this.received.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    return true;
  }

  cut(): void {
    this.#ended ??= 'cut';
    this.#arrived.length = 0;
    this.#deliver();
  }

  close(): void {
    this.#ended ??= 'closing';
    this.#deliver();
  }

  #deliver(): void {
    if (this.#reader === undefined || !this.#alive()) return;
    if (this.#arrived.length === 0 && this.#ended === undefined) return;
    const reader = this.#reader;
    this.#reader = undefined;
    reader(this.#arrived.shift());
  }
}

class SimulatedDatagrams implements DatagramListening {
  readonly way = { kind: 'native' } as const;
  readonly receiveBufferBytes = 212_992;
  readonly host: string;
  readonly port: number;
  readonly #gone: () => void;
  #arrived: Datagram[] = [];
  #dropped = 0;
  #closed = false;
  #reader: ((batch: readonly Datagram[] | undefined) => void) | undefined;

  constructor(at: { readonly host?: string; readonly port?: number; readonly path?: string }, gone: () => void) {
    this.host = at.host ?? at.path ?? '';
    this.port = at.port ?? 0;
    this.#gone = gone;
  }

  arrive(datagram: Datagram): boolean {
    if (this.#closed) return false;
    if (this.#arrived.length >= unreadMax) {
      this.#dropped++;
      return false;
    }
    this.#arrived.push(datagram);
    this.#deliver();
    return true;
  }

  read(): Promise<readonly Datagram[] | undefined> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#deliver();
    });
  }

  drops(): number {
    return this.#dropped;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#gone();
    this.#deliver();
  }

  #deliver(): void {
    if (this.#reader === undefined || (this.#arrived.length === 0 && !this.#closed)) return;
    const reader = this.#reader;
    const arrived = this.#arrived;
    this.#reader = undefined;
    this.#arrived = [];
    reader(arrived.length > 0 ? arrived : undefined);
  }
}

function datagramOf(bytes: Uint8Array, peer: Peer): Datagram {
  return { memory: bytes, from: 0, to: bytes.length, peer, truncated: false };
}

function inUse(at: string): Error {
  return Object.assign(new Error(`${at}: address in use`), { code: 'EADDRINUSE' });
}
