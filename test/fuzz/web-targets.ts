/** Decoders of what is sent by HTTP: JSON as bytes, and bodies. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { Budget } from '../../collectors/blocks/budget.ts';
import { recordsOf } from '../../collectors/http/records.ts';
import { eventsOfJson } from '../../collectors/otlp/json.ts';
import { eventsOfProtobuf } from '../../collectors/otlp/protobuf.ts';
import { Malformed } from '../../collectors/otlp/wire.ts';
import { JsonScanner } from '../../collectors/shared/json-scanner.ts';
import { Content } from '../../collectors/web/content.ts';
import { Refusal } from '../../collectors/web/refusal.ts';
import { eventOf, type Value } from '../../spool/event.ts';
import { fullJson, fullProtobuf } from '../collectors/otlp/requests.ts';
import type { Target } from './target.ts';

const values = [
  '{"a":[1,-2.5e+7,0.0E-1],"\\u00e9\\n\\"":{"b":null,"c":[]}, "d":{},"e":true}',
  ' [ [ [ false , "x" ] ] , {"k" : "v"} ] ',
  '"text \\ud83d\\ude00 / \\/"',
  '-0',
].map((text) => Buffer.from(text));

export const webTargets: readonly Target[] = [
  {
    name: 'JSON as bytes',
    from: 'wire',
    valid: values,
    run(input) {
      if (!isUtf8(input)) return;
      const scanner = new JsonScanner();
      const good = scanner.value(input, 0, input.length);
      const whole = good && JsonScanner.skip(input, scanner.at, input.length) === input.length;
      assert.ok(scanner.at >= 0 && scanner.at <= input.length);
      assert.ok(whole || good || scanner.why !== '');
      if (scanner.why.startsWith('more than')) return;
      // A byte order mark is white space to nobody but a decoder of text.
      const parsed = parse(input);
      assert.equal(whole, parsed !== undefined, `${scanner.why} at ${scanner.at}`);
    },
  },
  {
    name: 'body of a request',
    from: 'wire',
    valid: [Buffer.from('one\n\ntwo\r\nthree'), Buffer.from('{"a":1}\n\n {"b":[1,2]}\r\n"x"'), ...values],
    run(input) {
      const lines = take(input, 'lines')!;
      const expected = input.length === 0 ? '' : input.toString('latin1').replace(/[^\n]$/, '$&\n');
      assert.equal(lines.text, expected);
      for (const format of ['ndjson', 'json'] as const) {
        const got = take(input, format);
        if (!got) continue;
        const records = got.text.split('\n').slice(0, -1);
        assert.equal(records.length, got.count);
        const parsed = records.map((record) => parse(Buffer.from(record, 'latin1'))!.value);
        assert.deepEqual(parsed, expectedValues(input, format, parsed.length));
      }
    },
  },
  {
    name: 'OTLP logs as protobuf',
    from: 'wire',
    valid: [fullProtobuf],
    run: (input) => soundEvents(() => eventsOfProtobuf(input)),
  },
  {
    name: 'OTLP logs as JSON',
    from: 'wire',
    valid: [Buffer.from(fullJson)],
    run: (input) => soundEvents(() => eventsOfJson(input)),
  },
];

function soundEvents(read: () => Iterable<string>): void {
  try {
    for (const line of read()) {
      assert.ok(!line.includes('\n'));
      const value = JSON.parse(line) as Value;
      assert.equal(eventOf(value), value, 'an event, not the body of one');
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
}

function take(input: Buffer, format: 'lines' | 'ndjson' | 'json') {
  const budget = new Budget(1 << 26);
  using content = new Content(budget, 1 << 24);
  // In two pieces, as it may come.
  content.add(input.subarray(0, input.length >> 1));
  content.add(input.subarray(input.length >> 1));
  try {
    const { bytes, count } = recordsOf(content, format, 'event');
    return { text: Buffer.from(bytes).toString('latin1'), count };
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    assert.match(error.message, /^(Record \d+, at byte \d+ of the body: |The body is JSON and not UTF-8)/);
    return undefined;
  }
}

/** What a slower reader makes of it: lines one by one; or the values of arrays in a sequence, where the whole is one value. */
function expectedValues(input: Buffer, format: 'ndjson' | 'json', count: number): unknown[] {
  if (format === 'ndjson') {
    const lines = input.toString('utf8').split('\n');
    return lines.filter((line) => /[^ \t\r]/.test(line)).map((line) => JSON.parse(line) as unknown);
  }
  const whole = parse(input)?.value;
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  // Several values in a row: only that each parses, and how many there are, is told.
  return Array.from({ length: count }, (_, index) => seriesOf(input)[index]);
}

function seriesOf(input: Buffer): unknown[] {
  const found: unknown[] = [];
  const scanner = new JsonScanner();
  for (let at = JsonScanner.skip(input, 0, input.length); at < input.length; ) {
    assert.ok(scanner.value(input, at, input.length));
    const value = parse(input.subarray(at, scanner.at))!.value;
    found.push(...(Array.isArray(value) ? value : [value]));
    at = JsonScanner.skip(input, scanner.at, input.length);
  }
  return found;
}

function parse(input: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(input)) as unknown };
  } catch {
    return undefined;
  }
}
