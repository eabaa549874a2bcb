import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseAddress, parseDuration, parseSize } from '../../../agent/config/units.ts';
import { checked } from './checked.ts';

test('sizes are whole bytes with a decimal or a binary unit', () => {
  const sizes = {
    '0': 0,
    '4096': 4096,
    '7B': 7,
    '64KiB': 65_536,
    '1MB': 1_000_000,
    '10GiB': 10 * 1024 ** 3,
    '1TB': 1e12,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.deepEqual(parseSize(text), { kind: 'ok', value: bytes });
});

test('what is not entirely a size is refused, and says what was meant', () => {
  for (const text of [
    '',
    ' 1',
    '1 KiB',
    '-1',
    '1.5GiB',
    '1e3',
    '0x10',
    'KiB',
    '1KiB/s',
    '1constructor',
    '1toString',
    '١',
  ]) {
    assert.equal(parseSize(text).kind, 'bad', text);
  }
  assert.deepEqual(parseSize('64kib'), {
    kind: 'bad',
    message: 'has an unknown unit `kib`',
    hint: 'did you mean `64KiB`?',
  });
  assert.match(JSON.stringify(parseSize('10G')), /10GB` or `10GiB/);
  assert.equal(parseSize('9999999999999999TiB').kind, 'bad');
});

test('durations need a unit unless they are zero', () => {
  const durations = { '0': 0, '100ms': 100, '5s': 5000, '10m': 600_000, '1h': 3_600_000, '3d': 259_200_000 };
  for (const [text, ms] of Object.entries(durations)) assert.deepEqual(parseDuration(text), { kind: 'ok', value: ms });
  for (const text of ['', '5', '5 s', '1h30m', '-5s', '1.5s', '5S', '5sec', 'ms', '5valueOf']) {
    assert.equal(parseDuration(text).kind, 'bad', text);
  }
  assert.match(JSON.stringify(parseDuration('5')), /5ms.*5s/);
});

test('sizes and durations that are written out are read back as they were', () => {
  checked(
    fc.property(fc.nat(), fc.constantFrom(1, 1000, 1024, 1024 ** 2, 60_000), (count, factor) => {
      const value = (count * factor) % Number.MAX_SAFE_INTEGER;
      assert.deepEqual(parseSize(formatSize(value)), { kind: 'ok', value });
      assert.deepEqual(parseDuration(formatDuration(value)), { kind: 'ok', value });
    }),
  );
});

test('no text makes the parsers throw or give anything but a whole number', () => {
  checked(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.-+ eKMGTiBmshdx') })),
      (text) => {
        for (const parsed of [parseSize(text), parseDuration(text)]) {
          assert.ok(parsed.kind === 'bad' || (Number.isSafeInteger(parsed.value) && parsed.value >= 0), text);
        }
        parseAddress(text);
      },
    ),
  );
});

test('addresses are HOST:PORT, with brackets around IPv6', () => {
  assert.deepEqual(parseAddress('127.0.0.1:8600'), { kind: 'ok', value: { host: '127.0.0.1', port: 8600 } });
  assert.deepEqual(parseAddress('[::1]:0'), { kind: 'ok', value: { host: '::1', port: 0 } });
  assert.deepEqual(parseAddress('localhost:1'), { kind: 'ok', value: { host: 'localhost', port: 1 } });
  for (const text of [
    '8600',
    ':8600',
    '::1:8600',
    'a:b',
    'a:65536',
    'http://a:1',
    'a:1/',
    'a b:1',
    '[::1]',
    '[::1:1',
  ]) {
    assert.equal(parseAddress(text).kind, 'bad', text);
  }
});
