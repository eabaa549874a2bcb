/** Both codecs, through the same tests: what they write is what `zstd` reads, and nothing but a whole sound frame is taken. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { chooseCodec } from '../../../agent/host/codec.ts';
import { openZlibCodec } from '../../../agent/host/codec-zlib.ts';
import { openNapiCodec, type ZstdBinding } from '../../../agent/host/codec-zstd-napi.ts';
import { soleFrame } from '../../../agent/host/zstd-frame.ts';
import type { Codec } from '../../../spool/ports.ts';

const binding = tryBinding();
const codecs: [string, Codec | undefined][] = [
  ['zstd-napi', binding && openNapiCodec(binding)],
  ['node:zlib on a kept context', openZlibCodec()],
  ['node:zlib with a context a call', openZlibCodec(1, false)],
];

for (const [name, codec] of codecs) {
  const options = codec === undefined ? { skip: 'the addon is not installed' } : {};

  test(`${name}: what is compressed comes back, at every size`, options, () => {
    for (const size of [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_792, 262_144, 1_000_000, 5_000_000]) {
      for (const raw of [lines(size), noise(size)]) {
        const frame = compress(codec!, raw);
        assert.ok(frame.length <= codec!.frameBytesMax(size));
        assert.deepEqual(soleFrame(frame), { frameBytes: frame.length, contentBytes: size });
        const into = Buffer.alloc(size);
        assert.equal(codec!.expand(frame, into), size);
        assert.ok(into.equals(raw));
      }
    }
  });

  test(`${name}: frames carry their content size and checksum, are at level 1, and zstd -t takes them`, options, () => {
    const raw = lines(300_000);
    const frame = compress(codec!, raw);
    assert.equal(frame[4]! & 0b100, 0b100, 'checksum flag');
    assert.equal(frame.length, compress(openZlibCodec(1, false), raw).length, 'as long as any level 1');
    const zstd = spawnSync('zstd', ['-dc'], { input: frame, maxBuffer: 1 << 24 });
    if (zstd.error === undefined) assert.ok(zstd.stdout.equals(raw), zstd.stderr.toString());
  });

  test(`${name}: the result starts at the start of the buffer and nothing behind it is touched`, options, () => {
    const raw = lines(1000);
    const into = Buffer.alloc(codec!.frameBytesMax(raw.length) + 10, 7);
    const length = codec!.compress(raw, into.subarray(0, -10));
    assert.ok(into.subarray(-10).equals(Buffer.alloc(10, 7)));
    const back = Buffer.alloc(raw.length + 10, 7);
    assert.equal(codec!.expand(into.subarray(0, length), back), raw.length);
    assert.ok(back.subarray(-10).equals(Buffer.alloc(10, 7)));
  });

  test(`${name}: every single bit flip and every truncation of a frame is refused or harmless`, options, () => {
    const raw = lines(400);
    const frame = compress(codec!, raw);
    const into = Buffer.alloc(1024);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = Buffer.from(frame);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assertSameOrThrows(codec!, flipped, raw, into);
    }
    for (let length = 0; length < frame.length; length++) {
      assert.throws(() => codec!.expand(frame.subarray(0, length), into));
    }
  });

  test(`${name}: anything behind the frame is refused: garbage, a second frame, a skippable one`, options, () => {
    const frame = compress(codec!, lines(100));
    const into = Buffer.alloc(1024);
    const skippable = Buffer.from('502a4d1804000000aabbccdd', 'hex');
    for (const behind of [Buffer.of(0), Buffer.from('garbage'), frame, skippable]) {
      assert.throws(() => codec!.expand(Buffer.concat([frame, behind]), into), /stand behind it/);
      assert.throws(() => codec!.expand(Buffer.concat([behind, frame]), into));
    }
  });

  test(`${name}: a frame that needs more than there is room for is refused before it is expanded`, options, () => {
    const bomb = compress(codec!, Buffer.alloc(10_000_000));
    assert.throws(() => codec!.expand(bomb, Buffer.alloc(9_999_999)), { code: 'ZSTD_TOO_LARGE' });
    const liar = Buffer.from(bomb);
    liar.writeUInt32LE(1000, liar[4]! & 0b100000 ? 5 : 6);
    const into = Buffer.alloc(2000, 7);
    assert.throws(() => codec!.expand(liar, into.subarray(0, 1000)));
    assert.ok(into.subarray(1000).equals(Buffer.alloc(1000, 7)));
  });

  test(`${name}: works on after a failure, many times over`, options, () => {
    const raw = lines(10_000);
    for (let i = 0; i < 200; i++) {
      assert.throws(() => codec!.expand(Buffer.from('no frame at all'), Buffer.alloc(100)));
      assert.throws(() => codec!.compress(noise(1000), Buffer.alloc(10)));
      const into = Buffer.alloc(raw.length);
      codec!.expand(compress(codec!, raw), into);
      assert.ok(into.equals(raw));
    }
  });
}

test('one codec reads what the other wrote', { skip: binding === undefined }, () => {
  const raw = lines(100_000);
  const [napi, zlib] = [codecs[0]![1]!, codecs[1]![1]!];
  for (const [writer, reader] of [
    [napi, zlib],
    [zlib, napi],
  ] as const) {
    const into = Buffer.alloc(raw.length);
    reader.expand(compress(writer, raw), into);
    assert.ok(into.equals(raw));
  }
});

test('without the addon, or with a broken one, the other codec is taken and the reason told', () => {
  const missing = chooseCodec(() => {
    throw new Error('no such addon\nwith a long story');
  });
  assert.equal(missing.codec.name, 'node:zlib');
  assert.equal(missing.fallbackReason, 'no such addon');
  class Broken {
    setParameter() {}
    compress2() {
      return 12;
    }
    decompress() {
      return 0;
    }
  }
  const parameters = { compressionLevel: 0, minMatch: 3, contentSizeFlag: 1, checksumFlag: 2 };
  const broken = chooseCodec(() => ({ CCtx: Broken, DCtx: Broken, CParameter: parameters }));
  assert.equal(broken.codec.name, 'node:zlib');
});

function assertSameOrThrows(codec: Codec, frame: Buffer, raw: Buffer, into: Buffer): void {
  let length: number;
  try {
    length = codec.expand(frame, into);
  } catch {
    return;
  }
  // Some bits of a header mean nothing (an unused descriptor bit); what counts is that no wrong bytes come out.
  assert.ok(into.subarray(0, length).equals(raw), 'wrong bytes were taken for sound');
}

function compress(codec: Codec, raw: Uint8Array): Buffer {
  const into = Buffer.alloc(codec.frameBytesMax(raw.length));
  return into.subarray(0, codec.compress(raw, into));
}

function lines(bytes: number): Buffer {
  let text = '';
  for (let i = 0; text.length < bytes; i++)
    text += `10.0.${i % 7}.${i % 251} - - "GET /path/${i * 7919} HTTP/1.1" 200 ${i}\n`;
  return Buffer.from(text.slice(0, bytes));
}

/** Incompressible, and the same in every run. */
function noise(bytes: number): Buffer {
  const into = Buffer.alloc(bytes);
  let state = 0x9e3779b9;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    into[i] = state >>> 24;
  }
  return into;
}

function tryBinding(): ZstdBinding | undefined {
  try {
    return createRequire(import.meta.url)('zstd-napi/binding') as ZstdBinding;
  } catch {
    return undefined;
  }
}
