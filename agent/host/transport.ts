/**
 * `Transports` over an undici pool. Bodies are buffers, which is what costs least. Nothing here retries or redirects: that is
 * decided by the shipper. What is limited: the time without progress (a byte in either direction), and the answer's size.
 */
import type { LookupFunction, Socket } from 'node:net';
import type { Dispatcher, Pool } from 'undici';
import type {
  Transport,
  TransportAnswer,
  TransportOptions,
  TransportRequest,
  Transports,
} from '../../shippers/ports.ts';
import { CertificateSource } from './certificates.ts';
import { makeConnector } from './dial.ts';
import { type ChosenProxy, chooseProxy, type Environment } from './proxy-choice.ts';
import { type ReachablePath, reachablePath } from './socket-path.ts';

export interface TransportWorld {
  /** Where proxies are named. */
  readonly environment: Environment;
  /** undefined: the system's. */
  readonly lookup?: LookupFunction | undefined;
  readonly connectionAgeMsMax?: number;
}

export function makeTransports(world: TransportWorld): Transports {
  return { open: (options) => new PoolTransport(options, world) };
}

export const hostTransports: Transports = makeTransports({ environment: process.env });

/** One connection at a time: `Transport` serves one stream, and so every movement of the socket is this request's. */
const connectionsMax = 1;
const answerHeaderBytesMax = 32 * 1024;
const keepAliveMs = 30_000;
/** Then a new one is made: its name may stand for another address by now, or a balancer have other machines. */
const connectionAgeMsMax = 300_000;

type UndiciParts = typeof import('./undici-parts.ts');

class PoolTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #world: TransportWorld;
  readonly #socketPath: ReachablePath | undefined;
  /** Every socket that is not closed, so that none outlives `close`. */
  readonly #sockets = new Set<Socket>();
  #certificates: CertificateSource | undefined;
  #proxyCertificates: CertificateSource | undefined;
  #connect: ReturnType<typeof makeConnector> | undefined;
  #pool: Pool | undefined;
  #poolSince = 0;
  #socket: Socket | undefined;

  constructor(options: TransportOptions, world: TransportWorld) {
    this.#options = options;
    this.#world = world;
    this.#socketPath = options.socketPath === undefined ? undefined : reachablePath(options.socketPath);
  }

  async send(request: TransportRequest): Promise<TransportAnswer> {
    const stop = new AbortController();
    const forward = () => stop.abort(request.signal.reason);
    request.signal.throwIfAborted();
    request.signal.addEventListener('abort', forward, { once: true });
    const watch = this.#watchProgress(request.progressTimeoutMs, stop);
    try {
      const exchange = this.#exchange(request, stop.signal);
      return await Promise.race([exchange, this.#stopped(stop.signal, exchange)]);
    } catch (error) {
      throw portable(error);
    } finally {
      clearInterval(watch);
      request.signal.removeEventListener('abort', forward);
    }
  }

  /** Rejects with the signal's reason, also while a connection is made, which undici waits for. */
  #stopped(signal: AbortSignal, exchange: Promise<unknown>): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    exchange.catch(() => undefined);
    signal.addEventListener('abort', () => {
      reject(signal.reason);
      for (const socket of this.#sockets) if (socket !== this.#socket) socket.destroy(signal.reason);
    });
    return promise;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    const destroyed = pool?.destroy();
    // with an error: else undici waits for a connection that was begun until its time is over
    for (const socket of this.#sockets) socket.destroy(new Error('the transport was closed'));
    await destroyed;
    this.#socketPath?.[Symbol.dispose]();
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportAnswer> {
    const parts = await import('./undici-parts.ts');
    const url = new URL(request.url);
    const proxy = this.#proxyFor();
    // an http: request goes to the proxy as it is, with its whole address; an https: one goes through a tunnel
    const asked = url.protocol === 'http:' ? proxy : undefined;
    const authorization = asked?.authorization?.();
    const answer = await parts.apiRequest.call(this.#currentPool(parts, proxy), {
      method: request.method as Dispatcher.HttpMethod,
      path: (asked === undefined ? '' : url.origin) + url.pathname + url.search,
      headers:
        authorization === undefined ? request.headers : { ...request.headers, 'proxy-authorization': authorization },
      body: request.body === undefined ? null : asBuffer(request.body),
      signal,
    });
    const body = await readUpTo(answer.body, request.answerBytesMax);
    if (asked !== undefined && answer.statusCode === 407) {
      const { refusal } = await import('./proxy.ts');
      throw refusal(407, url.host, '407');
    }
    return { status: answer.statusCode, headers: flat(answer.headers), body };
  }

  #proxyFor(): ChosenProxy | undefined {
    const { url, proxy } = this.#options;
    if (proxy === undefined || this.#socketPath !== undefined) return undefined;
    return chooseProxy(new URL(url), proxy, this.#world.environment);
  }

  /**
   * A new pool when certificates have changed, or after some minutes, for the name may stand for another address by now: connections of
   * the old one end with their last request.
   */
  #currentPool(parts: UndiciParts, proxy: ChosenProxy | undefined): Pool {
    const { tls, proxy: through } = this.#options;
    if (tls !== undefined) this.#certificates ??= new CertificateSource(tls);
    if (proxy !== undefined && through?.caFile !== undefined)
      this.#proxyCertificates ??= new CertificateSource({ caFile: through.caFile });
    const changed = [this.#certificates?.changed(), this.#proxyCertificates?.changed()].includes(true);
    const ageMsMax = this.#world.connectionAgeMsMax ?? connectionAgeMsMax;
    if (this.#pool !== undefined && (changed || performance.now() - this.#poolSince > ageMsMax)) {
      void this.#pool.close();
      this.#pool = undefined;
      if (changed) this.#connect = undefined;
    }
    this.#pool ??= this.#openPool(parts, proxy);
    return this.#pool;
  }

  #openPool(parts: UndiciParts, proxy: ChosenProxy | undefined): Pool {
    this.#poolSince = performance.now();
    const connect = this.#connector(parts, proxy);
    return new parts.Pool(new URL(this.#options.url).origin, {
      connections: connectionsMax,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: answerHeaderBytesMax,
      keepAliveTimeout: keepAliveMs,
      connect: (options, done) =>
        connect(options, (...result) => {
          if (result[0] === null) this.#socket = result[1];
          done(...result);
        }),
    });
  }

  /** Kept from pool to pool: it remembers TLS sessions. */
  #connector({ buildConnector }: UndiciParts, proxy: ChosenProxy | undefined): ReturnType<typeof makeConnector> {
    this.#connect ??= makeConnector(this.#options, this.#socketPath?.path, this.#certificates?.current ?? {}, {
      buildConnector,
      lookup: this.#world.lookup,
      proxy,
      proxyCertificates: () => this.#proxyCertificates?.current ?? {},
      opened: (socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      },
    });
    return this.#connect;
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
