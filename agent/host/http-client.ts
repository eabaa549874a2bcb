/**
 * HTTP/1.1 over one kept connection, by Node's own client, which the listener has loaded anyway. Requests wait for each other.
 * (undici did this before: its parser in WebAssembly and its objects took 3.5 MiB of private memory, docs/performance.md.)
 */
import * as http from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TransportAnswer, TransportRequest } from '../../shippers/ports.ts';
import type { Connected } from './connector.ts';

export interface HttpClientOptions {
  /** Makes a connection; called again when the last one is gone. */
  readonly connect: (done: Connected) => void;
  /** A connection is closed that was idle for so long. */
  readonly keepAliveMs: number;
  readonly answerHeaderBytesMax: number;
}

export type HttpRequest = Pick<TransportRequest, 'method' | 'headers' | 'body' | 'answerBytesMax' | 'signal'> & {
  /** The URL's `host`. */
  readonly host: string;
  /** What stands in the request line. */
  readonly target: string;
};

export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #agent: OneConnection;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#agent = new OneConnection(options);
  }

  /** The answer, its body cut at `answerBytesMax`. Rejects with the signal's reason where that ended it. */
  request(request: HttpRequest): Promise<TransportAnswer> {
    const answer = this.#turn.then(() => this.#exchange(request));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** What is under way ends by itself, and its connection with it. */
  close(): void {
    this.#agent.retire();
  }

  /** Ends everything now. */
  destroy(): void {
    this.#agent.retire();
    this.#agent.destroy();
  }

  async #exchange(request: HttpRequest): Promise<TransportAnswer> {
    const { answerBytesMax, signal } = request;
    signal.throwIfAborted();
    const first = this.#send(request);
    try {
      const again = await stale(first);
      return await receive(again ? this.#send(request) : first, answerBytesMax);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  #send({ method, host, target, headers, body, signal }: HttpRequest): Exchange {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const request = http.request({
      agent: this.#agent,
      method,
      path: target,
      headers: { host, ...headers },
      maxHeaderSize: this.#options.answerHeaderBytesMax,
      joinDuplicateHeaders: true,
      signal,
    });
    // Also what comes after the answer: nobody else would hear it.
    request.once('response', resolve).on('error', reject);
    request.end(body === undefined ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    return { request, answer: promise };
  }
}

interface Exchange {
  readonly request: http.ClientRequest;
  readonly answer: Promise<http.IncomingMessage>;
}

/** Whether the kept connection was closed by the other side before it answered anything: that says nothing about this request. */
async function stale({ request, answer }: Exchange): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return request.reusedSocket && (code === 'EPIPE' || code === 'ECONNRESET');
  }
}

async function receive({ request, answer }: Exchange, bytesMax: number): Promise<TransportAnswer> {
  try {
    const message = await answer;
    const body = await readUpTo(message, bytesMax);
    return { status: message.statusCode!, headers: flat(message.headers), body };
  } finally {
    // The answer came before the request's end: what is left of it must not be in the next one's way.
    if (!request.writableFinished) request.destroy();
  }
}

/** Connections come from outside; of Node's agent it is the keeping. */
class OneConnection extends http.Agent {
  readonly #connect: HttpClientOptions['connect'];

  constructor({ connect, keepAliveMs }: HttpClientOptions) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: keepAliveMs });
    this.#connect = connect;
  }

  override createConnection(_options: unknown, done?: (error: Error | null, socket: Duplex) => void): undefined {
    this.#connect((error, socket) => done?.(error, socket as Socket));
  }

  /** Keeps no connection from now on. */
  retire(): void {
    Object.assign(this, { keepAlive: false });
    for (const sockets of Object.values(this.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

/** By its events: going through a stream as an iterable costs as much as a small answer. */
function readUpTo(answer: http.IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const done = () => resolve(Buffer.concat(chunks));
  answer.on('error', reject).on('end', done);
  answer.on('close', () => {
    if (!answer.readableEnded) reject(Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' }));
  });
  answer.on('data', (chunk: Buffer) => {
    const taken = chunk.subarray(0, bytesMax - bytes);
    chunks.push(taken);
    bytes += taken.length;
    if (taken.length === chunk.length) return;
    done();
    // And with it the connection.
    answer.destroy();
  });
  return promise;
}

function flat(headers: http.IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
