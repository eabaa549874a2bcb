/**
 * `StreamListener` over Node's sockets. What it holds against strangers: a limit on connections in total and for one address, on
 * the time of a handshake, on silence and on answers that nobody reads. TLS state is made when a client's first bytes
 * arrive, so that a connection on which nothing is said costs little.
 */
import * as net from 'node:net';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import type {
  Peer,
  StreamConnection,
  StreamCounts,
  StreamListener,
  StreamListening,
  StreamListenOptions,
} from '../../collectors/socket-ports.ts';
import type { Log } from '../../spool/ports.ts';
import { ServerTls } from './server-tls.ts';
import { SocketFile } from './socket-file.ts';
import { HostConnection, nameOf, plainAddress } from './stream-connection.ts';

type Serve = (connection: StreamConnection) => Promise<void>;
interface Tls {
  readonly files: ServerTls;
  readonly server: TlsServer;
}
type Counts = { -readonly [name in keyof StreamCounts]: number };

/** Dead clients are found by the kernel, also where silence is allowed. */
const keepAliveAfterMs = 60_000;

export function hostStreamListener(log: Log): StreamListener {
  return {
    async listen(options, serve) {
      const server = new StreamServer(options, serve, log);
      await server.bind();
      return server;
    },
  };
}

class StreamServer implements StreamListening {
  readonly counts: Counts = {
    accepted: 0,
    refusedByLimit: 0,
    refusedByPeerLimit: 0,
    handshakesFailed: 0,
    handshakesTimedOut: 0,
    certificatesRefused: 0,
    closedIdle: 0,
    closedUnread: 0,
  };
  readonly #options: StreamListenOptions;
  readonly #serve: Serve;
  readonly #log: Log;
  readonly #server: net.Server;
  readonly #tls: Tls | undefined;
  readonly #sockets = new Set<net.Socket>();
  readonly #perPeer = new Map<string, number>();
  readonly #serving = new Map<HostConnection, Promise<void>>();
  #file: SocketFile | undefined;
  #handshaking = 0;

  /** Throws with the name of a certificate file that cannot be used. */
  constructor(options: StreamListenOptions, serve: Serve, log: Log) {
    this.#options = options;
    this.#serve = serve;
    this.#log = log;
    this.#tls = options.tls && makeTls(new ServerTls(options.tls, log));
    this.#server = net.createServer({
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveAfterMs,
    });
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on('drop', () => this.counts.refusedByLimit++);
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  async bind(): Promise<void> {
    const { at } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject).once('listening', resolve);
    if ('host' in at) {
      this.#server.listen({ host: at.host, port: at.port });
      await promise;
    } else {
      this.#file = await SocketFile.claim(at.path);
      try {
        this.#server.listen({ path: this.#file.bindPath });
        await promise;
        this.#file.bound(at.mode);
      } catch (error) {
        this.#server.close();
        this.#file.release();
        throw error;
      }
    }
    this.#server.on('error', ({ message }) => {
      this.#log.write({
        severity: 'warn',
        event: 'stream.accept',
        message: `a connection could not be accepted: ${message}`,
      });
    });
  }

  get host(): string {
    const { at } = this.#options;
    return 'host' in at ? ((this.#server.address() as net.AddressInfo | null)?.address ?? at.host) : at.path;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get handshaking(): number {
    return this.#handshaking;
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#serving.keys()) connection.close();
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, graceMs);
    await Promise.race([Promise.all(this.#serving.values()), grace.promise]);
    for (const connection of this.#serving.keys()) connection.cut();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.race([Promise.all([closed, ...this.#serving.values()]), grace.promise]);
    clearTimeout(timer);
    this.#file?.release();
  }

  #accept(socket: net.Socket): void {
    // Errors before anybody serves it: the close that follows is all there is to know.
    socket.on('error', () => {});
    const address = plainAddress(socket.remoteAddress);
    if (!this.#admit(socket, address)) return void socket.destroy();
    const peer = { address, port: socket.remotePort };
    if (this.#tls === undefined) this.#begin(socket, peer);
    else this.#handshake(socket, peer, this.#tls);
  }

  #admit(socket: net.Socket, address: string | undefined): boolean {
    if (address !== undefined) {
      const now = this.#perPeer.get(address) ?? 0;
      if (now >= this.#options.connectionsPerPeerMax) {
        this.counts.refusedByPeerLimit++;
        return false;
      }
      this.#perPeer.set(address, now + 1);
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (address === undefined) return;
      const left = (this.#perPeer.get(address) ?? 1) - 1;
      if (left > 0) this.#perPeer.set(address, left);
      else this.#perPeer.delete(address);
    });
    return true;
  }

  #handshake(socket: net.Socket, peer: Peer, tls: Tls): void {
    this.#handshaking++;
    let open = true;
    const over = (): boolean => {
      if (!open) return false;
      open = false;
      this.#handshaking--;
      clearTimeout(timer);
      return true;
    };
    const timer = setTimeout(() => {
      if (!over()) return;
      this.counts.handshakesTimedOut++;
      socket.destroy();
    }, this.#options.handshakeTimeoutMs).unref();
    socket.once('close', () => {
      if (over()) this.counts.handshakesFailed++;
    });
    socket.once('readable', () => {
      if (!open) return;
      handshakes.set(socket, (secured) => {
        if (over()) this.#secured(secured, peer, tls.files);
      });
      tls.server.emit('connection', socket);
    });
    socket.read(0);
  }

  #secured(socket: TLSSocket, peer: Peer, files: ServerTls): void {
    const refused = files.refusal(socket);
    if (refused === undefined) {
      const subject = socket.getPeerX509Certificate()?.toLegacyObject().subject.CN;
      this.#begin(socket, { ...peer, certificate: Array.isArray(subject) ? subject[0] : subject });
      return;
    }
    this.counts.certificatesRefused++;
    const message = `the client certificate of ${nameOf(peer)} is not accepted: ${refused}`;
    this.#log.write({ severity: 'warn', event: 'stream.certificate', subject: peer.address ?? 'local', message });
    socket.destroy();
  }

  #begin(socket: net.Socket, peer: Peer): void {
    this.counts.accepted++;
    const connection = new HostConnection(socket, peer, this.#options);
    const serving = this.#serveOne(connection).finally(() => this.#serving.delete(connection));
    this.#serving.set(connection, serving);
  }

  async #serveOne(connection: HostConnection): Promise<void> {
    try {
      await this.#serve(connection);
    } catch (error) {
      const message = `serving ${connection.name} failed inside: ${(error as Error).stack}`;
      this.#log.write({ severity: 'error', event: 'stream.surprise', message });
      connection.cut();
    }
    if (connection.ended === 'idle') this.counts.closedIdle++;
    if (connection.ended === 'unread') this.counts.closedUnread++;
    connection.finish();
  }
}

/** Who waits for the handshake on a socket. */
const handshakes = new WeakMap<net.Socket, (secured: TLSSocket) => void>();

/** A server that never listens: connections are handed to it. */
function makeTls(files: ServerTls): Tls {
  const { createServer } = process.getBuiltinModule('node:tls');
  // Our own clock runs from the connection on; this one would begin again with the first byte.
  const server = createServer({ ...files.options, handshakeTimeout: 2 ** 30 });
  files.watch(server);
  server.on('secureConnection', (socket) => {
    handshakes.get(parentOf(socket))?.(socket);
  });
  server.on('tlsClientError', (_error, socket) => parentOf(socket).destroy());
  return { files, server };
}

/** The connection below; Node names it so and documents it nowhere, but without it nothing tells which connection it was. */
function parentOf(socket: TLSSocket): net.Socket {
  return (socket as TLSSocket & { readonly _parent: net.Socket })._parent;
}
