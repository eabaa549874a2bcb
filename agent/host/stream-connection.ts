/**
 * One accepted connection, pulled: while nobody reads, at most a few pieces wait here and the kernel holds the client back. Ends
 * by itself when it is silent for too long, or when its client leaves too much unread.
 */
import type { Socket } from 'node:net';
import type { Peer, StreamConnection, StreamEnd } from '../../collectors/socket-ports.ts';

export interface ConnectionLimits {
  readonly idleTimeoutMs?: number | undefined;
  readonly outputBytesMax: number;
  readonly gathers?: boolean | undefined;
}

/** How long a connection that is being closed has to be silent until everything that had been sent is taken as read. */
const closingQuietMs = 50;
/** How long, and how much, is read and thrown away after the end, so that what was written reaches the client. */
const lingerMsMax = 2000;
const lingerBytesMax = 1024 * 1024;
/**
 * Gathering: a client that sends little and often (a piece within `oftenMs` of the one before) is not read for so long after each piece:
 * otherwise a few lines would be a turn of the event loop of their own. In that time a client in a hurry fills more than a piece, and
 * is read without rest. Senders to unix sockets would wait sooner; TLS gives each of its records by itself.
 */
const restMs = 5;
const restPieceBytesMax = 32 * 1024;
const oftenMs = 20;

/** What a socket has and does not tell of: the only way to have the kernel keep what arrives. */
interface Handle {
  readStart(): number;
  readStop(): number;
}

export class HostConnection implements StreamConnection {
  readonly peer: Peer;
  readonly name: string;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #held: Uint8Array[] = [];
  #reader: ((piece: Uint8Array | undefined) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Set where pieces are gathered. */
  readonly #handle: Handle | undefined;
  #rest: NodeJS.Timeout | undefined;
  #arrivedAt = Number.NEGATIVE_INFINITY;
  #closing = false;
  #ended: StreamEnd | undefined;

  constructor(socket: Socket, peer: Peer, limits: ConnectionLimits) {
    this.peer = peer;
    this.name = nameOf(peer);
    this.#socket = socket;
    this.#limits = limits;
    this.#handle = limits.gathers ? handleOf(socket, peer) : undefined;
    socket.pause();
    socket.on('data', (piece: Buffer) => this.#arrived(piece));
    socket.once('end', () => this.#end('client'));
    socket.once('close', () => this.#end('client'));
    socket.on('error', () => this.#end('reset'));
  }

  get ended(): StreamEnd | undefined {
    return this.#ended;
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#held.shift();
    if (piece !== undefined) return Promise.resolve(piece);
    if (this.#ended !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#wait();
      if (this.#socket.isPaused()) this.#socket.resume();
    });
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#ended === 'reset' || !this.#socket.writable) return false;
    this.#socket.write(bytes);
    if (this.#socket.writableLength <= this.#limits.outputBytesMax) return true;
    this.#end('unread');
    this.#socket.destroy();
    return false;
  }

  cut(): void {
    this.#end('cut');
    this.#held.length = 0;
    this.#socket.destroy();
  }

  /** What has arrived is still given, then `closing`. */
  close(): void {
    this.#closing = true;
    this.#wake();
    if (this.#reader !== undefined) this.#wait();
  }

  /** After the last read: what was written goes out, then the connection is gone. Resolves at once. */
  finish(): void {
    this.#end('cut');
    this.#wake();
    this.#held.length = 0;
    const socket = this.#socket;
    if (socket.destroyed) return;
    let bytes = 0;
    const timer = setTimeout(() => socket.destroy(), lingerMsMax).unref();
    socket.once('close', () => clearTimeout(timer));
    // Closing over unread bytes would reset the connection, and with it what was written.
    socket.removeAllListeners('data');
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > lingerBytesMax) socket.destroy();
    });
    socket.once('end', () => socket.destroySoon());
    socket.end();
    socket.resume();
  }

  #arrived(piece: Uint8Array): void {
    if (this.#handle !== undefined) this.#mayRest(this.#handle, piece.length);
    const reader = this.#reader;
    if (reader === undefined || this.#held.length > 0) {
      this.#held.push(piece);
      this.#socket.pause();
      return;
    }
    this.#settle();
    reader(piece);
  }

  #mayRest(handle: Handle, bytes: number): void {
    const now = performance.now();
    const often = now - this.#arrivedAt < oftenMs;
    this.#arrivedAt = now;
    if (!often || bytes > restPieceBytesMax || this.#closing || this.#rest !== undefined) return;
    handle.readStop();
    this.#rest = setTimeout(() => this.#wake(), restMs).unref();
  }

  #wake(): void {
    if (this.#rest === undefined) return;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    if (!this.#socket.destroyed) this.#handle?.readStart();
  }

  #end(why: StreamEnd): void {
    this.#ended ??= why;
    const reader = this.#reader;
    this.#settle();
    reader?.(undefined);
  }

  #settle(): void {
    this.#reader = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    const idleMs = this.#closing ? closingQuietMs : this.#limits.idleTimeoutMs;
    if (idleMs === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(this.#closing ? 'closing' : 'idle'), idleMs).unref();
  }
}

/** Only of TCP without TLS. */
function handleOf(socket: Socket, { address }: Peer): Handle | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: Partial<Handle> | null };
  if (address === undefined || 'encrypted' in socket) return undefined;
  if (typeof handle?.readStart !== 'function' || typeof handle.readStop !== 'function') return undefined;
  return handle as Handle;
}

export function nameOf({ address, port }: Peer): string {
  if (address === undefined) return 'local';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An IPv4 client of an IPv6 socket is named by its IPv4 address. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
