/** Endpoints in every kind of trouble, for real: servers, certificates, proxies and ports that somebody might have. */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { encodeAnswer } from '../../spool/wire-answer.ts';
import type { MadeCertificate } from '../support/certificates.ts';

/** Everything that was started, to be ended together. */
export class Endpoints implements AsyncDisposable {
  readonly #servers: TcpServer[] = [];
  readonly #sockets = new Set<Socket>();

  /** A port where `serve` is all that happens. */
  raw(serve: (socket: Socket) => void): Promise<number> {
    return this.#listen(createTcpServer((socket) => serve(socket)));
  }

  http(listener: RequestListener): Promise<number> {
    return this.#listen(createServer(listener));
  }

  https(certificate: MadeCertificate, listener: RequestListener, options: ServerOptions = {}): Promise<number> {
    const { certFile, keyFile } = certificate;
    return this.#listen(
      createHttpsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ...options }, listener),
    );
  }

  /** Where nothing listens. */
  async nobody(): Promise<number> {
    const server = createTcpServer();
    const port = await this.#listen(server);
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  async #listen(server: TcpServer | Server): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

export interface Says {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Always the same answer, once the request is read. */
export function answering(status: number, { headers = {}, body = '' }: Says = {}): RequestListener {
  return (request, response) => {
    request.resume().once('end', () => response.writeHead(status, headers).end(body));
  };
}

/** A receiver's words. `id`: which receiver speaks. */
export function wireAnswer(answer: 'state' | 'busy' | 'full', id = 'f'): string {
  const rest = { row: undefined, rows: [], describe: false, versions: [1], message: 'so' };
  return encodeAnswer({ answer, receiver: id.repeat(32), ...rest });
}

/** Answers questions as a receiver that holds nothing, and batches with `status`. */
export function receiverThatAnswersBatches(status: number, id = 'f'): RequestListener {
  const state = answering(200, { body: wireAnswer('state', id) });
  const batch = answering(status);
  return (request, response) => (request.method === 'GET' ? state : batch)(request, response);
}
