/** What a message becomes: the syslog parser's event, or the whole line as the body. */

import type { UnixMs } from '../../spool/ports.ts';
import { bytesValue, encodeEvent } from '../shared/event.ts';
import { pageOver } from '../shared/page.ts';
import type { Peer } from '../socket-ports.ts';
import { eventBytesMax, senderAt, writeEvent } from '../syslog/event.ts';
import { newMessage } from '../syslog/parse/message.ts';
import { parseMessage } from '../syslog/parse/parse.ts';
import { Zone } from '../syslog/parse/zone.ts';

export type Recorder = (message: Buffer, peer: Peer) => string | Uint8Array;

/** `parse: false`: the line as it came, without its end. */
export function rawRecorder(): Recorder {
  return (message, { address, port }) => {
    const attributes = { 'network.peer.address': address ?? '', 'network.peer.port': port ?? 0 };
    return encodeEvent({ attributes, body: bytesValue(message.subarray(0, lineLength(message))) });
  };
}

/** `timezone`: of times without an offset; undefined: the host's. */
export function syslogRecorder(timezone: string | undefined, now: () => UnixMs): Recorder {
  const zone = new Zone(timezone);
  const parsed = newMessage();
  const scratch = pageOver(Buffer.allocUnsafeSlow(64 * 1024));
  return (message, { address }) => {
    const sender = senderAt(address);
    const bytesMax = eventBytesMax(message.length, sender);
    const out = bytesMax <= scratch.bytes.length ? scratch : pageOver(Buffer.allocUnsafe(bytesMax));
    zone.received(now());
    parseMessage(message, 0, message.length, zone, parsed);
    // Without the line feed, which is added where the record is put.
    return Buffer.from(out.bytes.subarray(0, writeEvent(pageOver(message), parsed, sender, out, 0) - 1));
  };
}

function lineLength(message: Buffer): number {
  let length = message.length;
  while (length > 0 && (message[length - 1] === 0x0a || message[length - 1] === 0x0d)) length -= 1;
  return length;
}
