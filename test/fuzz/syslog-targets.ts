/** The decoder of syslog messages: whatever it is fed with becomes one event, and loses nothing of its text. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Event } from '../../collectors/shared/event.ts';
import type { Frame } from '../../collectors/shared/framing/framing.ts';
import { ToldApart } from '../../collectors/shared/framing/told-apart.ts';
import { SyslogEncoding } from '../../collectors/syslog/encoder.ts';
import { encoded, lineOf } from '../collectors/syslog/parsed.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import type { Target } from './target.ts';

const messages = ['rfc-examples.json', 'device-messages.json'].flatMap((file) => {
  const cases = JSON.parse(readFileSync(new URL(`../collectors/syslog/${file}`, import.meta.url), 'utf8'));
  return (cases as { message: string }[]).map(({ message }) => Buffer.from(message));
});

const streams = [
  Buffer.from('<13>May  6 07:08:09 host app: one\n<34>1 - h a - - [x y="\u00e4"] two\r\n\n<13>three'),
  Buffer.from('14 <13>app: a\nb c29 <34>1 2024-05-06T07:08:09Z h a'),
  Buffer.from(`<13>app: nul\0<13>app: ${'long '.repeat(40)}\0`),
];

/** What stands around a message in a stream; it must not be looked at. */
const surroundings = [
  [Buffer.from('<13>1 '), Buffer.from('9:09 UTC: %A-1-B: [x]" -\n')],
  [Buffer.from('\\'), Buffer.from([0xbb, 0xbf, 0x5d, 0x3a, 0x20])],
] as const;

export const syslogTargets: readonly Target[] = [
  {
    name: 'syslog messages',
    from: 'wire',
    valid: messages,
    run(input) {
      const line = lineOf(input, 0, input.length);
      assert.equal(line.indexOf(0x0a), line.length - 1);
      const event: Event = JSON.parse(line.toString());
      checkBody(input, event);
      for (const [before, behind] of surroundings) {
        const stream = Buffer.concat([before, input, behind]);
        assert.equal(lineOf(stream, before.length, before.length + input.length).toString(), line.toString());
      }
    },
  },
  {
    name: 'syslog streams',
    from: 'wire',
    valid: streams,
    run(input) {
      const whole = recordsOf(input, input.length || 1);
      for (const size of [1, 3, 64]) assert.deepEqual(recordsOf(input, size), whole);
      assert.ok(whole.every((line) => typeof JSON.parse(line) === 'object'));
    },
  },
];

/** As text; without what stood there when nothing could be cut any more, which is a matter of pieces. */
function recordsOf(input: Buffer, size: number): string[] {
  const framing = new ToldApart(64);
  const encode = new SyslogEncoding('UTC', new SimulatedClock()).encoder({ address: '192.0.2.1', port: 514 });
  const records: string[] = [];
  const take = (frame: Frame | undefined) => {
    if (frame === undefined || frame.flaws?.malformed) return frame;
    const record = encoded(encode, frame);
    if (record !== '') records.push(record.slice(0, -1));
    return frame;
  };
  for (let at = 0; at < input.length && framing.broken === undefined; at += size) {
    framing.feed(input.subarray(at, at + size));
    while (take(framing.next()) !== undefined);
  }
  take(framing.finish(true));
  return records;
}

/** The body is the end of the message, and all of it where nothing was recognised. */
function checkBody(input: Buffer, { body, attributes }: Event): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from((body as { bytes: string }).bytes, 'base64');
  let end = input.length;
  while (end > 0 && [0, 10, 13].includes(input[end - 1]!)) end--;
  const text = input.subarray(0, end);
  assert.ok(text.subarray(end - bytes.length).equals(bytes), 'the body is not the end of the message');
  if (attributes?.['tailspool.unparsed']) assert.equal(bytes.length, end);
}
