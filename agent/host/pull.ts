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
  #failure: Error | undefined;
  #ended = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.pause();
    stream.on('data', (piece: Buffer) => this.#arrived(piece));
    stream.on('error', (error: Error) => this.#end(error)).on('end', () => this.#end());
    stream.on('close', () => this.#end());
  }

  read(take: (piece: Uint8Array) => boolean): Promise<boolean> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(false);
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#asking = { take, resolve, reject };
    this.#stream.resume();
    return promise;
  }

  /** What was not read is given up; who asks is told that this is the end. */
  stop(): void {
    this.#end();
    this.#stream.destroy();
  }

  #arrived(piece: Buffer): void {
    // A stream that was paused may still give what it holds: nobody loses that.
    if (this.#asking === undefined) return void (this.#ended || this.#stream.unshift(piece));
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
