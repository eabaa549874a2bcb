import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../spool/nouns.ts';
import { openSpool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { codec, delivered, linesOf, temporarySpool, textRun, writeLine } from './temporary-spool.ts';
import { options } from './world.ts';

test('lines of one source that follow each other are one run, and a fragment or a dropped range is its own', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open({ syncIntervalMs: 10_000 });
  await spool.intake.flush();
  const source = spool.intake.begin(dir.description('/a'));
  const other = spool.intake.begin(dir.description('/b'));
  let at = 0;
  const line = (number: number, over: object = {}) => {
    const bytes = 5;
    Buffer.from(spool.intake.reserve(bytes)!.buffer);
    spool.intake.reserve(bytes)!.set(Buffer.from('line\n'));
    const length = 'unterminated' in over ? 4 : 5;
    spool.intake.commit(textRun({ source: number, from: at, to: at + length, bytes, records: 1, ...over }));
    at += length;
  };
  line(source);
  line(source);
  line(source, { unterminated: true });
  line(source, { continues: true });
  line(other);
  line(source);
  spool.intake.commit(
    textRun({
      source,
      from: at,
      to: at + 10,
      bytes: 0,
      records: 0,
      dropped: { reason: 'hole', records: -1, bytes: 10 },
    }),
  );
  await spool.intake.flush();
  const { collectors } = spool.status();
  assert.deepEqual(collectors.c?.spooled, { records: 6, bytes: 29 });
  assert.deepEqual(collectors.c?.dropped, { hole: { records: 0, bytes: 10 } });
  const outlet = spool.outlet('s');
  const runs: string[] = [];
  const { decodeHeader } = await import('../../spool/format.ts');
  for (let from = outlet.oldest; ; ) {
    const read = outlet.read(from, 1e6);
    if (read.kind !== 'blocks') break;
    for (const block of read.blocks) {
      const header = decodeHeader(block.header);
      if (header.kind === 'header')
        for (const run of header.header.runs)
          runs.push(
            `${run.source}:${run.records}${run.unterminated ? 'u' : ''}${run.continues ? 'c' : ''}${run.dropped ? 'd' : ''}`,
          );
    }
    from = read.upto;
  }
  assert.deepEqual(runs, [`${source}:3u`, `${source}:1c`, `${other}:1`, `${source}:1`, `${source}:0d`]);
  await spool.close();
});

test('a record of the greatest size that max_line allows fits a block', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a'));
  const long = `${'y'.repeat(limits.maxLineBytesMax)}\n`;
  assert.ok(writeLine(spool, source, 0, 'short\n'));
  assert.ok(writeLine(spool, source, 6, long));
  while (!writeLine(spool, source, 6 + long.length, 'end\n')) await spool.intake.room();
  await spool.intake.flush();
  assert.deepEqual(delivered(dir, spool.outlet('s')), ['short\n', long, 'end\n']);
  await spool.close();
});

test('a thousand quiet sources share a block a second, not one each', async () => {
  const { clock, spool, disk } = await simulated({ syncIntervalMs: 100, segmentBytes: 1e6 });
  const sources = Array.from({ length: 1000 }, (_, n) => ({
    number: spool.intake.begin(described(`/${n}`)),
    offset: 0,
  }));
  await clock.advance(2000);
  const { syncs } = spool.status();
  const before = disk.operations;
  for (let ms = 0; ms < 3000; ms += 3) {
    const source = sources[(ms / 3) % 1000]!;
    assert.ok(writeLine(spool, source.number, source.offset, 'a line\n'));
    source.offset += 7;
    await clock.advance(3);
  }
  assert.ok(spool.status().syncs - syncs <= 10, `${spool.status().syncs - syncs} syncs in 3 s`);
  assert.ok(disk.operations - before < 30);
  await clock.run(spool.close());
});

test('what is read right before a sync is durable with it, and needs no sync of its own', async () => {
  const { clock, spool } = await simulated({ syncIntervalMs: 100 });
  const source = spool.intake.begin(described('/a'));
  assert.ok(writeLine(spool, source, 0, 'a line\n'));
  await clock.advance(10);
  const { syncs } = spool.status();
  const from = spool.intake.nextSync;
  assert.ok(writeLine(spool, source, 7, 'early\n'));
  const readAt: number[] = [];
  spool.intake.beforeSync(() => {
    readAt.push(clock.monotonic());
    assert.ok(writeLine(spool, source, 13, 'gathered\n'));
  });
  const before = spool.intake.durable;
  await clock.advance(105);
  assert.equal(spool.status().syncs, syncs + 1);
  assert.ok(readAt.length === 1 && readAt[0]! >= from, `read once, at ${readAt}, not before ${from}`);
  assert.ok(spool.intake.durable > before);
  const outlet = spool.outlet('s');
  const read = outlet.read(outlet.oldest, 100_000);
  assert.deepEqual(read.kind === 'blocks' && linesOf(read, codec), ['a line\n', 'early\n', 'gathered\n']);
  await clock.run(spool.close());
});

test('a full damaged/ holds reading and goes red until somebody has made room', async () => {
  const { clock, spool, disk } = await simulated({ damagedBytesMax: 5000 });
  const source = spool.intake.begin(described('/a'));
  assert.ok(writeLine(spool, source, 0, 'a line\n'));
  await clock.advance(1000);
  await clock.run(spool.close());
  disk.writeFile('/data/damaged/old.zst', Buffer.alloc(6000));
  const again = await clock.run(openSpool({ ...options, damagedBytesMax: 5000 }, ports(disk, clock)));
  assert.equal(again.intake.reserve(10), undefined);
  assert.equal(again.intake.hold, 'damaged_full');
  assert.deepEqual(
    again.status().problems.map(({ cause, red }) => [cause, red]),
    [['damaged_full', true]],
  );
  disk.world.unlink('/data/damaged/old.zst');
  await clock.advance(3000);
  assert.equal(again.intake.hold, undefined);
  assert.ok(writeLine(again, source, 7, 'next\n'));
  await clock.run(again.close());
});

test('where nothing is to be set aside, damaged/ is never full: what cannot be read is said, and reading goes on', async () => {
  const { clock, spool, disk } = await simulated({ damagedBytesMax: 0 });
  assert.equal(spool.intake.hold, undefined);
  const source = spool.intake.begin(described('/a'));
  assert.ok(writeLine(spool, source, 0, 'a line\n'));
  await clock.run(spool.close());
  const [name] = disk.world.list('/data/spool').map((entry) => entry.name);
  const file = disk.world.open(`/data/spool/${name}`, 'write');
  file.write(Buffer.from('torn'), file.stat().sizeBytes);
  file.close();
  const again = await clock.run(openSpool({ ...options, damagedBytesMax: 0 }, ports(disk, clock)));
  assert.match(again.status().recovered.join(), /4 bytes .* could not be set aside/);
  assert.equal(again.intake.hold, undefined);
  assert.ok(writeLine(again, source, 7, 'next\n'));
  await clock.run(again.close());
});

test('flush resolves when everything before it is durable, and rejects when the spool closes first', async () => {
  const { clock, spool, disk } = await simulated({});
  const source = spool.intake.begin(described('/a'));
  writeLine(spool, source, 0, 'a line\n');
  await clock.run(spool.intake.flush());
  assert.equal(spool.intake.durable, spool.status().end);
  disk.faults = [
    { name: 'dead', effect: ({ kind }) => (kind === 'datasync' ? { kind: 'fail', code: 'EIO' } : undefined) },
  ];
  writeLine(spool, source, 7, 'lost in memory, not in the file\n');
  const flushed = assert.rejects(spool.intake.flush(), /closed/);
  await clock.advance(500);
  await clock.run(spool.close());
  await clock.run(flushed);
});

function ports(disk: SimulatedDisk, clock: SimulatedClock) {
  return {
    files: disk.files,
    clock,
    random: { bytes: (n: number) => Buffer.alloc(n, ++drawn), fraction: () => 0.5 },
    codec,
    log: { write() {} },
  };
}

let drawn = 0;

async function simulated(over: Partial<typeof options>) {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const spool = await clock.run(openSpool({ ...options, ...over }, ports(disk, clock)));
  return { clock, disk, spool };
}

function described(path: string) {
  return { collector: 'c', type: 'file', resource: {}, attributes: { 'log.file.path': path } };
}
