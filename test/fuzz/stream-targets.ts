/** Parsers of what programs beside us send: any cutting of the bytes gives the same records, and nothing makes them throw. */
import assert from 'node:assert/strict';
import { deflateSync, gzipSync } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { forwardedEvent } from '../../collectors/fluent/forwarded-event.ts';
import { readMessage } from '../../collectors/fluent/messages.ts';
import { ValueFramer } from '../../collectors/fluent/value-framer.ts';
import { Chunks, isChunk } from '../../collectors/gelf/chunks.ts';
import { expandMessage, gelfEvent } from '../../collectors/gelf/gelf-event.ts';
import { ExportParser } from '../../collectors/journald/export-parser.ts';
import { journalEvent } from '../../collectors/journald/journal-event.ts';
import { Frames } from '../../collectors/relp/frames.ts';
import { encodeEvent } from '../../collectors/shared/event.ts';
import type { Target } from './target.ts';

const journal = Buffer.concat([
  Buffer.from('__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795457924870151\nPRIORITY=3\nMESSAGE=a=b\nX=1\nX=2\n\n'),
  Buffer.from('_PID=1\nMESSAGE\n\x05\0\0\0\0\0\0\0a\n\nb\xff\nY\n\0\0\0\0\0\0\0\0\n\n', 'latin1'),
]);

const packed = Buffer.concat([encode([1, { log: 'a' }]), encode([[2, { m: 1 }], { message: 'b', n: [1.5, null] }])]);
const forwarded = [
  encode(['t', 1, { log: 'x' }, { chunk: 'c' }]),
  encode(['t', [[1, { log: 'x' }]], {}]),
  encode(['t', packed]),
  encode(['t', gzipSync(packed), { compressed: 'gzip', chunk: 'c' }]),
].map((bytes) => Buffer.from(bytes));

const gelf = Buffer.from(
  '{"version":"1.1","host":"h","short_message":"s","timestamp":1385053862.3072,"level":1,"_a":12345678901234567890,"_b":{"c":[1]}}',
);

export const streamTargets: readonly Target[] = [
  {
    name: 'journal export format',
    from: 'wire',
    valid: [journal],
    run(input) {
      const parse = (size: number) => {
        const parser = new ExportParser(64);
        const found = pieces(input, size).flatMap((piece) => parser.feed(piece));
        for (const one of found) if (one.kind === 'entry') assert.doesNotMatch(encodeEvent(journalEvent(one)), /\n/);
        return found;
      };
      const whole = parse(input.length || 1);
      for (const size of [1, 3, 64]) assert.deepEqual(parse(size), whole);
    },
  },
  {
    name: 'RELP frames',
    from: 'wire',
    valid: [
      Buffer.from(
        '1 open 5 a\nb=c\n2 syslog 3 x\ny\n3 syslog 40 0123456789012345678901234567890123456789\n4 close 0\n',
      ),
    ],
    run(input) {
      const parse = (size: number) => {
        const frames = new Frames(32);
        const copied = pieces(input, size).flatMap((piece) =>
          frames.feed(piece).map((one) => (one.kind === 'frame' ? { ...one, data: one.data.toString('latin1') } : one)),
        );
        return copied;
      };
      const whole = parse(input.length || 1);
      for (const size of [1, 3, 64]) assert.deepEqual(parse(size), whole);
    },
  },
  {
    name: 'Fluent Forward messages',
    from: 'wire',
    valid: [...forwarded, Buffer.concat(forwarded)],
    run(input) {
      const limits = { valueBytesMax: 512, depthMax: 8, partsMax: 100 };
      const parse = (size: number) => {
        const framer = new ValueFramer(limits);
        return pieces(input, size).flatMap((piece) =>
          framer.feed(piece).map((one) => (one.kind === 'value' ? readMessage(one.bytes, limits) : one)),
        );
      };
      const whole = parse(input.length || 1);
      for (const size of [1, 3, 64]) assert.deepEqual(parse(size), whole);
      for (const one of whole) {
        if (one.kind !== 'events') continue;
        for (const entry of one.entries)
          assert.doesNotMatch(encodeEvent(forwardedEvent(entry, { 'fluent.tag': 't' })), /\n/);
      }
    },
  },
  {
    name: 'GELF messages and chunks',
    from: 'wire',
    valid: [
      gelf,
      gzipSync(gelf),
      deflateSync(gelf),
      Buffer.from('\x1e\x0f12345678\x00\x01{"short_message":"x"}', 'latin1'),
    ],
    run(input) {
      const chunks = new Chunks();
      const whole = isChunk(input) ? chunks.add('a', input, 0) : input;
      const message = whole && expandMessage(whole, 1024);
      assert.ok((message?.length ?? 0) <= Math.max(1024, input.length));
      const event = message && gelfEvent(message, { 'network.peer.address': 'a' });
      if (event) assert.doesNotMatch(encodeEvent(event), /\n/);
    },
  },
];

function pieces(input: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(input.length / size) }, (_, n) => input.subarray(n * size, (n + 1) * size));
}
