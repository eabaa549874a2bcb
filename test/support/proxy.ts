/** A small HTTP proxy that does what a test wants of it: tunnels (CONNECT) and passes requests on, asks for a password, refuses, listens with TLS. */

import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { connect, type Socket } from 'node:net';
import type { MadeCertificate } from './certificates.ts';

export interface ProxyWishes {
  /** The only `proxy-authorization` that is let through. */
  readonly authorization?: string;
  /** Answers everything with this status. */
  readonly status?: number;
  /** Says this on each connection instead of HTTP. */
  readonly garbage?: string;
  readonly certificate?: MadeCertificate;
}

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  /** What was asked for: `CONNECT host:port`, or `POST http://host/…`. */
  readonly asked: string[];
  /** Headers of the last request. */
  headers: http.IncomingHttpHeaders;
  wishes: ProxyWishes;
}

export async function startProxy(first: ProxyWishes = {}): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const { certificate } = first;
  const server =
    certificate === undefined
      ? http.createServer()
      : https.createServer({ cert: fs.readFileSync(certificate.certFile), key: fs.readFileSync(certificate.keyFile) });
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    return socket;
  };
  const proxy: TestProxy = {
    get port() {
      return (server.address() as { port: number }).port;
    },
    asked: [],
    headers: {},
    wishes: first,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('connection', (socket: Socket) => {
    keep(socket);
    if (proxy.wishes.garbage !== undefined) socket.end(proxy.wishes.garbage);
  });
  server.on('connect', (request: http.IncomingMessage, client: Socket) => {
    keep(client);
    note(proxy, request);
    const status = refusal(proxy.wishes, request);
    if (status !== undefined) return void client.end(`HTTP/1.1 ${status} No\r\ncontent-length: 2\r\n\r\nno`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const far = keep(connect(Number(port), hostname.replace(/^\[|\]$/g, '')));
    far.once('connect', () => client.write('HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n'));
    far.pipe(client).pipe(far);
    far.once('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    note(proxy, request);
    const status = refusal(proxy.wishes, request);
    if (status !== undefined) return void response.writeHead(status).end('no');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const passed = http.request(request.url!, { method: request.method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.writeHead(502).end());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return proxy;
}

function note(proxy: TestProxy, request: http.IncomingMessage): void {
  proxy.asked.push(`${request.method} ${request.url}`);
  proxy.headers = request.headers;
}

function refusal({ authorization, status }: ProxyWishes, { headers }: http.IncomingMessage): number | undefined {
  if (authorization !== undefined && headers['proxy-authorization'] !== authorization) return 407;
  return status;
}
