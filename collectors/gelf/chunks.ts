/**
 * Puts GELF's chunked datagrams together again (https://go2docs.graylog.org/current/getting_in_log_data/gelf.html): bounded in
 * time, in memory and in number; what is given up is counted.
 *
 *     0x1e 0x0f, message id (8 bytes), sequence number, sequence count, a piece of the message
 */
import type { MonotonicMs } from '../../spool/ports.ts';

export const chunkLimits = {
  /** A message whose chunks have not all come by then is given up, as the protocol says. */
  ageMsMax: 5000,
  /** In a message, as the protocol says. */
  chunksMax: 128,
  /** That have begun to arrive. */
  messagesMax: 1000,
  /** Of all of these. */
  bytesMax: 16 * 1024 * 1024,
} as const;

const headerBytes = 12;
/** What a message takes besides its pieces. */
const entryBytes = 256;

interface Incoming {
  readonly pieces: (Buffer | undefined)[];
  readonly since: MonotonicMs;
  missing: number;
  bytes: number;
}

export interface ChunkCounts {
  /** Given up: not all of it came in time, or there was no memory for so many. */
  messages_incomplete: number;
  messages_evicted: number;
  chunks_repeated: number;
  chunks_malformed: number;
}

export function isChunk(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1e && bytes[1] === 0x0f;
}

export class Chunks {
  readonly counts: ChunkCounts = {
    messages_incomplete: 0,
    messages_evicted: 0,
    chunks_repeated: 0,
    chunks_malformed: 0,
  };
  /** The oldest first. */
  readonly #incoming = new Map<string, Incoming>();
  #bytes = 0;

  /** Messages that have begun to arrive, and what they take. */
  get waiting(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#incoming.size, bytes: this.#bytes };
  }

  /** The message that this chunk completes. `sender`: ids of different senders are different. */
  add(sender: string, chunk: Uint8Array, now: MonotonicMs): Buffer | undefined {
    this.expire(now);
    const number = chunk[10] ?? 0;
    const count = chunk[11] ?? 0;
    if (chunk.length <= headerBytes || count === 0 || count > chunkLimits.chunksMax || number >= count) {
      this.counts.chunks_malformed += 1;
      return undefined;
    }
    const key = `${sender} ${Buffer.from(chunk.subarray(2, 10)).toString('latin1')}`;
    const incoming = this.#incoming.get(key) ?? this.#begin(key, count, now);
    if (incoming.pieces.length !== count) this.counts.chunks_malformed += 1;
    else if (incoming.pieces[number] !== undefined) this.counts.chunks_repeated += 1;
    else return this.#put(key, incoming, number, Buffer.from(chunk.subarray(headerBytes)));
    return undefined;
  }

  /** Gives up what is too old. */
  expire(now: MonotonicMs): void {
    for (const [key, incoming] of this.#incoming) {
      if (now - incoming.since <= chunkLimits.ageMsMax) return;
      this.#forget(key, incoming);
      this.counts.messages_incomplete += 1;
    }
  }

  #begin(key: string, count: number, since: MonotonicMs): Incoming {
    const incoming: Incoming = {
      pieces: new Array<Buffer | undefined>(count),
      since,
      missing: count,
      bytes: entryBytes,
    };
    this.#incoming.set(key, incoming);
    this.#bytes += entryBytes;
    this.#makeRoom(key);
    return incoming;
  }

  #put(key: string, incoming: Incoming, number: number, piece: Buffer): Buffer | undefined {
    incoming.pieces[number] = piece;
    incoming.missing -= 1;
    incoming.bytes += piece.length;
    this.#bytes += piece.length;
    if (incoming.missing > 0) {
      this.#makeRoom(key);
      return undefined;
    }
    this.#forget(key, incoming);
    return Buffer.concat(incoming.pieces as Buffer[]);
  }

  /** The oldest others go. */
  #makeRoom(keep: string): void {
    for (const [key, incoming] of this.#incoming) {
      if (this.#incoming.size <= chunkLimits.messagesMax && this.#bytes <= chunkLimits.bytesMax) return;
      if (key === keep) continue;
      this.#forget(key, incoming);
      this.counts.messages_evicted += 1;
    }
  }

  #forget(key: string, { bytes }: Incoming): void {
    this.#incoming.delete(key);
    this.#bytes -= bytes;
  }
}
