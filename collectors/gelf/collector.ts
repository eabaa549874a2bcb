/**
 * Graylog's GELF over UDP (chunked, compressed) and TCP (each message ended by a NUL), with or without TLS: collectors of sockets
 * with this protocol's encoder. Nothing is acknowledged; what is lost before it can be put together is counted.
 */
import { nulFraming } from '../shared/framing/delimited.ts';
import { type Frame, frameOf } from '../shared/framing/frame.ts';
import type { Framing } from '../shared/framing/framing.ts';
import { DatagramCollector, type DatagramWorld } from '../socket/datagram-collector.ts';
import { Joined, type Part } from '../socket/joined.ts';
import type { SocketOptions } from '../socket/options.ts';
import { StreamCollector, type StreamWorld } from '../socket/stream-collector.ts';
import type { DatagramListenOptions, Peer, StreamListenOptions } from '../socket-ports.ts';
import { GelfEncoding } from './encoder.ts';

export type GelfTransport = 'udp' | 'tcp' | 'tls';

export type GelfListener =
  | { readonly transport: 'tcp' | 'tls'; readonly stream: StreamListenOptions }
  | { readonly transport: 'udp'; readonly datagram: DatagramListenOptions };

export interface GelfOptions extends Omit<SocketOptions, 'type' | 'format' | 'encoder' | 'gauges'> {
  /** At least one; no two with the same transport. */
  readonly listeners: readonly GelfListener[];
  /** Of a message, expanded. */
  readonly messageBytesMax: number;
}

export class GelfCollector extends Joined<GelfTransport> {
  constructor(options: GelfOptions, world: StreamWorld & DatagramWorld) {
    const encoding = new GelfEncoding(options.messageBytesMax, world.clock);
    const parts = options.listeners.map((listener) => ({
      transport: listener.transport,
      part: makePart(options, listener, encoding, world),
    }));
    super({ name: options.name, type: 'gelf' }, parts, () => encoding.gauges());
  }
}

function makePart(
  { name, resource, attributes, whenFull, messageBytesMax }: GelfOptions,
  listener: GelfListener,
  encoding: GelfEncoding,
  world: StreamWorld & DatagramWorld,
): Part {
  const common = {
    name,
    type: 'gelf',
    resource,
    format: 'json',
    whenFull,
    attributes: { ...attributes, 'gelf.transport': listener.transport },
    encoder: (peer: Peer) => encoding.encoder(peer),
  } as const;
  return 'datagram' in listener
    ? new DatagramCollector({ ...common, listen: listener.datagram, framing: () => new Whole() }, world)
    : new StreamCollector({ ...common, listen: listener.stream, framing: () => nulFraming(messageBytesMax) }, world);
}

/** A datagram as it is: what looks like a line's end may be a compressed message's. */
class Whole implements Framing {
  readonly broken = undefined;
  readonly heldBytes = 0;
  #bytes: Uint8Array | undefined;

  feed(piece: Uint8Array): void {
    this.#bytes = piece;
  }

  next(): Frame | undefined {
    return undefined;
  }

  finish(clean: boolean): Frame | undefined {
    const bytes = this.#bytes ?? new Uint8Array(0);
    return frameOf(bytes, clean ? undefined : { truncated: true });
  }
}
