/**
 * `Transports` over Node's HTTP client. Bodies are buffers, which is what costs least. Nothing here retries or redirects: that is
 * decided by the shipper. What is limited: the time without progress (a byte in either direction), and the answer's size.
 */
import type { LookupFunction, Socket } from 'node:net';
import type {
  Transport,
  TransportAnswer,
  TransportOptions,
  TransportRequest,
  Transports,
} from '../../shippers/ports.ts';
import { CertificateSource } from './certificates.ts';
import { makeConnector } from './dial.ts';
import { HttpClient } from './http-client.ts';
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
  return { open: (options) => new HttpTransport(options, world) };
}

export const hostTransports: Transports = makeTransports({ environment: process.env });

const answerHeaderBytesMax = 32 * 1024;
const keepAliveMs = 30_000;
/** Then a new one is made: its name may stand for another address by now, or a balancer have other machines. */
const connectionAgeMsMax = 300_000;

class HttpTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #world: TransportWorld;
  readonly #socketPath: ReachablePath | undefined;
  /** Every socket that is not closed, so that none outlives `close`. */
  readonly #sockets = new Set<Socket>();
  #certificates: CertificateSource | undefined;
  #proxyCertificates: CertificateSource | undefined;
  #connect: ReturnType<typeof makeConnector> | undefined;
  #client: HttpClient | undefined;
  #clientSince = 0;
  /** The client has one connection at a time, and so every movement of it is the request's. */
  #socket: Socket | undefined;

  constructor(options: TransportOptions, world: TransportWorld) {
    this.#options = options;
    this.#world = world;
    this.#socketPath = options.socketPath === undefined ? undefined : reachablePath(options.socketPath);
  }

  get warning(): string | undefined {
    return (this.#certificates?.problem ?? this.#proxyCertificates?.problem)?.message;
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

  /** Rejects with the signal's reason, also while a connection is made, which the client waits for. */
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
    this.#client?.destroy();
    this.#client = undefined;
    // with an error: a connection that was begun ends its request too
    for (const socket of this.#sockets) socket.destroy(new Error('the transport was closed'));
    this.#socketPath?.[Symbol.dispose]();
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportAnswer> {
    const url = new URL(request.url);
    const proxy = this.#proxyFor();
    // an http: request goes to the proxy as it is, with its whole address; an https: one goes through a tunnel
    const asked = url.protocol === 'http:' ? proxy : undefined;
    const authorization = asked?.authorization?.();
    const answer = await this.#currentClient(proxy).request({
      ...request,
      host: url.host,
      target: (asked === undefined ? '' : url.origin) + url.pathname + url.search,
      headers:
        authorization === undefined ? request.headers : { ...request.headers, 'proxy-authorization': authorization },
      signal,
    });
    if (asked !== undefined && answer.status === 407) {
      const { refusal } = await import('./proxy.ts');
      throw refusal(407, url.host, '407');
    }
    return answer;
  }

  #proxyFor(): ChosenProxy | undefined {
    const { url, proxy } = this.#options;
    if (proxy === undefined || this.#socketPath !== undefined) return undefined;
    return chooseProxy(new URL(url), proxy, this.#world.environment);
  }

  /**
   * A new client when certificates have changed, or after some minutes, for the name may stand for another address by now: connections of
   * the old one end with their last request.
   */
  #currentClient(proxy: ChosenProxy | undefined): HttpClient {
    const { tls, proxy: through } = this.#options;
    if (tls !== undefined) this.#certificates ??= new CertificateSource(tls);
    if (proxy !== undefined && through?.caFile !== undefined)
      this.#proxyCertificates ??= new CertificateSource({ caFile: through.caFile });
    const changed = [this.#certificates?.changed(), this.#proxyCertificates?.changed()].includes(true);
    const ageMsMax = this.#world.connectionAgeMsMax ?? connectionAgeMsMax;
    if (this.#client !== undefined && (changed || performance.now() - this.#clientSince > ageMsMax)) {
      this.#client.close();
      this.#client = undefined;
      if (changed) this.#connect = undefined;
    }
    this.#client ??= this.#openClient(proxy);
    return this.#client;
  }

  #openClient(proxy: ChosenProxy | undefined): HttpClient {
    this.#clientSince = performance.now();
    const connect = this.#connector(proxy);
    const { protocol, hostname, port } = new URL(this.#options.url);
    return new HttpClient({
      keepAliveMs,
      answerHeaderBytesMax,
      connect: (done) =>
        connect({ protocol, hostname, port }, (...result) => {
          if (result[0] === null) this.#socket = result[1];
          done(...result);
        }),
    });
  }

  /** Kept from client to client: it remembers TLS sessions. */
  #connector(proxy: ChosenProxy | undefined): ReturnType<typeof makeConnector> {
    this.#connect ??= makeConnector(this.#options, this.#socketPath?.path, this.#certificates?.current ?? {}, {
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

/** Errors with a message (Node's own for several addresses is empty), and one code for whatever is no HTTP. */
function portable(error: unknown): Error {
  const { code, message, errors } = error as Error & { code?: string; errors?: Error[] };
  const told = message || (errors ?? []).map((each) => each.message).join('; ') || String(code);
  const known = code?.startsWith('HPE_') && code !== 'HPE_HEADER_OVERFLOW' ? 'HPE_INVALID' : code;
  if (known === code && told === message) return error as Error;
  return Object.assign(new Error(told, { cause: error }), { code: known });
}
