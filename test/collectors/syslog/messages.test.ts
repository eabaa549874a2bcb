/** What the RFCs' examples and the messages of real devices become. The data files have each message and its event. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Event } from '../../../collectors/shared/event.ts';
import { senderOf } from '../../../collectors/syslog/event.ts';
import { eventOf } from './parsed.ts';

interface Case {
  readonly name: string;
  readonly message: string;
  readonly timezone?: string;
  readonly received?: string;
  readonly event: Event;
}

for (const file of ['rfc-examples.json', 'device-messages.json']) {
  const cases: Case[] = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  for (const { name, message, event, ...reading } of cases)
    test(`${file}: ${name}`, () => {
      assert.deepEqual(eventOf(message, reading), event);
    });
}

test('each severity has the number of the OpenTelemetry data model, and each facility its code', () => {
  const numbers = [21, 19, 18, 17, 13, 10, 9, 5];
  const names = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
  for (let priority = 0; priority < 192; priority++) {
    const event = eventOf(`<${priority}>May  6 07:08:09 host app: text`);
    assert.equal(event.severityNumber, numbers[priority % 8]);
    assert.equal(event.severityText, names[priority % 8]);
    assert.equal(event.attributes?.['syslog.facility.code'], Math.floor(priority / 8));
  }
});

test('a message without a host is of the address that sent it, unless that is this host', () => {
  const from = (address: string) =>
    eventOf('<13>app: text', { sender: senderOf(address, { 'network.peer.address': address }) });
  assert.deepEqual(from('192.0.2.7').resource, { 'host.name': '192.0.2.7', 'service.name': 'app' });
  assert.deepEqual(from('192.0.2.7').attributes, { 'syslog.facility.code': 1, 'network.peer.address': '192.0.2.7' });
  assert.deepEqual(from('127.0.0.1').resource, { 'service.name': 'app' });
  assert.deepEqual(from('::1').resource, { 'service.name': 'app' });
  assert.deepEqual(eventOf('<13>app: text').resource, { 'service.name': 'app' });
  const named = eventOf('<13>May  6 07:08:09 host app: text', { sender: senderOf('192.0.2.7', {}) });
  assert.deepEqual(named.resource, { 'host.name': 'host', 'service.name': 'app' });
});

test('a body that is not UTF-8 keeps its bytes', () => {
  const body = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x00, 0x62]);
  const event = eventOf(Buffer.concat([Buffer.from('<13>May  6 07:08:09 host app: '), body]));
  assert.deepEqual(event.body, { bytes: body.toString('base64') });
  assert.equal(event.resource?.['host.name'], 'host');
});

test('a header that is not UTF-8 makes the whole message the body, and says so', () => {
  for (const text of [
    '<13>1 - h\xff app - - - text',
    '<13>1 - h app - - [x y="\xff"] text',
    '<13>May  6 07:08:09 h \xff: t',
  ]) {
    const message = Buffer.from(text, 'latin1');
    assert.deepEqual(eventOf(message), {
      attributes: { 'tailspool.unparsed': true },
      body: { bytes: message.toString('base64') },
    });
  }
});

test('bytes like those of UTF-8 that are none are not taken for it', () => {
  // Overlong forms, surrogates, beyond U+10FFFF, cut off, a lone continuation (Unicode 3.9, table 3-7).
  for (const hex of ['c0af', 'e080af', 'f08080af', 'eda080', 'f4908080', 'f5808080', 'e28c', 'f09f92', '80', 'ff']) {
    const body = Buffer.from(hex, 'hex');
    const event = eventOf(Buffer.concat([Buffer.from('<13>app: '), body]));
    assert.deepEqual(event.body, { bytes: body.toString('base64') }, hex);
  }
  for (const text of ['\u0080', '߿', 'ࠀ', '\ud7ff', '￿', '\u{10000}', '\u{10ffff}'])
    assert.equal(eventOf(`<13>app: ${text}`).body, text);
});

test('a parameter of structured data may have any name', () => {
  const event = eventOf('<13>1 - h a - - [__proto__ constructor="1"][__proto__ toString="2" constructor="3"] text');
  const data = event.attributes?.['syslog.structured_data'];
  assert.equal(JSON.stringify(data), '{"__proto__":{"constructor":["1","3"],"toString":"2"}}');
});
