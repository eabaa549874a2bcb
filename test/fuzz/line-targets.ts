/** What becomes of lines: whatever the bytes are, all of them are taken, and in two pieces they give the same records as in one. */
import assert from 'node:assert/strict';
import { ContainerLines } from '../../collectors/containers/shape.ts';
import { encodingOf } from '../../collectors/shared/encodings.ts';
import type { Shape } from '../../collectors/shared/shape.ts';
import { shapeOf } from '../../collectors/shared/shapes.ts';
import { traceSetNames } from '../../collectors/shared/traces.ts';
import type { Target } from './target.ts';

const groups = {
  start: /^\d/,
  continue: /^\s/,
  traces: traceSetNames,
  timeoutMs: 1000,
  linesMax: 4,
  bytesMax: 60,
} as const;
const trace = Buffer.from(
  '1 a\n b\njava.lang.Error: x\n\tat a.b(C.java:1)\nTraceback (most recent call last):\n  File\nE: 1\n\npanic: x\n',
);
const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('1 ਊ a\n b\r\n2\n', 'utf16le')]);
const container = Buffer.from(
  '2026-01-02T03:04:05.6Z stdout P one\n2026-01-02T03:04:05.6+01:00 stderr F two\n{"log":"three\\n","stream":"stdout","time":"2026-01-02T03:04:05Z","attrs":{"a":"b"}}\n',
);
const encodings = ['utf-16', 'utf-16be', 'utf-8', 'shift_jis', 'gb18030', 'iso-2022-jp', 'big5', 'latin1'];

const encoded = encodings.map(
  (name) => shapeOf({ encoding: encodingOf(name), multiline: undefined, maxLineBytes: 40 })!,
);
const grouped = [undefined, 'utf-16', 'euc-jp'].map(
  (encoding) => shapeOf({ encoding, multiline: groups, maxLineBytes: 40 })!,
);
const containers = [undefined, groups].map((multiline) => new ContainerLines({ multiline, maxLineBytes: 50 }));

export const lineTargets: readonly Target[] = [
  { name: 'lines in other encodings', from: 'disk', valid: [wide], run: (input) => sameInPieces(encoded, input) },
  { name: 'groups of lines', from: 'disk', valid: [trace, wide], run: (input) => sameInPieces(grouped, input) },
  { name: "containers' lines", from: 'disk', valid: [container], run: (input) => sameInPieces(containers, input) },
];

function sameInPieces(shapes: readonly Shape[], input: Buffer): void {
  for (const shape of shapes) {
    const whole = recordsOf(shape, input, input.length);
    assert.deepEqual(recordsOf(shape, input, Math.ceil(input.length / 2)), whole);
    assert.deepEqual(recordsOf(shape, input, 7), whole);
    for (const record of whole) {
      assert.equal(record.indexOf('\n'), record.length - 1, 'one line feed, at the end');
      if (shape.format === 'json') assert.equal(typeof JSON.parse(record), 'object');
    }
  }
}

/** Of input that comes in pieces of one length; nothing is forced before the end. */
function recordsOf(shape: Shape, input: Buffer, length: number): string[] {
  const records: string[] = [];
  let memory = { unterminated: false, state: 0 };
  let offset = 0;
  const take = (upto: number, ends: boolean): boolean => {
    if (upto <= offset) return false;
    const fresh = { bytes: input.subarray(offset, upto), offset, start: input.subarray(0, Math.min(3, upto)), ends };
    const shaped = shape.cut({ ...fresh, ...memory });
    for (const record of shaped.records) records.push(Buffer.from(record).toString());
    memory = { unterminated: shaped.unterminated, state: shaped.state };
    offset += shaped.taken;
    return shaped.taken > 0;
  };
  for (let upto = Math.min(length, input.length); ; upto = Math.min(upto + length, input.length)) {
    while (take(upto, false));
    if (upto === input.length) break;
  }
  while (take(input.length, true));
  assert.equal(offset, input.length, 'all of it is taken');
  return records;
}
