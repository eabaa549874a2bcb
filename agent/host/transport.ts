/**
 * `Transports` over an undici pool. Bodies are buffers, which is what costs least. Nothing here retries or redirects: that is
 * decided by the shipper. What is limited: the time without progress (a byte in either direction), and the answer's size.
 */
import type { Socket } from 'node:net';
import type { Dispatcher, Pool } from 'undici';
import type {
  Transport,
  TransportAnswer,
  TransportOptions,
  TransportRequest,
  Transports,
} from '../../shippers/ports.ts';
import { CertificateSource, type Certificates } from './certificates.ts';
import { type ReachablePath, reachablePath } from './socket-path.ts';

export const hostTransports: Transports = { open: (options) => new PoolTransport(options) };

/** One connection at a time: `Transport` serves one stream, and so every movement of the socket is this request's. */
const connectionsMax = 1;
const answerHeaderBytesMax = 32 * 1024;
const keepAliveMs = 30_000;

type UndiciParts = typeof import('./undici-parts.ts');

class PoolTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #socketPath: ReachablePath | undefined;
  #certificates: CertificateSource | undefined;
  #pool: Pool | undefined;
  #socket: Socket | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#socketPath = options.socketPath === undefined ? undefined : reachablePath(options.socketPath);
  }

  async send(request: TransportRequest): Promise<TransportAnswer> {
    const stop = new AbortController();
    const forward = () => stop.abort(request.signal.reason);
    request.signal.throwIfAborted();
    request.signal.addEventListener('abort', forward, { once: true });
    const watch = this.#watchProgress(request.progressTimeoutMs, stop);
    try {
      return await this.#exchange(request, stop.signal);
    } catch (error) {
      throw portable(error);
    } finally {
      clearInterval(watch);
      request.signal.removeEventListener('abort', forward);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
    this.#socketPath?.[Symbol.dispose]();
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportAnswer> {
    const { pathname, search } = new URL(request.url);
    const parts = await import('./undici-parts.ts');
    const answer = await parts.apiRequest.call(this.#currentPool(parts), {
      method: request.method as Dispatcher.HttpMethod,
      path: pathname + search,
      headers: request.headers,
      body: request.body === undefined ? null : asBuffer(request.body),
      signal,
    });
    const body = await readUpTo(answer.body, request.answerBytesMax);
    return { status: answer.statusCode, headers: flat(answer.headers), body };
  }

  /** A new pool when certificates have changed: connections made with the old ones end with their last request. */
  #currentPool(parts: UndiciParts): Pool {
    if (this.#options.tls !== undefined) this.#certificates ??= new CertificateSource(this.#options.tls);
    if (this.#pool !== undefined && this.#certificates?.changed()) {
      void this.#pool.close();
      this.#pool = undefined;
    }
    this.#pool ??= this.#openPool(parts, this.#certificates?.current ?? {});
    return this.#pool;
  }

  #openPool(parts: UndiciParts, certificates: Certificates): Pool {
    const connect = parts.buildConnector({
      timeout: this.#options.connectTimeoutMs,
      ...(this.#socketPath === undefined ? {} : { socketPath: this.#socketPath.path }),
      ...certificates,
    });
    return new parts.Pool(new URL(this.#options.url).origin, {
      connections: connectionsMax,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: answerHeaderBytesMax,
      keepAliveTimeout: keepAliveMs,
      connect: (options, done) =>
        connect(options, (error, socket) => {
          if (error !== null) return done(error, null);
          this.#socket = socket;
          done(null, socket);
        }),
    });
  }

  /** Aborts `stop` with PROGRESS_TIMEOUT when no byte moved for so long. */
  #watchProgress(timeoutMs: number, stop: AbortController): NodeJS.Timeout {
    let seen = movement(this.#socket);
    let seenAt = performance.now();
    return setInterval(
      () => {
        const now = movement(this.#socket);
        if (now !== seen) {
          seen = now;
          seenAt = performance.now();
        } else if (performance.now() - seenAt >= timeoutMs) {
          const message = `no byte moved in ${timeoutMs} ms`;
          stop.abort(Object.assign(new Error(message), { code: 'PROGRESS_TIMEOUT' }));
        }
      },
      Math.min(1000, Math.max(5, timeoutMs / 4)),
    );
  }
}

/** Changes with every byte that comes in or that the kernel takes; also with a new connection (its port). */
function movement(socket: Socket | undefined): string {
  if (socket === undefined) return '';
  const { _handle: handle } = socket as unknown as { _handle?: { writeQueueSize?: number } | null };
  return `${socket.localPort} ${socket.bytesRead} ${socket.bytesWritten} ${handle?.writeQueueSize}`;
}

async function readUpTo(body: Dispatcher.ResponseData['body'], bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const taken = chunk.subarray(0, bytesMax - bytes);
    chunks.push(taken);
    bytes += taken.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (taken.length < chunk.length) break;
  }
  return Buffer.concat(chunks);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

const portableCodes: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_HEADERS_OVERFLOW: 'HPE_HEADER_OVERFLOW',
  HTTPParserError: 'HPE_INVALID',
};

/** Errors with a code that does not depend on undici, and with a message (Node's own for several addresses is empty). */
function portable(error: unknown): Error {
  const { name, code, message, errors } = error as Error & { code?: string; errors?: Error[] };
  const told = message || (errors ?? []).map((each) => each.message).join('; ') || String(code);
  const known = portableCodes[code ?? name];
  if (known === undefined && told === message) return error as Error;
  return Object.assign(new Error(told, { cause: error }), { code: known ?? code });
}
