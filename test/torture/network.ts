/**
 * The network between agent and receiver: forwards TCP connections, and has troubles when told. What it holds back while
 * it is silent or slow arrives later, also when the sender has long given up: a late request.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Trouble } from './schedule.ts';

/** Before each piece that is forwarded, while the network is slow. */
const slowMs = 150;

export class Network implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #trouble: Trouble | undefined;
  #cutAfterBytes = 0;
  /** Resolves when the silence ends. */
  #silence = Promise.withResolvers<void>();

  static async open(targetPort: number): Promise<Network> {
    const server = createServer({ allowHalfOpen: true });
    await listen(server, 0);
    return new Network(server, targetPort);
  }

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#target = targetPort;
    this.#silence.resolve();
    server.on('connection', (client: Socket) => this.#serve(client));
  }

  /** From now on; undefined: all is well again. `cutAfterBytes`: what passes of a request or reply that is cut. */
  async suffer(trouble: Trouble | undefined, cutAfterBytes = 0): Promise<void> {
    const before = this.#trouble;
    this.#trouble = trouble;
    this.#cutAfterBytes = cutAfterBytes;
    if (trouble === 'silent' && before !== 'silent') this.#silence = Promise.withResolvers();
    if (trouble !== 'silent') this.#silence.resolve();
    if (trouble === 'closed' && this.#server.listening) await this.#close();
    if (trouble !== 'closed' && !this.#server.listening) await this.#reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#silence.resolve();
    if (this.#server.listening) await this.#close();
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #reopen(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true });
    this.#server.on('connection', (client: Socket) => this.#serve(client));
    await listen(this.#server, this.port);
  }

  async #serve(client: Socket): Promise<void> {
    this.#keep(client);
    await this.#silence.promise;
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    this.#keep(server);
    await Promise.all([this.#forward(client, server, 'requests_cut'), this.#forward(server, client, 'replies_cut')]);
    client.destroy();
    server.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** Until either end is gone. What was read is still delivered after a silence, even if its sender is no more. */
  async #forward(from: Socket, to: Socket, cutBy: Trouble): Promise<void> {
    let passed = 0;
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        await this.#silence.promise;
        if (this.#trouble === 'slow') await new Promise((resolve) => setTimeout(resolve, slowMs));
        if (this.#trouble !== cutBy) passed = 0;
        else if (passed + piece.length > this.#cutAfterBytes) {
          to.write(piece.subarray(0, this.#cutAfterBytes - passed), () => to.destroy());
          return void from.destroy();
        } else passed += piece.length;
        if (!to.write(piece) && !to.destroyed) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
      to.end();
    } catch {
      // A connection that broke: the other end learns it the same way.
      to.destroy();
    }
  }
}

async function listen(server: Server, port: number): Promise<void> {
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  await listening;
}
