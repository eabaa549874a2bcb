import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { Load, lineOf } from '../end-to-end/load.ts';
import { sleep } from '../end-to-end/tailspool.ts';
import { commonHeadOf, Rotator } from './rotator.ts';

test('whatever is rotated, in each style, nothing that was written is destroyed', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-rotator-'));
  const files = Array.from({ length: 12 }, (_, at) => `app${at}.log`);
  const load = new Load({ folder, files, linesPerSecond: 6000, headOf: commonHeadOf });
  const rotator = new Rotator(folder, files, 1);
  load.begin();
  rotator.begin();
  for (const end = Date.now() + 20_000; rotator.rotations < 40 && Date.now() < end; ) await sleep(50);
  await rotator.stop();
  await load.stop();
  assert.ok(rotator.rotations >= 40, `${rotator.rotations} rotations`);
  for (const file of files) {
    const texts = fs
      .readdirSync(folder)
      .filter((name) => name.startsWith(file))
      .map((name) => {
        const bytes = fs.readFileSync(join(folder, name));
        return (name.endsWith('.gz') ? zlib.gunzipSync(bytes) : bytes).toString();
      });
    const lines = texts
      .join('')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const wanted = Array.from({ length: load.written.get(file)! }, (_, number) => lineOf(file, number).trimEnd());
    assert.deepEqual(lines.sort(), wanted.sort());
    assert.equal(texts.join('').length, load.bytes.get(file));
  }
  fs.rmSync(folder, { recursive: true });
});
