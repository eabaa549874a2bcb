/**
 * One accepted connection, pulled: while nobody reads, at most a few pieces wait here and the kernel holds the client back. Ends
 * by itself when it is silent for too long, or when its client leaves too much unread.
 */
import type { Socket } from 'node:net';
import type { Peer, StreamConnection, StreamEnd } from '../../collectors/socket-ports.ts';

export interface ConnectionLimits {
  readonly idleTimeoutMs?: number | undefined;
  readonly outputBytesMax: number;
}

/** How long a connection that is being closed has to be silent until everything that had been sent is taken as read. */
const closingQuietMs = 50;
/** How long, and how much, is read and thrown away after the end, so that what was written reaches the client. */
const lingerMsMax = 2000;
const lingerBytesMax = 1024 * 1024;

export class HostConnection implements StreamConnection {
  readonly peer: Peer;
  readonly name: string;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #held: Uint8Array[] = [];
  #reader: ((piece: Uint8Array | undefined) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;
  #ended: StreamEnd | undefined;

  constructor(socket: Socket, peer: Peer, limits: ConnectionLimits) {
    this.peer = peer;
    this.name = nameOf(peer);
    this.#socket = socket;
    this.#limits = limits;
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
    if (this.#reader !== undefined) this.#wait();
  }

  /** After the last read: what was written goes out, then the connection is gone. Resolves at once. */
  finish(): void {
    this.#end('cut');
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
    const reader = this.#reader;
    if (reader === undefined || this.#held.length > 0) {
      this.#held.push(piece);
      this.#socket.pause();
      return;
    }
    this.#settle();
    reader(piece);
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

export function nameOf({ address, port }: Peer): string {
  if (address === undefined) return 'local';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An IPv4 client of an IPv6 socket is named by its IPv4 address. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
