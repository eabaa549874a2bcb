/** The decoder of syslog messages: whatever it is fed with becomes one event, and loses nothing of its text. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Event } from '../../collectors/shared/event.ts';
import { lineOf } from '../collectors/syslog/parsed.ts';
import type { Target } from './target.ts';

const messages = ['rfc-examples.json', 'device-messages.json'].flatMap((file) => {
  const cases = JSON.parse(readFileSync(new URL(`../collectors/syslog/${file}`, import.meta.url), 'utf8'));
  return (cases as { message: string }[]).map(({ message }) => Buffer.from(message));
});

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
];

/** The body is the end of the message, and all of it where nothing was recognised. */
function checkBody(input: Buffer, { body, attributes }: Event): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from((body as { bytes: string }).bytes, 'base64');
  let end = input.length;
  while (end > 0 && [0, 10, 13].includes(input[end - 1]!)) end--;
  const text = input.subarray(0, end);
  assert.ok(text.subarray(end - bytes.length).equals(bytes), 'the body is not the end of the message');
  if (attributes?.['tailspool.unparsed']) assert.equal(bytes.length, end);
}
