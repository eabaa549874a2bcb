/**
 * Listening sockets as collectors see them: byte streams (TCP, unix) and datagrams (UDP, unix). Both are pulled: what nobody
 * reads is not taken from the kernel, and that is the back-pressure. The real ones are `agent/host/stream-listener.ts` and
 * `agent/host/datagram-listener.ts`.
 */

/** Who sent something. It becomes attributes of records, never a source's identity: ten thousand devices are one source. */
export interface Peer {
  /** `192.0.2.1`, `2001:db8::1` (an IPv4 address within IPv6 as IPv4). Undefined: a unix socket. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** The process that sent it, where the kernel vouches for it (unix datagrams). */
  readonly process?: { readonly pid: number; readonly uid: number; readonly gid: number } | undefined;
  /** The common name in the client's certificate, which was verified. */
  readonly certificate?: string | undefined;
}

/**
 * Where to listen. `path`: a unix socket; a dead one that stands there is replaced, one that answers is EADDRINUSE, anything
 * else stays and is EADDRINUSE too. `mode`: its permissions, such as 0o660.
 */
export type ListenAt =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly mode: number };

export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Set: clients must show a certificate that this authority signed. */
  readonly clientCaFile?: string | undefined;
  readonly minVersion?: '1.2' | '1.3' | undefined;
}

export interface StreamListenOptions {
  readonly at: ListenAt;
  /** The files are read again when they change; connections made before stay as they are. */
  readonly tls?: ServerTlsFiles | undefined;
  /** Connections at one time, those in their handshake included; one more is closed at once. */
  readonly connectionsMax: number;
  /** The same for one address. Unix sockets have no address and only the limit above. */
  readonly connectionsPerPeerMax: number;
  /** A TLS client has to be done with its handshake in so long. */
  readonly handshakeTimeoutMs: number;
  /** A connection from which no byte comes for so long while one is awaited is closed. Undefined: it may be silent for ever. */
  readonly idleTimeoutMs?: number | undefined;
  /** A client that leaves more than this unread of what is written to it is cut off. */
  readonly outputBytesMax: number;
  /** Nobody waits for answers: little pieces that follow each other closely may wait some milliseconds to be read as one. */
  readonly gathers?: boolean | undefined;
}

/** Serves byte streams. */
export interface StreamListener {
  /**
   * Resolves when bound; rejects with the bind error (EADDRINUSE, EACCES …) or a certificate error naming its file. `serve` is
   * called once for each connection; the connection ends when it resolves, after what was written has gone out.
   */
  listen(
    options: StreamListenOptions,
    serve: (connection: StreamConnection) => Promise<void>,
  ): Promise<StreamListening>;
}

/** Why a connection gives no more bytes. `unread`: too much was left unread. `closing`: the listener is being closed. */
export type StreamEnd = 'client' | 'reset' | 'idle' | 'unread' | 'closing' | 'cut';

export interface StreamConnection {
  readonly peer: Peer;
  /** For people: `192.0.2.1:514`, `[2001:db8::1]:514`, `local`. */
  readonly name: string;
  /**
   * The next bytes that arrive, up to some 64 KiB, valid until the next call; undefined at the end, and `ended` says which. Never
   * rejects. One call at a time. Between two calls at most a few pieces are taken from the kernel.
   */
  read(): Promise<Uint8Array | undefined>;
  readonly ended: StreamEnd | undefined;
  /** Sends, without waiting. False where the connection is gone. The bytes must not change afterwards. */
  write(bytes: Uint8Array | string): boolean;
  /** Ends it now, without sending what waits. */
  cut(): void;
}

/** Counts since bound. */
export interface StreamCounts {
  readonly accepted: number;
  /** Closed at once: too many connections, or too many of one address. */
  readonly refusedByLimit: number;
  readonly refusedByPeerLimit: number;
  /** The handshake failed or was not done in time, or no accepted certificate was shown. */
  readonly handshakesFailed: number;
  readonly handshakesTimedOut: number;
  readonly certificatesRefused: number;
  readonly closedIdle: number;
  readonly closedUnread: number;
}

export interface StreamListening {
  readonly host: string;
  readonly port: number;
  /** Open now, and those of them that are still in their handshake. */
  readonly connections: number;
  readonly handshaking: number;
  readonly counts: StreamCounts;
  /**
   * Accepts no more. Connections still give what has arrived, then end (`closing`); after `graceMs` the rest are cut. Resolves
   * when every `serve` has, or `graceMs` is over.
   */
  close(graceMs: number): Promise<void>;
}

export interface DatagramListenOptions {
  readonly at: ListenAt;
  /** What the kernel is asked to keep of what nobody has read yet. Undefined: its default. */
  readonly receiveBufferBytes?: number | undefined;
  /** Longer datagrams are cut to this, and say so. At most 65,535. */
  readonly datagramBytesMax: number;
}

/** Serves datagrams. */
export interface DatagramListener {
  /**
   * Resolves when bound; rejects with the bind error, or with code `ERR_NO_ADDON` and the reason where unix datagrams need the
   * native part and it cannot be had.
   */
  listen(options: DatagramListenOptions): Promise<DatagramListening>;
}

export interface Datagram {
  /** The memory in which it stands, from `from` to `to`. */
  readonly memory: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly peer: Peer;
  /** It was longer than `datagramBytesMax`. */
  readonly truncated: boolean;
}

export interface DatagramListening {
  readonly host: string;
  readonly port: number;
  /** What the kernel gave, in the terms of what it was asked for: less than that is worth a warning. */
  readonly receiveBufferBytes: number;
  /**
   * What has arrived, one datagram or more, in order, valid until the next call; undefined after `close`. Never rejects. One
   * call at a time. Lets other work have its turn however much arrives.
   */
  read(): Promise<readonly Datagram[] | undefined>;
  /**
   * Datagrams that were dropped since bound because nobody read: by the kernel (`/proc/net/udp`), or by us where Node's sockets had
   * to be used, which cannot be paused. Undefined where it cannot be told, and for unix sockets, whose senders wait. Reads a file.
   */
  drops(): number | undefined;
  /** `native`: our own addon. `node`: Node's sockets, which cost more; `reason` says why. */
  readonly way: { readonly kind: 'native' } | { readonly kind: 'node'; readonly reason: string };
  /** What has arrived is still given by `read`, then undefined; after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}
