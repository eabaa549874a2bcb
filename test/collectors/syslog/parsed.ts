/** One message through the parser, as the event that it becomes. */

import assert from 'node:assert/strict';
import type { Event } from '../../../collectors/shared/event.ts';
import type { Frame } from '../../../collectors/shared/framing/frame.ts';
import { pageOver } from '../../../collectors/shared/page.ts';
import { Batch } from '../../../collectors/socket/batch.ts';
import type { Encoder } from '../../../collectors/socket/records.ts';
import { eventBytesMax, type Sender, senderOf, writeEvent } from '../../../collectors/syslog/event.ts';
import { newMessage } from '../../../collectors/syslog/parse/message.ts';
import { parseMessage } from '../../../collectors/syslog/parse/parse.ts';
import { Zone } from '../../../collectors/syslog/parse/zone.ts';

export const receivedAt = '2024-05-06T07:10:00Z';

export interface Reading {
  readonly timezone?: string | undefined;
  readonly received?: string | undefined;
  readonly sender?: Sender;
}

/** The line of JSON for what stands between `from` and `to`. */
export function lineOf(bytes: Buffer, from: number, to: number, reading: Reading = {}): Buffer {
  const sender = reading.sender ?? senderOf(undefined, {});
  const zone = new Zone(reading.timezone ?? 'UTC');
  zone.received(Date.parse(reading.received ?? receivedAt));
  const message = newMessage();
  const out = Buffer.alloc(eventBytesMax(to - from, sender));
  parseMessage(bytes, from, to, zone, message);
  const end = writeEvent(pageOver(bytes), message, sender, pageOver(out), 0);
  if (end > out.length) throw new Error(`wrote ${end} bytes where there is room for ${out.length}`);
  return out.subarray(0, end);
}

export function eventOf(message: string | Buffer, reading?: Reading): Event {
  const bytes = Buffer.from(message as string);
  return JSON.parse(lineOf(bytes, 0, bytes.length, reading).toString());
}

/** What an encoder makes of a frame: a record with its line feed; empty where it makes none. */
export function encoded(encode: Encoder, frame: Frame): string {
  const batch = new Batch();
  encode(frame, batch);
  assert.ok(batch.records <= 1);
  return Buffer.from(batch.bytes).toString();
}
