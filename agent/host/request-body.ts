/**
 * A request's body, read only when asked for. A client has to send: every `idleTimeoutMs` that we wait for it must bring the
 * end or at least `bytesPerTimeoutMin`, so that a byte now and then does not hold a connection for ever. Time in which
 * nobody asks is ours, not the client's, and does not count.
 *
 * Pieces go straight from Node's parser to whoever asked: a promise, a timer or a look at `readable` for each of them costs the
 * receiver more than all else it does.
 */
import type { IncomingMessage } from 'node:http';
import type { WireBody } from '../../collectors/ports.ts';

const bytesPerTimeoutMin = 1024;

interface Asking {
  readonly take: (piece: Uint8Array) => boolean;
  readonly resolve: (more: boolean) => void;
  readonly reject: (error: unknown) => void;
}

export class RequestBody implements WireBody {
  readonly #request: IncomingMessage;
  readonly #idleTimeoutMs: number;
  #asking: Asking | undefined;
  #listening = false;
  #timer: NodeJS.Timeout | undefined;
  /** How long was waited since the client last sent enough: in earlier calls, and in this one since then. */
  #waitedMs = 0;
  #since = 0;
  #credit = 0;

  constructor(request: IncomingMessage, idleTimeoutMs: number) {
    this.#request = request;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  read(take: (piece: Uint8Array) => boolean): Promise<boolean> {
    const request = this.#request;
    if (request.readableEnded) return Promise.resolve(false);
    if (request.destroyed) return Promise.reject(clientGone());
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#asking = { take, resolve, reject };
    this.#since = performance.now();
    this.#watch();
    if (!this.#listening) this.#listen();
    request.resume();
    return promise;
  }

  #listen(): void {
    this.#listening = true;
    const end = () => this.#finish()?.resolve(false);
    const gone = () => (this.#request.readableEnded ? end() : this.#finish()?.reject(clientGone()));
    this.#request.on('end', end).on('close', gone).on('error', gone);
    this.#request.on('data', (piece: Buffer) => this.#arrived(piece));
  }

  #arrived(piece: Buffer): void {
    this.#credit += piece.length;
    if (this.#credit >= bytesPerTimeoutMin) {
      this.#credit = 0;
      this.#waitedMs = 0;
      this.#since = performance.now();
    }
    try {
      if (!this.#asking?.take(piece)) this.#finish()?.resolve(true);
    } catch (error) {
      this.#finish()?.reject(error);
    }
    release(piece);
  }

  /** Nobody asks any more; returns who did. */
  #finish(): Asking | undefined {
    const asking = this.#asking;
    if (asking === undefined) return undefined;
    this.#asking = undefined;
    clearTimeout(this.#timer);
    this.#waitedMs += performance.now() - this.#since;
    this.#request.pause();
    return asking;
  }

  #watch(): void {
    const left = this.#idleTimeoutMs - this.#waitedMs - (performance.now() - this.#since);
    this.#timer = setTimeout(() => this.#late(), Math.max(1, Math.ceil(left)));
  }

  #late(): void {
    const waited = this.#waitedMs + performance.now() - this.#since;
    if (waited < this.#idleTimeoutMs) this.#watch();
    else this.#finish()?.reject(bodyTimeout(this.#idleTimeoutMs));
  }
}

/** Nobody reads on: the rest may be thrown away. */
export function stopReading(request: IncomingMessage): void {
  request.removeAllListeners('data');
}

/**
 * Its memory goes back to the allocator now. Left to the garbage collector, which sees little of it, megabytes of pieces that
 * nobody looks at any more would stay.
 */
function release(piece: Buffer): void {
  if (piece.byteOffset === 0 && piece.length === piece.buffer.byteLength && piece.buffer instanceof ArrayBuffer)
    piece.buffer.transfer(0);
}

function clientGone(): Error {
  return Object.assign(new Error('the client went away in the middle of a body'), { code: 'ECONNRESET' });
}

function bodyTimeout(idleTimeoutMs: number): Error {
  const error = new Error(`the client sent no more of its body for ${idleTimeoutMs} ms`);
  return Object.assign(error, { name: 'BodyTimeout', code: 'BODY_TIMEOUT' });
}
