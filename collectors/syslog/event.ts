/**
 * A parsed message as an event (docs/events.md), written as one line of JSON straight into the bytes of a block: no string is made
 * of the message, but for structured data and for bodies that are no UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import type { Values } from '../shared/event.ts';
import { bytesPerByteMax, type Piece, piece, put, writeText } from '../shared/json-text.ts';
import type { Page } from '../shared/page.ts';
import { clear, type Message, type Span } from './parse/message.ts';
import { structuredDataJson } from './parse/structured-data.ts';

/** Who sent a message, as the pieces of JSON that it adds. */
export interface Sender {
  /** `"network.peer.address":"192.0.2.7"},"body":"`: the last attributes, and on to the body; empty where nothing is known. */
  readonly tail: Piece;
  /** `"resource":{"host.name":"192.0.2.7` for a message without a name; empty where the agent's own is right. */
  readonly host: Piece;
}

/** Of a peer of whom only the address is to be told; undefined: this host's own sockets. */
export function senderAt(address: string | undefined): Sender {
  return senderOf(address, address === undefined ? {} : { 'network.peer.address': address });
}

/** `address`: of a peer over the network; undefined for this host's own sockets. `attributes`: what is known of it. */
export function senderOf(address: string | undefined, attributes: Values): Sender {
  const local = address === undefined || address === '::1' || address.startsWith('127.');
  const last = JSON.stringify(attributes).slice(1);
  return {
    tail: piece(last === '}' ? '' : `${last},"body":"`),
    host: piece(local ? '' : `"resource":{"host.name":${JSON.stringify(address).slice(0, -1)}`),
  };
}

/** What `writeEvent` writes at most for a message of so many bytes. */
export function eventBytesMax(messageBytes: number, sender: Sender): number {
  return messageBytes * bytesPerByteMax + sender.tail.length + sender.host.length + fixedBytesMax;
}

/**
 * Writes the message and a line feed to `out` from `at` on, where there is room for `eventBytesMax`; gives the end. A message whose header
 * is no UTF-8 becomes `unparsed`.
 */
export function writeEvent(source: Page, message: Message, sender: Sender, out: Page, at: number): number {
  let next = writeHeader(source, message, sender, out, at);
  if (next === -1) {
    clear(message, message.whole.from, message.whole.to);
    next = writeHeader(source, message, sender, out, at);
  }
  return writeBody(source, message.body, out, next);
}

/** Up to the body's value; −1 where a part is no UTF-8. */
function writeHeader(source: Page, message: Message, sender: Sender, out: Page, at: number): number {
  let next = message.timeLength === 0 ? put(words.begin, out, at) : writeTime(message, out, at);
  const severity = message.priority === -1 ? message.codeSeverity : message.priority & 7;
  if (severity !== -1) next = put(severities[severity]!, out, next);
  next = writeResource(source, message, sender, out, next);
  return next === -1 ? -1 : writeAttributes(source, message, sender, out, next);
}

function writeTime({ timeLength, time }: Message, out: Page, at: number): number {
  const next = put(words.timestamp, out, at);
  for (let i = 0; i < timeLength; i++) out.bytes[next + i] = time[i]!;
  return put(words.endOfText, out, next + timeLength);
}

/** One piece for each way in which the parts follow each other: these are most of what is written. */
function writeResource(source: Page, { host, app }: Message, sender: Sender, out: Page, at: number): number {
  let next = at;
  if (host.to > host.from) next = writeText(source, host.from, host.to, out, put(words.host, out, next));
  else if (sender.host.length > 0) next = put(sender.host, out, next);
  if (next === -1) return -1;
  if (app.to > app.from) {
    const key = next === at ? words.service : words.serviceToo;
    next = writeText(source, app.from, app.to, out, put(key, out, next));
  }
  return next <= at ? next : put(words.endOfResource, out, next);
}

function writeAttributes(source: Page, message: Message, sender: Sender, out: Page, at: number): number {
  let next = at;
  if (message.priority !== -1) next = put(facilities[message.priority >> 3]!, out, next);
  else next = put(message.form === 'unparsed' ? words.unparsed : words.attributes, out, next);
  next = writeField(words.process, source, message.process, out, next);
  if (next !== -1) next = writeField(words.id, source, message.id, out, next);
  if (next !== -1) next = writeField(words.sequence, source, message.sequence, out, next);
  if (next !== -1) next = writeData(source, message.data, out, next);
  if (next === -1) return -1;
  if (sender.tail.length > 0) return put(sender.tail, out, next);
  if (out.bytes[next - 1] !== comma) return put(words.body, out, at);
  out.bytes[next - 1] = braceEnd;
  return put(words.bodyToo, out, next);
}

/** A key and a text, with a comma behind them; nothing for an empty part. */
function writeField(key: Piece, source: Page, span: Span, out: Page, at: number): number {
  if (span.to === span.from) return at;
  const next = writeText(source, span.from, span.to, out, put(key, out, at));
  return next === -1 ? -1 : put(words.endOfText, out, next);
}

function writeData(source: Page, { from, to }: Span, out: Page, at: number): number {
  if (to === from) return at;
  if (!isUtf8(source.bytes.subarray(from, to))) return -1;
  const next = put(words.data, out, at);
  const json = structuredDataJson(source.bytes, from, to);
  return put(words.comma, out, next + bufferOver(out.bytes).write(json, next));
}

/** `at`: behind the quote that begins a text. */
function writeBody(source: Page, { from, to }: Span, out: Page, at: number): number {
  const text = writeText(source, from, to, out, at);
  if (text !== -1) return put(words.endOfEvent, out, text);
  const next = put(words.bytesBody, out, at - 1);
  const base64 = bufferOver(source.bytes).toString('base64', from, to);
  return put(words.endOfBytesBody, out, next + bufferOver(out.bytes).write(base64, next, 'latin1'));
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const comma = 0x2c;
const braceEnd = 0x7d;
/** All keys, numbers and a time; no message brings more than these. */
const fixedBytesMax = 512;

const words = {
  begin: piece('{'),
  timestamp: piece('{"timestamp":"'),
  endOfText: piece('",'),
  host: piece('"resource":{"host.name":"'),
  service: piece('"resource":{"service.name":"'),
  serviceToo: piece('","service.name":"'),
  endOfResource: piece('"},'),
  attributes: piece('"attributes":{'),
  unparsed: piece('"attributes":{"tailspool.unparsed":true,'),
  process: piece('"syslog.procid":"'),
  id: piece('"syslog.msgid":"'),
  sequence: piece('"syslog.sequence":"'),
  data: piece('"syslog.structured_data":'),
  comma: piece(','),
  body: piece('"body":"'),
  bodyToo: piece(',"body":"'),
  endOfEvent: piece('"}\n'),
  bytesBody: piece('{"bytes":"'),
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

const facilities = Array.from({ length: 24 }, (_, code) => piece(`"attributes":{"syslog.facility.code":${code},`));
