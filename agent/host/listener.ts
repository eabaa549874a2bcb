/**
 * `Listener` over Node's HTTP server. What it holds against strangers: a limit on connections and header bytes; slow headers,
 * slow bodies and answers that nobody reads are cut off; a body is read only as fast as the handler asks for it; an answer
 * before the end of a body still reaches the client, because the rest is read and thrown away for a short while.
 */
import * as fs from 'node:fs';
import * as http from 'node:http';
import type * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type {
  Listener,
  Listening,
  ListenOptions,
  WireBody,
  WireHandler,
  WireRequest,
  WireResponse,
} from '../../collectors/ports.ts';
import type { Log } from '../../spool/ports.ts';
import { RequestBody, stopReading } from './request-body.ts';
import { ServerTls } from './server-tls.ts';
import { reachablePath, removeStaleSocket } from './socket-path.ts';

/** Longer than agents pause between batches, so that they need not connect again. */
const keepAliveMs = 65_000;
/** How much of a body, and for how long, is read and thrown away after an early answer. */
const lingerBytesMax = 16 * 1024 * 1024;
const lingerMsMax = 2000;

export function hostListener(log: Log): Listener {
  return { listen: (options, handler) => listen(options, handler, log) };
}

async function listen(options: ListenOptions, handler: WireHandler, log: Log): Promise<Listening> {
  const tls = options.tls && new ServerTls(options.tls, log);
  const server = createServer(options, tls);
  const sockets = new Set<Socket>();
  server.maxConnections = options.connectionsMax;
  const peers = new PeerCounts(options.connectionsPerPeerMax);
  server.on('connection', (socket) => {
    if (!peers.add(socket)) return void socket.destroy();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    const last = tls?.isStale(server as https.Server, request.socket) ?? false;
    const refused = tls?.refusal(request.socket);
    if (refused !== undefined) return refuseClient(response, refused);
    serve(request, response, { idleTimeoutMs: options.idleTimeoutMs, last }, handler).catch((error) => {
      response.destroy();
      log.write({ severity: 'error', event: 'listener.surprise', message: `a request failed inside: ${error.stack}` });
    });
  });
  const unbind = await bind(server, options);
  const address = server.address() as AddressInfo | string;
  return {
    host: typeof address === 'string' ? address : address.address,
    port: typeof address === 'string' ? 0 : address.port,
    get connections() {
      return sockets.size;
    },
    close: (graceMs) => close(server, sockets, graceMs).finally(unbind),
  };
}

/** How many connections each address has. */
class PeerCounts {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  /** False where it would be one too many. */
  add(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const count = (this.#counts.get(address) ?? 0) + 1;
    if (count > this.#max) return false;
    this.#counts.set(address, count);
    socket.once('close', () => {
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left > 0) this.#counts.set(address, left);
      else this.#counts.delete(address);
    });
    return true;
  }
}

function createServer(options: ListenOptions, tls: ServerTls | undefined): http.Server {
  const limits: http.ServerOptions = {
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: options.idleTimeoutMs,
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.max(20, Math.min(5000, Math.floor(options.idleTimeoutMs / 4))),
  };
  if (tls === undefined) return http.createServer(limits);
  // Loaded only with TLS (certificates.ts says why).
  const { createServer: create } = process.getBuiltinModule('node:https');
  const server = create({ ...limits, ...tls.options, handshakeTimeout: options.idleTimeoutMs });
  tls.watch(server);
  return server;
}

/** Resolves when bound, to what undoes what was needed for it. */
async function bind(server: http.Server, options: ListenOptions): Promise<() => void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).once('listening', resolve);
  if (options.socketPath === undefined) {
    server.listen({ host: options.host, port: options.port });
    await promise;
    return () => {};
  }
  removeStaleSocket(options.socketPath);
  const reachable = reachablePath(options.socketPath);
  try {
    server.listen({ path: reachable.path });
    await promise;
    fs.chmodSync(reachable.path, 0o600);
  } catch (error) {
    reachable[Symbol.dispose]();
    throw error;
  }
  return () => reachable[Symbol.dispose]();
}

async function close(server: http.Server, sockets: Set<Socket>, graceMs: number): Promise<void> {
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
  sockets.clear();
}

/** For a client without a certificate that is accepted: the reason, and no more connection. */
function refuseClient(response: http.ServerResponse, reason: string): void {
  const body = `the client certificate is not accepted: ${reason}\n`;
  response.on('error', () => {});
  response.writeHead(403, {
    'tailspool-refused': `client_certificate ${reason}`,
    'content-length': String(body.length),
    connection: 'close',
  });
  response.end(body);
}

interface Serving {
  readonly idleTimeoutMs: number;
  /** The connection ends with this answer. */
  readonly last: boolean;
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { idleTimeoutMs, last }: Serving,
  handler: WireHandler,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client is gone'));
  });
  response.on('error', () => {});
  request.on('error', () => {});
  const body = new RequestBody(request, idleTimeoutMs);
  let answer: WireResponse;
  try {
    answer = await handler(wireRequest(request, body, gone.signal));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (gone.signal.aborted || response.destroyed) return;
    if (code !== 'BODY_TIMEOUT') throw error;
    answer = { status: 408, body: `no byte came for ${idleTimeoutMs} ms\n`, close: true };
  }
  await reply(request, response, last ? { ...answer, close: true } : answer, idleTimeoutMs);
}

function wireRequest(request: http.IncomingMessage, body: WireBody, signal: AbortSignal): WireRequest {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
  const { remoteAddress, remotePort } = request.socket;
  const peer =
    remoteAddress === undefined
      ? 'local'
      : remoteAddress.includes(':')
        ? `[${remoteAddress}]:${remotePort}`
        : `${remoteAddress}:${remotePort}`;
  return { method: request.method ?? '', target: request.url ?? '', headers, peer, body, signal };
}

async function reply(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  answer: WireResponse,
  idleTimeoutMs: number,
): Promise<void> {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body ?? '');
  const unread = !request.complete;
  const cut = setTimeout(() => request.socket.destroy(), idleTimeoutMs + lingerMsMax);
  response.once('close', () => clearTimeout(cut));
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 204 || answer.status === 304 ? {} : { 'content-length': String(body.length) }),
    ...(unread || answer.close ? { connection: 'close' } : {}),
  });
  if (unread) {
    // The client has the whole answer before the connection goes down: closing over unread bytes would reset it.
    if (body.length > 0) response.write(body);
    else response.flushHeaders();
    await discard(request);
    response.end();
  } else {
    response.end(body);
  }
}

/** Reads on and throws away, until the end or a limit. */
async function discard(request: http.IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const timer = setTimeout(resolve, lingerMsMax);
  stopReading(request);
  request.once('end', resolve).once('close', resolve);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > lingerBytesMax) resolve();
  });
  request.resume();
  await promise;
  clearTimeout(timer);
}
