/**
 * UDP by Node's own sockets, where the addon cannot be loaded. They cannot be paused: what nobody has read waits here up to a limit,
 * and beyond it is dropped and counted with what the kernel dropped.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { Datagram, DatagramListening, DatagramListenOptions, Peer } from '../../collectors/socket-ports.ts';
import { inodeOnPort, KernelDrops } from './kernel-drops.ts';
import { plainAddress } from './stream-connection.ts';

const heldBytesMax = 4 * 1024 * 1024;
/** What a datagram costs besides its bytes. */
const datagramOverheadBytes = 512;
/** Senders that are remembered. */
const peersMax = 4096;

export async function openNodeDatagrams(
  place: { readonly address: string; readonly port: number; readonly family: 4 | 6 },
  options: DatagramListenOptions,
  reason: string,
): Promise<DatagramListening> {
  const socket = createSocket({
    type: place.family === 4 ? 'udp4' : 'udp6',
    recvBufferSize: options.receiveBufferBytes,
  });
  const bound = Promise.withResolvers<void>();
  socket.once('error', bound.reject).once('listening', bound.resolve);
  socket.bind({ address: place.address, port: place.port });
  try {
    await bound.promise;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.removeAllListeners('error').on('error', () => {});
  return new NodeDatagrams(socket, place.family, options.datagramBytesMax, reason);
}

class NodeDatagrams implements DatagramListening {
  readonly way: DatagramListening['way'];
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #socket: ReturnType<typeof createSocket>;
  readonly #kernelDrops: KernelDrops | undefined;
  readonly #peers = new Map<string, Peer>();
  #held: Datagram[] = [];
  #heldBytes = 0;
  #dropped = 0;
  #reader: ((batch: readonly Datagram[] | undefined) => void) | undefined;
  #closed = false;

  constructor(socket: ReturnType<typeof createSocket>, family: 4 | 6, bytesMax: number, reason: string) {
    this.way = { kind: 'node', reason };
    this.#socket = socket;
    const { address, port } = socket.address();
    this.host = address;
    this.port = port;
    this.receiveBufferBytes = socket.getRecvBufferSize() / 2;
    const inode = inodeOnPort(family, port);
    this.#kernelDrops = inode === undefined ? undefined : new KernelDrops(family, inode);
    socket.on('message', (bytes, from) => this.#arrived(bytes, from, bytesMax));
  }

  read(): Promise<readonly Datagram[] | undefined> {
    if (this.#held.length > 0) return Promise.resolve(this.#take());
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  drops(): number | undefined {
    return this.#dropped + (this.#kernelDrops?.read() ?? 0);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => this.#socket.close(resolve));
    this.#reader?.(undefined);
    this.#reader = undefined;
  }

  #arrived(bytes: Uint8Array, { address, port }: RemoteInfo, bytesMax: number): void {
    const cost = bytes.length + datagramOverheadBytes;
    if (this.#heldBytes + cost > heldBytesMax) {
      this.#dropped++;
      return;
    }
    this.#heldBytes += cost;
    const truncated = bytes.length > bytesMax;
    const to = Math.min(bytes.length, bytesMax);
    this.#held.push({ memory: bytes, from: 0, to, truncated, peer: this.#peerAt(address, port) });
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    reader(this.#take());
  }

  /** Those seen lately are the same objects again. */
  #peerAt(address: string, port: number): Peer {
    const key = `${address} ${port}`;
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      if (this.#peers.size >= peersMax) this.#peers.clear();
      peer = { address: plainAddress(address), port };
      this.#peers.set(key, peer);
    }
    return peer;
  }

  #take(): Datagram[] {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }
}
