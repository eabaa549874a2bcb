/**
 * An HTTP endpoint that is none of ours: a Node server that decodes bodies as ordinary middleware does and keeps what it took. What
 * it refuses, and whether it honours `Idempotency-Key`, the test says.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** As it came, and decoded. */
  readonly wireBytes: number;
  readonly body: Buffer;
  readonly lines: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface EndpointOptions {
  /** What to answer; undefined: 204, and the lines are kept. */
  readonly answer?: (received: Received) => Answer | 'hang up' | undefined;
  /** Takes each key once. */
  readonly honoursKeys?: boolean;
  /** What outlives this endpoint: the keys and lines that it has. */
  readonly keys?: Set<string>;
  readonly into?: string[];
}

export class Endpoint implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #keys: Set<string>;
  /** Every request, without bodies, in the order of arrival. */
  readonly requests: Omit<Received, 'body' | 'lines'>[] = [];
  readonly lines: string[];
  options: EndpointOptions;

  static async start(options: EndpointOptions = {}, listen: { port?: number; path?: string } = {}): Promise<Endpoint> {
    const endpoint = new Endpoint(options);
    await new Promise<void>((resolve) => {
      if (listen.path) endpoint.#server.listen(listen.path, resolve);
      else endpoint.#server.listen(listen.port ?? 0, '127.0.0.1', resolve);
    });
    return endpoint;
  }

  private constructor(options: EndpointOptions) {
    this.options = options;
    this.#keys = options.keys ?? new Set();
    this.lines = options.into ?? [];
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/in`;
  }

  /** What the lines are in the end: a body for each line of NDJSON, else the lines themselves. */
  get bodies(): unknown[] {
    return this.lines.map((line) => (JSON.parse(line) as { body: unknown }).body);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The client is gone.
      return;
    }
    const wire = Buffer.concat(chunks);
    const body = decoded(wire, request.headers['content-encoding']);
    const { method = '', url: path = '', headers } = request;
    const text = body.toString('latin1');
    const lines = text.split('\n').slice(0, -1);
    const received = { method, path, headers, wireBytes: wire.length, body, lines };
    this.requests.push({ method, path, headers, wireBytes: wire.length });
    const answer = this.options.answer?.(received);
    if (answer === 'hang up') {
      request.socket.destroy();
      return;
    }
    if (answer === undefined) this.#keep(headers['idempotency-key'], lines);
    response.writeHead(answer?.status ?? 204, answer?.headers);
    response.end(answer?.body);
  }

  #keep(key: string | string[] | undefined, lines: readonly string[]): void {
    const name = String(key);
    if (this.options.honoursKeys && this.#keys.has(name)) return;
    this.#keys.add(name);
    this.lines.push(...lines);
  }

  /** Takes no more connections and cuts those there are. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function decoded(wire: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(wire);
  return encoding === 'zstd' ? zstdDecompressSync(wire) : wire;
}
