/**
 * Datagrams by our own addon (`build/native/datagram.c`): up to 64 in one system call, into memory that is used again, and only
 * when somebody reads: what nobody reads the kernel keeps, and then drops and counts.
 */
import * as fs from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import type { Datagram, DatagramListening, DatagramListenOptions, Peer } from '../../collectors/socket-ports.ts';
import type { DatagramBinding } from './addon.ts';
import { KernelDrops } from './kernel-drops.ts';

export interface NativePlace {
  /** 1: `address` is the path of a unix socket. */
  readonly kind: 1 | 4 | 6;
  readonly address: string;
  readonly port: number;
  /** What people know it by, where `address` is another way to it. */
  readonly name?: string;
}

/** In one system call; the addon takes no more. */
const batchMax = 64;
const noteInts = 12;
/** Batches in a row before other work has its turn. */
const batchesInTurn = 8;
/**
 * After a batch that was not full nobody looks for so long: otherwise each datagram would be a turn of the event loop of its own. Only
 * where half of the kernel's buffer holds what may come meanwhile; senders to unix sockets would wait.
 */
const restMsMax = 5;
/** The kernel keeps twice of what it is asked for, and counts so much for a short datagram; and how many may come. */
const shortDatagramBytes = 800;
const datagramsPerMsMax = 100;
/** Senders whose address is kept as text. */
const peersMax = 4096;

/** Throws with the code of what hinders (EADDRINUSE, EACCES …). `closed` is called at the end. */
export function openNativeDatagrams(
  binding: DatagramBinding,
  place: NativePlace,
  options: DatagramListenOptions,
  closed: () => void = () => {},
): DatagramListening {
  const descriptor = binding.open(place.kind, place.address, place.port, options.receiveBufferBytes ?? 0);
  if (descriptor < 0) throw systemError(descriptor, `bind ${place.name ?? `${place.address}:${place.port}`}`);
  return new NativeDatagrams(binding, descriptor, place, options.datagramBytesMax, closed);
}

class NativeDatagrams implements DatagramListening {
  readonly way = { kind: 'native' } as const;
  readonly host: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #binding: DatagramBinding;
  readonly #descriptor: number;
  readonly #watcher: object;
  readonly #slotBytes: number;
  readonly #slab: Uint8Array;
  readonly #slots: Slot[];
  readonly #notes = new Int32Array(batchMax * noteInts);
  readonly #peers = new Peers(new Uint8Array(this.#notes.buffer));
  readonly #drops: KernelDrops | undefined;
  readonly #closed: () => void;
  #reader: ((batch: readonly Datagram[] | undefined) => void) | undefined;
  #inTurn = 0;
  #rests = false;
  /** 0: nobody rests. */
  readonly #restMs: number;
  #closing: NodeJS.Timeout | undefined;
  #state: 'open' | 'draining' | 'closed' = 'open';
  readonly #gone = Promise.withResolvers<void>();

  constructor(binding: DatagramBinding, descriptor: number, place: NativePlace, bytesMax: number, closed: () => void) {
    this.#binding = binding;
    this.#descriptor = descriptor;
    this.#slotBytes = bytesMax;
    // Pages of it that no datagram reaches are never used.
    this.#slab = new Uint8Array(batchMax * bytesMax);
    this.#slots = Array.from({ length: batchMax }, (_, at) => new Slot(this.#slab, at * bytesMax));
    this.#closed = closed;
    this.host = place.name ?? place.address;
    this.port = binding.port(descriptor);
    // The kernel doubles what it is asked for, for its own book-keeping.
    this.receiveBufferBytes = binding.receiveBuffer(descriptor) / 2;
    this.#restMs = place.kind === 1 ? 0 : restFor(this.receiveBufferBytes);
    const { ino } = fs.fstatSync(descriptor, { bigint: true });
    this.#drops = place.kind === 1 ? undefined : new KernelDrops(place.kind, String(ino));
    const watcher = binding.watch(descriptor, () => this.#readable());
    if (typeof watcher === 'number') throw systemError(watcher, 'watch a socket');
    this.#watcher = watcher;
  }

  read(): Promise<readonly Datagram[] | undefined> {
    if (this.#state === 'closed') return Promise.resolve(undefined);
    if (this.#inTurn > 0) {
      const batch = this.#receive();
      if (batch !== undefined) return Promise.resolve(batch);
      if (this.#state === 'draining') {
        this.#end();
        return Promise.resolve(undefined);
      }
    }
    return new Promise((resolve) => {
      this.#reader = resolve;
      if (this.#state === 'draining') setImmediate(() => this.#readable());
      else if (this.#rests) setTimeout(() => this.#rested(), this.#restMs).unref();
      else this.#binding.wait(this.#watcher, true);
    });
  }

  drops(): number | undefined {
    return this.#state === 'closed' ? undefined : this.#drops?.read();
  }

  async close(graceMs: number): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'draining';
    this.#closing ??= setTimeout(() => this.#end(), graceMs);
    this.#binding.wait(this.#watcher, false);
    this.#readable();
    await this.#gone.promise;
  }

  /** Looks at once: what came meanwhile makes no turn of its own. */
  #rested(): void {
    this.#rests = false;
    this.#readable();
  }

  /** Something may be there. Nobody reads: it stays in the kernel. */
  #readable(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#inTurn = batchesInTurn;
    const batch = this.#receive();
    if (batch !== undefined) {
      this.#reader = undefined;
      reader(batch);
    } else if (this.#state === 'draining') this.#end();
    else this.#binding.wait(this.#watcher, true);
  }

  #receive(): readonly Datagram[] | undefined {
    this.#inTurn--;
    const count = this.#binding.receive(this.#descriptor, this.#slab, this.#slotBytes, this.#notes);
    // An error that the network reports for the socket says nothing of what else arrives.
    if (count <= 0) {
      this.#inTurn = 0;
      return undefined;
    }
    // Fewer than fit: there is nothing more, and asking would only say so.
    this.#rests = this.#restMs > 0 && count < batchMax;
    if (count < batchMax) this.#inTurn = 0;
    for (let at = 0; at < count; at++) {
      const slot = this.#slots[at]!;
      slot.to = slot.from + this.#notes[at * noteInts]!;
      slot.truncated = this.#notes[at * noteInts + 1] === 1;
      slot.peer = this.#peers.of(this.#notes, at);
    }
    return count === batchMax ? this.#slots : this.#slots.slice(0, count);
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#closing);
    this.#binding.unwatch(this.#watcher);
    this.#closed();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(undefined);
    this.#gone.resolve();
  }
}

function restFor(receiveBufferBytes: number): number {
  return Math.min(restMsMax, Math.floor(receiveBufferBytes / shortDatagramBytes / datagramsPerMsMax));
}

/** The place of one datagram, used again with each batch. */
class Slot implements Datagram {
  readonly memory: Uint8Array;
  readonly from: number;
  to: number;
  truncated = false;
  peer: Peer = { address: undefined, port: undefined };

  constructor(memory: Uint8Array, from: number) {
    this.memory = memory;
    this.from = from;
    this.to = from;
  }
}

/** Senders by their notes; those seen lately are the same objects again. */
class Peers {
  /** Of the notes. */
  readonly #bytes: Uint8Array;
  readonly #known = new Map<number | string, Peer>();
  /** Where nothing differs it is the same sender; nothing noted is nobody known. */
  #last: Peer = { address: undefined, port: undefined };
  readonly #lastNotes = new Int32Array(noteInts);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  of(notes: Int32Array, at: number): Peer {
    const first = at * noteInts;
    if (this.#isLast(notes, first)) return this.#last;
    for (let i = 2; i < noteInts; i++) this.#lastNotes[i] = notes[first + i]!;
    this.#last = this.#find(notes, first);
    return this.#last;
  }

  #isLast(notes: Int32Array, first: number): boolean {
    for (let i = 2; i < noteInts; i++) if (this.#lastNotes[i] !== notes[first + i]) return false;
    return true;
  }

  #find(notes: Int32Array, first: number): Peer {
    const family = notes[first + 2];
    const pid = notes[first + 4]!;
    // An IPv4 address and port in one number, a process otherwise; of IPv6 the bytes of both.
    const key =
      family === 4
        ? (notes[first + 8]! >>> 0) * 65_536 + notes[first + 3]!
        : family === 6
          ? notes.subarray(first + 3, first + noteInts).join()
          : -pid;
    const known = this.#known.get(key);
    if (known !== undefined && (family !== 0 || known.process?.uid === notes[first + 5]! >>> 0)) return known;
    const peer = this.#read(notes, first);
    if (this.#known.size >= peersMax) this.#known.clear();
    this.#known.set(key, peer);
    return peer;
  }

  #read(notes: Int32Array, first: number): Peer {
    const address = (first + 8) * 4;
    const [family, port, pid, uid, gid, scope] = notes.subarray(first + 2, first + 8);
    if (family === 4) return { address: this.#bytes.subarray(address, address + 4).join('.'), port };
    if (family === 6) return { address: ipv6(this.#bytes.subarray(address, address + 16), scope!), port };
    const process = pid! > 0 ? { pid: pid!, uid: uid! >>> 0, gid: gid! >>> 0 } : undefined;
    return { address: undefined, port: undefined, process };
  }
}

/** RFC 5952. The longest run of two or more zero groups is left out, the first of equal ones. */
export function ipv6(bytes: Uint8Array, scope: number): string {
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16));
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (groups[from + length] === '0') length++;
    if (length > best.length) best = { from, length };
  }
  const { from, length } = best;
  const text =
    length < 2 ? groups.join(':') : `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`;
  return scope === 0 ? text : `${text}%${scope}`;
}

function systemError(number: number, what: string): Error {
  const [code, message] = getSystemErrorMap().get(number) ?? [`E${-number}`, 'unknown error'];
  return Object.assign(new Error(`${what}: ${code} ${message}`), { code, errno: number });
}
