/** From a frame to a record of the spool: an event with who sent it, or the bare line. Pure. */
import { bytesValue, encodeEvent, type Values } from '../shared/event.ts';
import type { Flaws, Frame } from '../shared/framing/frame.ts';
import { bytesPerByteMax, piece, pieceSlackBytes, put, writeText } from '../shared/json-text.ts';
import type { Peer } from '../socket-ports.ts';
import type { Batch } from './batch.ts';

/** Adds a frame's record to the batch, where it makes one. */
export type Encoder = (frame: Frame, batch: Batch) => void;

/** Longer bodies are written by V8, which needs no room for the most that each byte may become. */
const directBytesMax = 16 * 1024;
const endOfEvent = piece('"}\n');

/** Events: the frame is the body, its sender and flaws are attributes. */
export function eventEncoder(peer: Peer): Encoder {
  const attributes = peerAttributes(peer);
  const alike = encodeEvent({ attributes: Object.keys(attributes).length > 0 ? attributes : undefined });
  // The beginning of each record that came whole; the body follows.
  const begin = piece(alike === '{}' ? '{"body":"' : `${alike.slice(0, -1)},"body":"`);
  const besidesBytes = begin.length + endOfEvent.length + 2 * pieceSlackBytes;
  return (frame, batch) => {
    const { page, from, to, flaws, length } = frame;
    if (flaws === undefined && length <= directBytesMax) {
      const out = batch.roomFor(length * bytesPerByteMax + besidesBytes);
      const end = writeText(page, from, to, out, put(begin, out, batch.end));
      if (end !== -1) return batch.wrote(put(endOfEvent, out, end));
    }
    const all = flaws === undefined ? attributes : { ...attributes, ...flawAttributes(flaws) };
    const told = Object.keys(all).length > 0 ? all : undefined;
    batch.addText(encodeEvent({ attributes: told, body: bytesValue(frame.bytes) }));
  };
}

/** Lines as they are, without who sent them. A frame that holds line feeds is as many lines. */
export function textEncoder(): Encoder {
  return ({ bytes }, batch) => batch.add(bytes);
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
