/** From a frame to a record of the spool: an event with who sent it, or the bare line. Pure. */
import { isAscii } from 'node:buffer';
import { bytesValue, encodeEvent, type Value, type Values } from '../shared/event.ts';
import type { Flaws, Frame } from '../shared/framing/framing.ts';
import type { Peer } from '../socket-ports.ts';

/** A frame's record, to be put as it is; undefined where it makes none. */
export type Encoder = (frame: Frame) => string | Uint8Array | undefined;

/** Events: the frame is the body, its sender and flaws are attributes. */
export function eventEncoder(peer: Peer): Encoder {
  const attributes = peerAttributes(peer);
  const alike = encodeEvent({ attributes: Object.keys(attributes).length > 0 ? attributes : undefined });
  // The beginning of each record that came whole; the body follows.
  const begin = alike === '{}' ? '{"body":' : `${alike.slice(0, -1)},"body":`;
  return (frame) => {
    const { flaws } = frame;
    if (flaws === undefined) return `${begin}${JSON.stringify(frame.text ?? bodyOf(frame.bytes))}}`;
    return encodeEvent({ attributes: { ...attributes, ...flawAttributes(flaws) }, body: bytesValue(frame.bytes) });
  };
}

/** Lines as they are, without who sent them. A frame that holds line feeds is as many lines. */
export function textEncoder(): Encoder {
  return ({ bytes }) => bytes;
}

/** The attributes of a record that tell who sent it (OpenTelemetry's semantic conventions). */
export function peerAttributes({ address, port, process, certificate }: Peer): Values {
  return {
    ...(address === undefined ? {} : { 'network.peer.address': address }),
    ...(port === undefined ? {} : { 'network.peer.port': port }),
    ...(process === undefined ? {} : { 'process.pid': process.pid, 'process.user.id': process.uid }),
    ...(certificate === undefined ? {} : { 'tls.client.subject': `CN=${certificate}` }),
  };
}

/** What is to be said of a frame that did not come whole. */
export function flawAttributes(flaws: Flaws): Values {
  return Object.fromEntries(
    Object.entries(flaws).map(([flaw, value]) => [`tailspool.${names[flaw as keyof Flaws]}`, value]),
  );
}

const names: Record<keyof Flaws, string> = {
  fragment: 'fragment',
  last: 'fragment.last',
  incomplete: 'incomplete',
  malformed: 'malformed',
  truncated: 'truncated',
  continues: 'continues',
  split: 'split',
};

/** ASCII needs no other look. */
function bodyOf(bytes: Uint8Array): Value {
  if (!isAscii(bytes)) return bytesValue(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
