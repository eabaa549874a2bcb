/** From a frame of a syslog stream or a datagram to the record of its event. What all listeners of a collector have in common is here. */
import type { Clock } from '../../spool/ports.ts';
import type { Flaws, Frame } from '../shared/framing/frame.ts';
import type { Batch } from '../socket/batch.ts';
import { type Encoder, flawAttributes, peerAttributes } from '../socket/records.ts';
import type { Peer } from '../socket-ports.ts';
import { eventBytesMax, type Sender, senderOf, writeEvent } from './event.ts';
import { clear, newMessage } from './parse/message.ts';
import { parseMessage } from './parse/parse.ts';
import { Zone } from './parse/zone.ts';

export class SyslogEncoding {
  readonly #zone: Zone;
  readonly #clock: Clock;
  readonly #message = newMessage();
  #timed = false;
  #unparsed = 0;
  #empty = 0;

  /** `timezone`: as `Zone` takes it. */
  constructor(timezone: string | undefined, clock: Clock) {
    this.#zone = new Zone(timezone);
    this.#clock = clock;
  }

  /** It makes no record of a frame with nothing in it. */
  encoder(peer: Peer): Encoder {
    const whole = senderOf(peer.address, peerAttributes({ ...peer, port: undefined }));
    return (frame, batch) => this.#encode(frame, frame.flaws === undefined ? whole : flawed(peer, frame.flaws), batch);
  }

  gauges(): Record<string, number> {
    return { unparsed: this.#unparsed, empty_messages: this.#empty };
  }

  #encode({ page, from, to, flaws }: Frame, sender: Sender, batch: Batch): void {
    const message = this.#message;
    if (!this.#timed) this.#takeTime();
    parseMessage(page.bytes, from, to, this.#zone, message);
    if (isText(flaws)) clear(message, from, to);
    if (message.whole.to === message.whole.from && flaws === undefined) {
      this.#empty++;
      return;
    }
    const out = batch.roomFor(eventBytesMax(to - from, sender));
    batch.wrote(writeEvent(page, message, sender, out, batch.end));
    if (message.form === 'unparsed') this.#unparsed++;
  }

  /** Messages that are cut from one piece were received at one time. */
  #takeTime(): void {
    this.#timed = true;
    this.#zone.received(this.#clock.now());
    queueMicrotask(() => {
      this.#timed = false;
    });
  }
}

/** The later pieces of a long message, and what is no frame, have no header. */
function isText(flaws: Flaws | undefined): boolean {
  return flaws?.malformed === true || (flaws?.fragment ?? 1) > 1;
}

function flawed(peer: Peer, flaws: Flaws): Sender {
  return senderOf(peer.address, { ...peerAttributes({ ...peer, port: undefined }), ...flawAttributes(flaws) });
}
