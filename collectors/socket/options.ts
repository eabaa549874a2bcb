/** What a collector of sockets is told; `agent/config` makes it. */
import type { Attributes, RecordFormat } from '../../spool/nouns.ts';
import type { Framing } from '../shared/framing/framing.ts';
import type { DatagramListenOptions, Peer, StreamListenOptions } from '../socket-ports.ts';
import type { Encoder } from './records.ts';
import type { WhenFull } from './sink.ts';

/** What collectors of streams and of datagrams have in common. Other protocols bring an encoder of their own. */
export interface SocketOptions {
  readonly name: string;
  readonly type: string;
  readonly resource: Attributes;
  readonly attributes: Attributes;
  readonly format: RecordFormat;
  readonly whenFull: WhenFull;
  /** One for each sender: what it knows of the sender it need not find out for each record. */
  readonly encoder: (peer: Peer) => Encoder;
  /** More numbers for status, of whoever brings an encoder. */
  readonly gauges?: (() => Readonly<Record<string, number>>) | undefined;
}

export interface StreamCollectorOptions extends SocketOptions {
  readonly listen: StreamListenOptions;
  /** One for each connection. */
  readonly framing: () => Framing;
  /** For each connection; a client that sends more is read more slowly. */
  readonly rateBytesPerSecondMax?: number | undefined;
}

export interface DatagramCollectorOptions extends SocketOptions {
  readonly listen: DatagramListenOptions;
  /** Cuts a datagram into frames of its own; without it each datagram is one, without a line end or NUL at its end. */
  readonly framing?: (() => Framing) | undefined;
}
