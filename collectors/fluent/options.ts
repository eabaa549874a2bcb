/** What the Fluent Forward collector is told, and what it needs of the outside. */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Random } from '../../spool/ports.ts';
import type { ServerTlsFiles, StreamListener } from '../socket-ports.ts';

export interface FluentOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTlsFiles | undefined;
  readonly connectionsMax: number;
  readonly connectionsPerPeerMax: number;
  /** Of one message, as sent and as expanded; at most 8 MiB. */
  readonly messageBytesMax: number;
  /** Of messages that have begun to arrive, over all connections. */
  readonly memoryBytesMax: number;
  /** Chunks that are known to have been taken. */
  readonly chunksMax: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface FluentWorld {
  readonly intake: Intake;
  readonly streams: StreamListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What the handshake calls us. */
  readonly hostName: string;
  /** Both sides must know it; undefined: no handshake. Throws where it cannot be read. */
  readonly sharedKey: (() => string) | undefined;
}
