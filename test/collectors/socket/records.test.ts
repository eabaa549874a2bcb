/** Records of plain sockets, written straight from bytes: what JSON makes of them, whatever the bytes are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesValue } from '../../../collectors/shared/event.ts';
import { Frame, frameOf } from '../../../collectors/shared/framing/frame.ts';
import { pageOver } from '../../../collectors/shared/page.ts';
import { Batch } from '../../../collectors/socket/batch.ts';
import { eventEncoder } from '../../../collectors/socket/records.ts';
import { SeededRandom } from '../../simulation/random.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const pieces = ['plain text', '"', '\\', '\n', '\0', '\x7f', 'größer', '😀', '\ufeff', '\u2028'].map((text) =>
  Buffer.from(text),
);
const broken = ['ff', 'c3', 'eda080', 'f09f98', 'c0af'].map((hex) => Buffer.from(hex, 'hex'));

test('a record is the event that JSON would make of it, for text and for bytes, wherever they stand', (t) => {
  t.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const peer = { address: '192.0.2.1', port: 514 };
  const attributes = { 'network.peer.address': '192.0.2.1', 'network.peer.port': 514 };
  const [encode, batch] = [eventEncoder(peer), new Batch()];
  const expected: string[] = [];
  for (let made = 0; made < 2000; made++) {
    const parts = Array.from({ length: made % 12 }, () => random.pick(random.chance(0.05) ? broken : pieces));
    const bytes = Buffer.concat(made % 500 === 499 ? [...parts, Buffer.alloc(20_000, 'long')] : parts);
    const memory = Buffer.concat([Buffer.from([0xc3]), bytes, Buffer.from([0xbc, 0x22])]);
    encode(new Frame(pageOver(memory), 1, 1 + bytes.length), batch);
    expected.push(JSON.stringify({ attributes, body: bytesValue(bytes) }));
  }
  assert.equal(batch.records, expected.length);
  assert.deepEqual(Buffer.from(batch.bytes).toString().split('\n'), [...expected, '']);
});

test('who has no address adds no attributes, and a flaw is told', () => {
  const [encode, batch] = [eventEncoder({ address: undefined, port: undefined }), new Batch()];
  encode(frameOf(Buffer.from('one')), batch);
  encode(frameOf(Buffer.from([0xff])), batch);
  encode(frameOf(Buffer.from('two'), { truncated: true }), batch);
  assert.equal(
    Buffer.from(batch.bytes).toString(),
    '{"body":"one"}\n{"body":{"bytes":"/w=="}}\n{"attributes":{"tailspool.truncated":true},"body":"two"}\n',
  );
});

test('a batch is full soon, and empty once it is cleared', () => {
  const batch = new Batch();
  for (let added = 0; !batch.full; added++) batch.add(Buffer.alloc(1000, added));
  assert.ok(batch.bytes.length < 64 * 1024);
  batch.addText('ä'.repeat(1_000_000));
  assert.equal(batch.bytes.at(-1), 0x0a);
  batch.clear();
  assert.deepEqual([batch.records, batch.bytes.length, batch.full], [0, 0, false]);
  batch.addText('ä');
  assert.equal(Buffer.from(batch.bytes).toString(), 'ä\n');
});
