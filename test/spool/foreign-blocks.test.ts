import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import type { Position, Run } from '../../spool/nouns.ts';
import type { OpenFile } from '../../spool/ports.ts';
import type { Spool } from '../../spool/spool.ts';
import { BlockMaker, epochOf } from '../shippers/mirror/memory-outlet.ts';
import { codec, temporarySpool } from './temporary-spool.ts';

const blocksCount = 20;

test('finished blocks that wait for one sync are written in one piece', async () => {
  await using dir = temporarySpool();
  const writes: number[] = [];
  Object.assign(dir.ports, { files: withWrites((bytes) => writes.push(bytes.length)) });
  const spool = await dir.open({ syncIntervalMs: 60_000 });
  const frames = await appendForeign(spool);
  assert.deepEqual(framesOf(spool), frames);
  assert.equal(writes.length, 2, `writes of ${writes} bytes: the table, and all else`);
  await spool.close();
});

test('where writing several blocks at once fails, none of them is lost', async () => {
  await using dir = temporarySpool();
  let failed = false;
  const failOnce = (bytes: Uint8Array) => {
    if (failed || bytes.length < 1000) return;
    failed = true;
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  Object.assign(dir.ports, { files: withWrites(failOnce) });
  const spool = await dir.open({ syncIntervalMs: 60_000 });
  const frames = await appendForeign(spool);
  assert.ok(failed);
  assert.deepEqual(framesOf(spool), frames);
  await spool.close();
});

/** The host's files; `look` sees every write to a segment, before it happens. */
function withWrites(look: (bytes: Uint8Array) => void): typeof hostFiles {
  const watched = (file: OpenFile): OpenFile =>
    new Proxy(file, {
      get(target, name) {
        const value = target[name as keyof OpenFile] as (...args: unknown[]) => unknown;
        if (typeof value !== 'function') return value;
        if (name !== 'write') return value.bind(target);
        return (bytes: Uint8Array, position: number) => {
          look(bytes);
          return target.write(bytes, position);
        };
      },
    });
  return {
    ...hostFiles,
    open: (path, mode) => {
      const file = hostFiles.open(path, mode);
      return path.endsWith('.zst') && mode === 'create' ? watched(file) : file;
    },
  };
}

/** All of them are durable when it resolves. */
async function appendForeign(spool: Spool): Promise<string[]> {
  const source = spool.intake.begin({ collector: 'edge', type: 'blocks', resource: {}, attributes: {} });
  const agent = new BlockMaker('ab'.repeat(16), epochOf('cd'.repeat(16)), codec);
  const frames: string[] = [];
  for (let n = 0; n < blocksCount; n++) {
    const bytes = Buffer.from(`line ${n}\n`);
    const block = agent.own({ pieces: [{ source: 1, bytes }] });
    frames.push(block.frame.toString('hex'));
    const cursor = { source, from: n, to: n + 1, mark: new Uint8Array(0), time: 1000 };
    const run: Run = {
      ...cursor,
      format: 'text',
      records: 1,
      bytes: bytes.length,
      continues: false,
      unterminated: false,
    };
    assert.ok(spool.intake.append(run, block) !== undefined);
  }
  await spool.intake.flush();
  return frames;
}

function framesOf(spool: Spool): string[] {
  const outlet = spool.outlet('s');
  const frames: string[] = [];
  for (let at: Position = 0; ; ) {
    const read = outlet.read(at, 1024 * 1024);
    if (read.kind === 'end' || read.kind === 'unreadable') return frames;
    if (read.kind === 'blocks')
      for (const block of read.blocks) if (block.records > 0) frames.push(Buffer.from(block.frame).toString('hex'));
    at = read.upto;
  }
}
