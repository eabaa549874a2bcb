/**
 * A parsed message as an event (docs/events.md), written as one line of JSON straight into the bytes of a block: no string is made
 * of the message, but for structured data and for bodies that are no UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import type { Values } from '../shared/event.ts';
import { bytesPerByteMax, writeText } from './json-text.ts';
import { clear, type Message, type Span } from './parse/message.ts';
import { structuredDataJson } from './parse/structured-data.ts';

/** A piece of JSON, ready to be copied. */
export interface Piece {
  /** In UTF-8. */
  readonly length: number;
  readonly words: Int32Array;
}

/** Where events are written to. */
export interface Page {
  readonly bytes: Uint8Array;
  /** Of the same bytes. */
  readonly view: DataView;
}

/** Who sent a message, ready to be written: pieces of JSON objects without their braces. */
export interface Sender {
  /** `"network.peer.address":"192.0.2.7"` …; empty where nothing is known. */
  readonly attributes: Piece;
  /** `"host.name":"192.0.2.7"` for a message without a name; empty where the agent's own is right. */
  readonly host: Piece;
}

/** Of a peer of whom only the address is to be told; undefined: this host's own sockets. */
export function senderAt(address: string | undefined): Sender {
  return senderOf(address, address === undefined ? {} : { 'network.peer.address': address });
}

/** `address`: of a peer over the network; undefined for this host's own sockets. `attributes`: what is known of it. */
export function senderOf(address: string | undefined, attributes: Values): Sender {
  const local = address === undefined || address === '::1' || address.startsWith('127.');
  return {
    attributes: piece(JSON.stringify(attributes).slice(1, -1)),
    host: piece(local ? '' : `"host.name":${JSON.stringify(address)}`),
  };
}

export function pageOver(bytes: Uint8Array): Page {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** What `writeEvent` writes at most for a message of so many bytes. */
export function eventBytesMax(messageBytes: number, sender: Sender): number {
  return messageBytes * bytesPerByteMax + sender.attributes.length + sender.host.length + fixedBytesMax;
}

/**
 * Writes the message and a line feed to `out` from `at` on, where there is room for `eventBytesMax`; gives the end. A message whose header
 * is no UTF-8 becomes `unparsed`.
 */
export function writeEvent(bytes: Uint8Array, message: Message, sender: Sender, out: Page, at: number): number {
  let next = writeHeader(bytes, message, sender, out, at);
  if (next === -1) {
    clear(message, message.whole.from, message.whole.to);
    next = writeHeader(bytes, message, sender, out, at);
  }
  return writeBody(bytes, message.body, out, next);
}

/** Up to the body; −1 where a part is no UTF-8. */
function writeHeader(bytes: Uint8Array, message: Message, sender: Sender, out: Page, at: number): number {
  let next = put(words.begin, out, at);
  if (message.timeLength > 0) {
    next = put(words.timestamp, out, next);
    for (let i = 0; i < message.timeLength; i++) out.bytes[next++] = message.time[i]!;
    next = put(words.endOfText, out, next);
  }
  const severity = message.priority === -1 ? message.codeSeverity : message.priority & 7;
  if (severity !== -1) next = put(severities[severity]!, out, next);
  next = writeResource(bytes, message, sender, out, next);
  return next === -1 ? -1 : writeAttributes(bytes, message, sender, out, next);
}

function writeResource(bytes: Uint8Array, message: Message, sender: Sender, out: Page, at: number): number {
  const { host, app } = message;
  const named = host.to > host.from;
  if (!named && app.to === app.from && sender.host.length === 0) return at;
  let next = put(words.resource, out, at);
  if (named) next = writeField(words.host, bytes, host, out, next);
  else if (sender.host.length > 0) {
    next = put(sender.host, out, next);
    out.bytes[next++] = comma;
  }
  if (next !== -1) next = writeField(words.service, bytes, app, out, next);
  return next === -1 ? -1 : endObject(out, next);
}

function writeAttributes(bytes: Uint8Array, message: Message, sender: Sender, out: Page, at: number): number {
  const begun = put(words.attributes, out, at);
  let next = begun;
  if (message.priority !== -1) next = put(facilities[message.priority >> 3]!, out, next);
  else if (message.form === 'unparsed') next = put(words.unparsed, out, next);
  next = writeField(words.process, bytes, message.process, out, next);
  if (next !== -1) next = writeField(words.id, bytes, message.id, out, next);
  if (next !== -1) next = writeField(words.sequence, bytes, message.sequence, out, next);
  if (next !== -1) next = writeData(bytes, message.data, out, next);
  if (next === -1) return -1;
  if (sender.attributes.length > 0) {
    next = put(sender.attributes, out, next);
    out.bytes[next++] = comma;
  }
  return next === begun ? at : endObject(out, next);
}

/** A key and a text, with a comma behind them; nothing for an empty part. */
function writeField(key: Piece, bytes: Uint8Array, span: Span, out: Page, at: number): number {
  if (span.to === span.from) return at;
  const next = writeText(bytes, span.from, span.to, out.bytes, put(key, out, at));
  return next === -1 ? -1 : put(words.endOfText, out, next);
}

function writeData(bytes: Uint8Array, { from, to }: Span, out: Page, at: number): number {
  if (to === from) return at;
  if (!isUtf8(bytes.subarray(from, to))) return -1;
  const next = put(words.data, out, at);
  const json = structuredDataJson(bytes, from, to);
  return put(words.comma, out, next + bufferOver(out.bytes).write(json, next));
}

function writeBody(bytes: Uint8Array, { from, to }: Span, out: Page, at: number): number {
  const text = writeText(bytes, from, to, out.bytes, put(words.body, out, at));
  if (text !== -1) return put(words.endOfEvent, out, text);
  const next = put(words.bytesBody, out, at);
  const base64 = bufferOver(bytes).toString('base64', from, to);
  return put(words.endOfBytesBody, out, next + bufferOver(out.bytes).write(base64, next, 'latin1'));
}

/** In place of the comma behind its last part. */
function endObject(out: Page, at: number): number {
  out.bytes[at - 1] = braceEnd;
  out.bytes[at] = comma;
  return at + 1;
}

/** Four bytes at a time; what that writes too much is written over by what follows. */
function put({ words, length }: Piece, out: Page, at: number): number {
  for (let i = 0; i < words.length; i++) out.view.setInt32(at + i * 4, words[i]!, true);
  return at + length;
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function piece(text: string): Piece {
  const bytes = Buffer.alloc((Buffer.byteLength(text) + 3) & ~3);
  const length = bytes.write(text);
  return { length, words: Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(at * 4)) };
}

const comma = 0x2c;
const braceEnd = 0x7d;
/** All keys, numbers and a time; no message brings more than these. */
const fixedBytesMax = 512;

const words = {
  begin: piece('{'),
  timestamp: piece('"timestamp":"'),
  resource: piece('"resource":{'),
  host: piece('"host.name":"'),
  service: piece('"service.name":"'),
  attributes: piece('"attributes":{'),
  unparsed: piece('"tailspool.unparsed":true,'),
  process: piece('"syslog.procid":"'),
  id: piece('"syslog.msgid":"'),
  sequence: piece('"syslog.sequence":"'),
  data: piece('"syslog.structured_data":'),
  comma: piece(','),
  endOfText: piece('",'),
  body: piece('"body":"'),
  endOfEvent: piece('"}\n'),
  bytesBody: piece('"body":{"bytes":"'),
  endOfBytesBody: piece('"}}\n'),
} as const;

/** OpenTelemetry's numbers (data model, appendix B) and syslog's names, by the code of the severity. */
const severities = (
  [
    [21, 'emerg'],
    [19, 'alert'],
    [18, 'crit'],
    [17, 'err'],
    [13, 'warning'],
    [10, 'notice'],
    [9, 'info'],
    [5, 'debug'],
  ] as const
).map(([number, text]) => piece(`"severityNumber":${number},"severityText":"${text}",`));

const facilities = Array.from({ length: 24 }, (_, code) => piece(`"syslog.facility.code":${code},`));
