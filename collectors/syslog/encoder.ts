/** From a frame of a syslog stream or a datagram to the record of its event. What all listeners of a collector have in common is here. */
import type { Clock } from '../../spool/ports.ts';
import type { Flaws, Frame } from '../shared/framing/framing.ts';
import { type Encoder, flawAttributes, peerAttributes } from '../socket/records.ts';
import type { Peer } from '../socket-ports.ts';
import { eventBytesMax, type Sender, senderOf, writeEvent } from './event.ts';
import { type Page, pageOver } from './json-text.ts';
import { clear, newMessage } from './parse/message.ts';
import { parseMessage } from './parse/parse.ts';
import { Zone } from './parse/zone.ts';

/** Records stand one after the other in pages of this size: memory for each alone would cost more than its parse. */
const pageBytes = 64 * 1024;

export class SyslogEncoding {
  readonly #zone: Zone;
  readonly #clock: Clock;
  readonly #message = newMessage();
  #source: Page = pageOver(new Uint8Array(0));
  #page: Page = pageOver(new Uint8Array(0));
  #written = 0;
  #timed = false;
  #unparsed = 0;
  #empty = 0;

  /** `timezone`: as `Zone` takes it. */
  constructor(timezone: string | undefined, clock: Clock) {
    this.#zone = new Zone(timezone);
    this.#clock = clock;
  }

  /** What it gives stays as it is for as long as somebody has it. Nothing for a frame with nothing in it. */
  encoder(peer: Peer): Encoder {
    const whole = senderOf(peer.address, peerAttributes({ ...peer, port: undefined }));
    return ({ bytes, flaws }) => this.#encode(bytes, flaws === undefined ? whole : flawed(peer, flaws), flaws);
  }

  gauges(): Record<string, number> {
    return { unparsed: this.#unparsed, empty_messages: this.#empty };
  }

  #encode(bytes: Uint8Array, sender: Sender, flaws: Flaws | undefined): Uint8Array | undefined {
    const message = this.#message;
    if (!this.#timed) this.#takeTime();
    const source = this.#sourceOf(bytes);
    const from = bytes.byteOffset;
    parseMessage(source.bytes, from, from + bytes.length, this.#zone, message);
    if (isText(flaws)) clear(message, from, from + bytes.length);
    if (message.whole.to === message.whole.from && flaws === undefined) {
      this.#empty++;
      return undefined;
    }
    const page = this.#pageFor(eventBytesMax(bytes.length, sender));
    const begin = this.#written;
    this.#written = writeEvent(source, message, sender, page, begin);
    if (message.form === 'unparsed') this.#unparsed++;
    // Without its line feed, which whoever puts the record adds.
    return page.bytes.subarray(begin, this.#written - 1);
  }

  /** Messages that are cut from one piece were received at one time. */
  #takeTime(): void {
    this.#timed = true;
    this.#zone.received(this.#clock.now());
    queueMicrotask(() => {
      this.#timed = false;
    });
  }

  /** All of the memory in which it stands: that is mostly the same for many frames. */
  #sourceOf({ buffer }: Uint8Array): Page {
    if (this.#source.bytes.buffer !== buffer) this.#source = pageOver(new Uint8Array(buffer));
    return this.#source;
  }

  #pageFor(bytesMax: number): Page {
    if (this.#page.bytes.length - this.#written >= bytesMax) return this.#page;
    this.#page = pageOver(Buffer.allocUnsafeSlow(Math.max(pageBytes, bytesMax)));
    this.#written = 0;
    return this.#page;
  }
}

/** The later pieces of a long message, and what is no frame, have no header. */
function isText(flaws: Flaws | undefined): boolean {
  return flaws?.malformed === true || (flaws?.fragment ?? 1) > 1;
}

function flawed(peer: Peer, flaws: NonNullable<Frame['flaws']>): Sender {
  return senderOf(peer.address, { ...peerAttributes({ ...peer, port: undefined }), ...flawAttributes(flaws) });
}
