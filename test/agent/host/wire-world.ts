/** Listeners, transports and raw sockets for the tests of both. */
import * as fs from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hostListener } from '../../../agent/host/listener.ts';
import { hostTransports } from '../../../agent/host/transport.ts';
import type { Listening, ListenOptions, WireBody, WireHandler } from '../../../collectors/ports.ts';
import type { Transport, TransportAnswer, TransportOptions, TransportRequest } from '../../../shippers/ports.ts';
import type { LogEntry } from '../../../spool/ports.ts';

export const logged: LogEntry[] = [];
export const listener = hostListener({ write: (entry) => logged.push(entry) });

export const defaults: ListenOptions = {
  host: '127.0.0.1',
  port: 0,
  connectionsMax: 50,
  headerBytesMax: 8192,
  idleTimeoutMs: 5000,
};

/** Answers with what came, as JSON. */
export const echo: WireHandler = async (request) => {
  const body = await whole(request.body);
  const { method, target, headers, peer } = request;
  return {
    status: 200,
    headers: { 'x-answer': 'yes' },
    body: JSON.stringify({ method, target, headers, peer, bytes: body.length }),
  };
};

export function folder(t: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-wire-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function pair(t: TestContext, handler: WireHandler, options: Partial<ListenOptions> = {}) {
  const listening: Listening = await listener.listen({ ...defaults, ...options }, handler);
  t.after(() => listening.close(0));
  const url = `http://127.0.0.1:${listening.port}`;
  return { listening, url, transport: open(t, url) };
}

export function open(
  t: TestContext,
  url: string,
  tls?: TransportOptions['tls'],
  more: Partial<TransportOptions> = {},
  transports = hostTransports,
): Transport {
  const transport = transports.open({ url, tls, connectTimeoutMs: 2000, ...more });
  t.after(() => transport.close());
  return transport;
}

export function send(
  transport: Transport,
  request: Partial<TransportRequest> & { url: string },
): Promise<TransportAnswer> {
  const signal = new AbortController().signal;
  return transport.send({
    method: 'POST',
    headers: {},
    progressTimeoutMs: 10_000,
    answerBytesMax: 65_536,
    signal,
    ...request,
  });
}

export function text(answer: TransportAnswer): string {
  return Buffer.from(answer.body).toString();
}

export async function whole(body: WireBody): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await body.read((piece) => chunks.push(Uint8Array.from(piece)) > 0);
  return Buffer.concat(chunks);
}

/** Sends bytes and returns all that comes back until the server closes. */
export function raw(t: TestContext, port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  if (bytes !== '') socket.write(bytes);
  return received(socket);
}

export function received(socket: Socket): Promise<string> {
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(got)));
}

export async function rawServer(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await until(() => server.listening);
  return (server.address() as { port: number }).port;
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('waited for 20 s in vain');
}
