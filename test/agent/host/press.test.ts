/** The host's press: the same bytes as the codecs make, one frame after the other, and nothing else is touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openZlibCodec } from '../../../agent/host/codec-zlib.ts';
import { hostPress } from '../../../agent/host/press.ts';

const codec = openZlibCodec();

test('what is compressed beside is byte for byte what the codec makes, also when much is asked for at once', async () => {
  const press = hostPress(2)!;
  const raws = [1, 255, 65_536, 262_144, 262_143, 1_000_000].map(lines);
  const frames = await Promise.all(
    raws.map(async (raw) => {
      const into = Buffer.alloc(codec.frameBytesMax(raw.length) + 10, 7);
      const length = await press.compress(raw, into.subarray(0, -10));
      assert.ok(into.subarray(-10).equals(Buffer.alloc(10, 7)));
      return into.subarray(0, length);
    }),
  );
  for (const [index, raw] of raws.entries()) {
    const own = Buffer.alloc(codec.frameBytesMax(raw.length));
    assert.ok(frames[index]!.equals(own.subarray(0, codec.compress(raw, own))), `${raw.length} bytes`);
  }
});

test('what does not fit its buffer is refused, and the next frame is as it should be', async () => {
  const press = hostPress(2)!;
  const raw = lines(100_000);
  await assert.rejects(press.compress(raw, Buffer.alloc(1000)), RangeError);
  const into = Buffer.alloc(codec.frameBytesMax(raw.length));
  const frame = into.subarray(0, await press.compress(raw, into));
  const back = Buffer.alloc(raw.length);
  codec.expand(frame, back);
  assert.ok(back.equals(raw));
});

test('with one processor there is none', () => {
  assert.equal(hostPress(1), undefined);
});

function lines(bytes: number): Buffer {
  let text = '';
  for (let n = 0; text.length < bytes; n++) text += `line ${n} ${(n * 7919) % 10_007} of a log\n`;
  return Buffer.from(text.slice(0, bytes));
}
