/** Blocks that are compressed beside the main thread: in order, whole, counted while they are on their way, and never lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Press } from '../../spool/ports.ts';
import type { Spool } from '../../spool/spool.ts';
import { codec, delivered, temporarySpool, textRun } from './temporary-spool.ts';

test('lines come out in order whichever blocks were compressed beside, and while one is on its way its lines count', async () => {
  const held = heldPress();
  await using dir = temporarySpool({ press: held.press });
  const spool = await dir.open({ syncIntervalMs: 1 });
  const text = await fill(dir, spool, 900_000, () => held.release());
  assert.ok(held.taken >= 3, `${held.taken} blocks were handed over`);
  assert.equal(delivered(dir, spool.outlet('s')).join(''), text);
  await spool.close();
});

test('nothing more is taken while the open block is full and the one before it is still compressed; then it goes on', async () => {
  const held = heldPress();
  await using dir = temporarySpool({ press: held.press });
  const spool = await dir.open({ syncIntervalMs: 10_000 });
  await spool.intake.flush();
  const source = spool.intake.begin(dir.description('/a'));
  let at = 0;
  const add = () => {
    const view = spool.intake.reserve(1000);
    if (view === undefined) return false;
    view.fill(97, 0, 999);
    view[999] = 10;
    spool.intake.commit(textRun({ source, from: at, to: at + 1000, bytes: 1000, records: 1 }));
    at += 1000;
    return true;
  };
  while (add());
  assert.equal(held.waiting, 1);
  assert.equal(at, 2 * 262_000, 'two blocks');
  assert.equal(spool.status().collectors.c?.spooled.bytes, at, 'both count');
  const room = spool.intake.room();
  held.release();
  await room;
  assert.ok(add());
  const flushed = spool.intake.flush();
  while (held.waiting > 0) await held.step();
  await flushed;
  assert.equal(spool.status().collectors.c?.spooled.bytes, at);
  assert.equal(delivered(dir, spool.outlet('s')).join('').length, at);
  await spool.close();
});

test('a block that the other thread fails at is compressed at once, and no further one is handed over', async () => {
  let asked = 0;
  const press: Press = {
    rawBytesMin: 1000,
    compress: () => {
      asked++;
      return Promise.reject(new Error('no'));
    },
  };
  await using dir = temporarySpool({ press });
  const spool = await dir.open({ syncIntervalMs: 1 });
  const text = await fill(dir, spool, 900_000, () => undefined);
  assert.equal(asked, 1);
  assert.equal(delivered(dir, spool.outlet('s')).join(''), text);
  await spool.close();
});

test('closing the spool makes durable what is being compressed', async () => {
  const held = heldPress();
  await using dir = temporarySpool({ press: held.press });
  const spool = await dir.open({ syncIntervalMs: 10_000 });
  await spool.intake.flush();
  const source = spool.intake.begin(dir.description('/a'));
  const bytes = 200_000;
  const line = spool.intake.reserve(bytes)!;
  line.fill(97, 0, bytes - 1);
  line[bytes - 1] = 10;
  spool.intake.commit(textRun({ source, from: 0, to: bytes, bytes, records: 1 }));
  assert.equal(spool.intake.reserve(100_000) === undefined, false, 'the block before is closed');
  assert.equal(held.waiting, 1);
  const closing = spool.close();
  await held.step();
  await closing;
  const again = await dir.open();
  assert.equal(delivered(dir, again.outlet('s')).join('').length, bytes);
  await again.close();
});

test('a source that is introduced in a block on its way is introduced in the next with its newest state', async () => {
  const held = heldPress();
  await using dir = temporarySpool({ press: held.press });
  const spool = await dir.open({ syncIntervalMs: 10_000 });
  await spool.intake.flush();
  const source = spool.intake.begin(dir.description('/a'));
  const state = Buffer.from('the newest state');
  spool.intake.reserve(200_000)!.fill(10, 0, 200_000);
  spool.intake.commit(textRun({ source, from: 0, to: 200_000, bytes: 200_000, records: 200_000, state }));
  spool.intake.reserve(100_000)!.fill(10, 0, 10);
  spool.intake.commit(textRun({ source, from: 200_000, to: 200_010, bytes: 10, records: 10 }));
  held.release();
  await spool.intake.flush();
  assert.deepEqual(Buffer.from(spool.intake.sources.get(source)!.state), state);
  const outlet = spool.outlet('s');
  const states: string[] = [];
  const { decodeHeader } = await import('../../spool/format.ts');
  for (let from = outlet.oldest; ; ) {
    const read = outlet.read(from, 1e6);
    if (read.kind !== 'blocks') break;
    for (const block of read.blocks) {
      const decoded = decodeHeader(block.header);
      if (decoded.kind !== 'header') continue;
      const { descriptions, runs } = decoded.header;
      for (const run of runs) states.push(`${descriptions.length} ${Buffer.from(run.state ?? []).toString()}`);
    }
    from = read.upto;
  }
  assert.deepEqual(states, ['1 the newest state', '1 the newest state']);
  await spool.close();
});

/** A press that answers when it is told to. */
function heldPress() {
  const waiting: (() => void)[] = [];
  let taken = 0;
  let free = false;
  const press: Press = {
    rawBytesMin: 1000,
    async compress(raw, into) {
      taken++;
      if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
      return codec.compress(raw, into);
    },
  };
  return {
    press,
    get waiting() {
      return waiting.length;
    },
    get taken() {
      return taken;
    },
    release() {
      free = true;
      for (const go of waiting.splice(0)) go();
    },
    async step() {
      for (const go of waiting.splice(0)) go();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Commits so many bytes of lines of one source; returns them once they are durable. */
async function fill(
  dir: { description(path: string): Parameters<Spool['intake']['begin']>[0] },
  spool: Spool,
  bytes: number,
  stuck: () => void,
): Promise<string> {
  const source = spool.intake.begin(dir.description('/a'));
  let text = '';
  for (let n = 0; text.length < bytes; n++) {
    const line = Buffer.from(`line ${n} ${'x'.repeat((n * 31) % 500)}\n`);
    let view = spool.intake.reserve(line.length);
    while (view === undefined) {
      const room = spool.intake.room();
      stuck();
      await room;
      view = spool.intake.reserve(line.length);
    }
    view.set(line);
    const from = text.length;
    text += line.toString();
    spool.intake.commit(textRun({ source, from, to: text.length, bytes: line.length, records: 1 }));
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await spool.intake.flush();
  return text;
}
