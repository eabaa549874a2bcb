import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseCodec } from '../../agent/host/codec.ts';
import { openZlibCodec } from '../../agent/host/codec-zlib.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { CursorFile } from '../../spool/cursor-file.ts';
import { findSpool, inspect } from '../../spool/inspect.ts';
import { foldersOf } from '../../spool/layout.ts';
import type { Codec } from '../../spool/ports.ts';
import { verifySpool } from '../../spool/verify.ts';
import { dump } from './dump.ts';
import { goldenCursor, goldenSegments } from './golden.ts';

const root = join(import.meta.dirname, 'v1');
const spools = ['agent', 'receiver', 'names'];
const codecs: readonly Codec[] = [chooseCodec().codec, openZlibCodec()];
const expected = (spool: string): unknown => JSON.parse(fs.readFileSync(join(root, `${spool}.json`), 'utf8'));

for (const codec of codecs) {
  test(`today's code reads the golden files of version 1 (${codec.name})`, () => {
    for (const spool of spools) {
      assert.deepEqual(JSON.parse(JSON.stringify(dump(join(root, spool), codec))), expected(spool));
      const place = findSpool(hostFiles, join(root, spool))!;
      // The cursor of the golden files stands in the middle of nowhere on purpose.
      verifySpool(hostFiles, codec, { ...place, cursors: undefined }, (finding) =>
        assert.fail(JSON.stringify(finding)),
      );
    }
  });
}

test("today's code writes exactly the golden files of version 1", async () => {
  for (const [path, bytes] of goldenSegments(replaying(codecs[0]!)))
    assert.equal(bytes.toString('hex'), fs.readFileSync(join(root, path)).toString('hex'), path);
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-golden-'));
  fs.mkdirSync(join(folder, 'cursors'));
  const file = new CursorFile(hostFiles, foldersOf(folder), 'central', { kind: 'none' });
  await file.save({ ...goldenCursor, passed: { records: 0, bytes: 0 } });
  await file.save(goldenCursor);
  file.close();
  assert.ok(
    fs.readFileSync(join(folder, 'cursors/central')).equals(fs.readFileSync(join(root, 'agent/cursors/central'))),
  );
  fs.rmSync(folder, { recursive: true });
});

const python = spawnSync('python3', ['--version']).status === 0;
const zstd = spawnSync('zstd', ['--version']).status === 0;
const skip = python && zstd ? false : 'python3 and the zstd command are needed for the independent reader';

test('a reader written from docs/spool-format.md alone reads the same', { skip }, () => {
  for (const spool of spools) {
    const { status, stdout, stderr } = spawnSync('python3', [
      join(import.meta.dirname, 'read_spool.py'),
      join(root, spool),
    ]);
    assert.equal(status, 0, stderr.toString());
    assert.deepEqual(JSON.parse(stdout.toString()), expected(spool));
  }
});

test('ordinary zstd prints the records', { skip: zstd ? false : 'the zstd command is needed' }, () => {
  const folder = join(root, 'agent/spool');
  const files = fs.readdirSync(folder).map((name) => join(folder, name));
  assert.equal(spawnSync('zstd', ['-tq', ...files]).status, 0);
  const printed = spawnSync('zstd', ['-dcq', ...files]).stdout.toString();
  assert.equal(printed, 'one\ntwo\nhalf \n{"a":1}\nwhole\nbehind\n');
});

/** A codec that compresses what stands in the golden files to the frames that stand there, whatever today's zstd makes of it. */
function replaying(codec: Codec): Codec {
  const frames = new Map<string, Uint8Array>();
  const into = Buffer.alloc(1024 * 1024);
  const keep = (frame: Uint8Array | undefined) => {
    if (frame && frame.length > 0)
      frames.set(into.toString('latin1', 0, codec.expand(frame, into)), Uint8Array.from(frame));
  };
  for (const spool of spools)
    for (const found of inspect(hostFiles, findSpool(hostFiles, join(root, spool))!)) {
      if (found.kind !== 'block') continue;
      keep(found.block.header.table);
      keep(found.block.bytes()?.frame);
    }
  return {
    ...codec,
    name: 'replaying',
    frameBytesMax: () => 1024 * 1024,
    expand: (frame, out) => codec.expand(frame, out),
    compress(raw, out) {
      const frame = frames.get(Buffer.from(raw).toString('latin1'));
      assert.ok(frame, `the golden files have no frame of ${Buffer.from(raw).toString('latin1')}`);
      out.set(frame);
      return frame.length;
    },
  };
}
