/**
 * A readable stream of Node as `ByteReader`: it flows only while somebody asks, so what nobody reads stays with the system, and
 * whoever writes it waits. Pieces go straight from the stream to whoever asked.
 */
import type { Readable } from 'node:stream';
import type { ByteReader } from '../../collectors/ports.ts';

interface Asking {
  readonly take: (piece: Uint8Array) => boolean;
  readonly resolve: (more: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class Pull implements ByteReader {
  readonly #stream: Readable;
  #asking: Asking | undefined;
  /** Came when nobody asked any more: a stream that was paused may still give what it has read. */
  #early: Buffer[] = [];
  #failure: Error | undefined;
  #ended = false;
  readonly #over = Promise.withResolvers<void>();

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.pause();
    stream.on('data', (piece: Buffer) => this.#arrived(piece));
    stream.on('error', (error: Error) => this.#end(error)).on('end', () => this.#end());
    stream.on('close', () => this.#end());
  }

  async read(take: (piece: Uint8Array) => boolean): Promise<boolean> {
    for (let piece = this.#early.shift(); piece; piece = this.#early.shift()) if (!take(piece)) return true;
    if (this.#failure) throw this.#failure;
    if (this.#ended) return false;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#asking = { take, resolve, reject };
    this.#stream.resume();
    return promise;
  }

  /** Resolves at the end, when everything was read. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** What was not read is given up; who asks is told that this is the end. */
  stop(): void {
    this.#early = [];
    this.#end();
    this.#stream.destroy();
  }

  #arrived(piece: Buffer): void {
    if (this.#asking === undefined) {
      this.#early.push(piece);
      return void this.#stream.pause();
    }
    try {
      if (!this.#asking.take(piece)) this.#finish()?.resolve(true);
    } catch (error) {
      this.#finish()?.reject(error);
    }
    release(piece);
  }

  #end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over.resolve();
    this.#failure = error;
    const asking = this.#finish();
    if (error) asking?.reject(error);
    else asking?.resolve(false);
  }

  /** Nobody asks any more; returns who did. */
  #finish(): Asking | undefined {
    const asking = this.#asking;
    this.#asking = undefined;
    this.#stream.pause();
    return asking;
  }
}

/**
 * Its memory goes back to the allocator now. Left to the garbage collector, which sees little of it, megabytes of pieces that
 * nobody looks at any more would stay.
 */
export function release(piece: Buffer): void {
  if (piece.byteOffset === 0 && piece.length === piece.buffer.byteLength && piece.buffer instanceof ArrayBuffer)
    piece.buffer.transfer(0);
}
