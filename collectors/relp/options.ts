/** What the RELP collector is told, and what it needs of the outside. */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Log } from '../../spool/ports.ts';
import type { Peer, ServerTlsFiles, StreamListener } from '../socket-ports.ts';

export interface RelpOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTlsFiles | undefined;
  readonly connectionsMax: number;
  readonly connectionsPerPeerMax: number;
  /** Of one message; the rest of a longer one is passed over, and counted. */
  readonly messageBytesMax: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface RelpWorld {
  readonly intake: Intake;
  readonly streams: StreamListener;
  readonly clock: Clock;
  readonly log: Log;
  /** A message as the record that it becomes. */
  record(message: Buffer, peer: Peer): string | Uint8Array;
}
