/** GELF's records: from frames and datagrams (chunked, compressed) to events. What is no GELF stays whole, and says so. */
import type { Clock } from '../../spool/ports.ts';
import { bytesValue, encodeEvent } from '../shared/event.ts';
import type { Flaws, Frame } from '../shared/framing/framing.ts';
import { type Encoder, flawAttributes, peerAttributes } from '../socket/records.ts';
import type { Peer } from '../socket-ports.ts';
import { Chunks, isChunk } from './chunks.ts';
import { expandMessage, gelfEvent } from './gelf-event.ts';

export class GelfEncoding {
  readonly #clock: Clock;
  readonly #messageBytesMax: number;
  readonly #chunks = new Chunks();
  #unparsed = 0;

  /** `messageBytesMax`: of a message, expanded. */
  constructor(messageBytesMax: number, clock: Clock) {
    this.#messageBytesMax = messageBytesMax;
    this.#clock = clock;
  }

  gauges(): Readonly<Record<string, number>> {
    this.#chunks.expire(this.#clock.monotonic());
    const { messages, bytes } = this.#chunks.waiting;
    return { unparsed: this.#unparsed, ...this.#chunks.counts, chunked_messages: messages, chunked_bytes: bytes };
  }

  encoder(peer: Peer): Encoder {
    const about = peerAttributes(peer);
    const sender = `${peer.address} ${peer.port}`;
    return ({ bytes, flaws }: Frame, batch) => {
      const chunk = flaws === undefined && isChunk(bytes);
      const whole = chunk ? this.#chunks.add(sender, bytes, this.#clock.monotonic()) : bytes;
      if (whole !== undefined) batch.addText(this.#record(whole, about, flaws));
    };
  }

  #record(bytes: Uint8Array, about: ReturnType<typeof peerAttributes>, flaws: Flaws | undefined): string {
    const message = flaws === undefined ? expandMessage(bytes, this.#messageBytesMax) : undefined;
    const event = message && gelfEvent(message, about);
    if (event !== undefined) return encodeEvent(event);
    this.#unparsed += 1;
    const attributes = { ...about, ...(flaws && flawAttributes(flaws)), 'tailspool.unparsed': true };
    return encodeEvent({ attributes, body: bytesValue(message ?? bytes) });
  }
}
